from __future__ import annotations

import hashlib
import json
import string
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from candid.wire.canonical import (
    canonical_headers,
    canonical_path,
    canonical_query,
    canonical_request,
    signature,
    signing_key,
    string_to_sign,
)

PUBLISHED = json.loads((Path(__file__).parent / "data" / "sigv4.json").read_text())


@pytest.mark.parametrize("case", PUBLISHED["cases"], ids=lambda case: case["name"])
def test_signatures_that_aws_published(case):
    date, region = PUBLISHED["timestamp"][:8], PUBLISHED["region"]
    canonical = canonical_request(
        method=case["method"],
        path=case["path"].encode(),
        query=case["query"].encode(),
        headers=[(name.encode(), value.encode()) for name, value in case["headers"]],
        signed=tuple(case["signed"]),
        payload_hash=hashlib.sha256(case["body"].encode()).hexdigest(),
    )
    scope = f"{date}/{region}/{case['service']}/aws4_request"
    to_sign = string_to_sign(timestamp=PUBLISHED["timestamp"], scope=scope, canonical=canonical)
    key = signing_key(PUBLISHED["secret"], date, region, case["service"])
    assert signature(key, to_sign) == case["signature"]


def test_the_signing_key_that_aws_published():
    key = signing_key(PUBLISHED["secret"], "20150830", "us-east-1", "iam")
    assert key.hex() == PUBLISHED["signing_key_iam"]


@pytest.mark.parametrize(
    ("headers", "signed", "canonical"),
    [
        ([(b"a", b"1")], ("a",), b"a:1\n"),
        ([(b"a", b"  1 \t 2  ")], ("a",), b"a:1 2\n"),
        ([(b"a", b"1"), (b"b", b"x"), (b"a", b"2")], ("a", "b"), b"a:1,2\nb:x\n"),
        ([(b"a", b"")], ("a",), b"a:\n"),
        ([], ("a",), b"a:\n"),
        ([(b"a", b"\xff\xc3\xa4")], ("a",), b"a:\xff\xc3\xa4\n"),
        ([(b"unsigned", b"1")], ("a",), b"a:\n"),
    ],
)
def test_headers(headers, signed, canonical):
    assert canonical_headers(headers, signed) == canonical


@pytest.mark.parametrize(
    ("query", "canonical"),
    [
        (b"", b""),
        (b"a", b"a="),
        (b"b=2&a=1", b"a=1&b=2"),
        (b"a=2&a=1", b"a=1&a=2"),
        (b"a=%7e&b=%2f", b"a=~&b=%2F"),
        (b"&&a=1&", b"a=1"),
        (b"a=b=c", b"a=b%3Dc"),
    ],
)
def test_query(query, canonical):
    assert canonical_query(query) == canonical


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        (b"/", b"/"),
        (b"", b"/"),
        (b"//", b"/"),
        (b"/a/../b/", b"/b/"),
        (b"/../../", b"/"),
        (b"/a/.", b"/a"),
        (b"/a/b/..", b"/a"),
        (b"/a%20b", b"/a%2520b"),
        (b"/\xe1\x88\xb4", b"/%E1%88%B4"),
    ],
)
def test_path(path, canonical):
    assert canonical_path(path) == canonical


TEXT = st.text(string.ascii_letters + string.digits + " !#$%&'()*+,-./:;<=>?@[]^_`{|}~\t", max_size=30)
NAMES = st.text(string.ascii_lowercase + string.digits + "-", min_size=1, max_size=12).map("x-amz-".__add__)


@settings(deadline=None)
@given(
    method=st.sampled_from(["POST", "GET", "PUT"]),
    segments=st.lists(st.text(max_size=8).filter(lambda text: text.isprintable()), max_size=4),
    query=st.lists(st.tuples(st.text(min_size=1, max_size=6), st.text(max_size=6)), max_size=4),
    headers=st.dictionaries(NAMES, TEXT, max_size=5),
    body=st.binary(max_size=64),
    secret=st.text(string.ascii_letters + string.digits + "+/", min_size=1, max_size=64),
    region=st.sampled_from(["us-east-1", "eu-central-2", "local"]),
)
def test_signatures_agree_with_botocore(method, segments, query, headers, body, secret, region):
    path = "/" + "/".join(quote(segment, safe="~") for segment in segments)
    encoded = urlencode(query, quote_via=quote, safe="~")
    headers = {"Host": "candid.example:9000"} | headers
    url = f"http://candid.example:9000{path}" + (f"?{encoded}" if encoded else "")
    request = AWSRequest(method, url, headers=headers, data=body)
    SigV4Auth(Credentials("AKID", secret), "rekognition", region).add_auth(request)

    authorization = request.headers["Authorization"]
    signed = tuple(authorization.partition("SignedHeaders=")[2].partition(",")[0].split(";"))
    timestamp = request.headers["X-Amz-Date"]
    canonical = canonical_request(
        method=method,
        path=path.encode(),
        query=encoded.encode(),
        headers=[(name.lower().encode(), value.encode()) for name, value in request.headers.items()],
        signed=signed,
        payload_hash=hashlib.sha256(body).hexdigest(),
    )
    scope = f"{timestamp[:8]}/{region}/rekognition/aws4_request"
    to_sign = string_to_sign(timestamp=timestamp, scope=scope, canonical=canonical)
    key = signing_key(secret, timestamp[:8], region, "rekognition")
    assert signature(key, to_sign) == authorization.partition("Signature=")[2]
