from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from candid.governance import Access
from candid.wire import FixedCredentials, Refusal
from candid.wire.sigv4 import Request, Verifier

BODY = b'{"CollectionId":"staff"}'


class Clock:
    def __init__(self):
        self.offset = 0.0

    def __call__(self):
        return time.time() + self.offset


@pytest.fixture(scope="module")
def clock():
    return Clock()


@pytest.fixture(scope="module")
def verify(wire, clock):
    """(request as sent) → the customer, or Refusal."""
    credentials = FixedCredentials({wire.KEY: Access(wire.CUSTOMER, wire.SECRET)})
    verifier = Verifier(credentials, region=wire.REGION, clock=clock)

    def run(sent):
        request = Request(sent.method, sent.path.encode(), sent.query, tuple(sent.headers))
        return verifier.check(verifier.claim(request), sent.body)

    return run


def refused(verify, sent):
    with pytest.raises(Refusal) as caught:
        verify(sent)
    assert caught.value.status == 400
    return caught.value.name, caught.value.message


def test_what_botocore_signs_is_taken(verify, wire):
    sent = wire.signed("DescribeCollection", BODY)
    assert verify(sent) == wire.CUSTOMER
    assert verify(sent) == wire.CUSTOMER, "within five minutes it may come again, as with AWS"


@settings(deadline=None)
@given(body=st.binary(max_size=200), extra=st.text("abc \t,;=\"'/~", max_size=20))
def test_whatever_botocore_signs_is_taken_and_nothing_else(verify, wire, body, extra):
    sent = wire.signed("DetectFaces", body, headers={"X-Amz-Meta": extra.strip(), "X-Amzn-Other": "1"})
    assert verify(sent) == wire.CUSTOMER
    other = wire.Sent(headers=sent.headers, body=body + b" ")
    assert refused(verify, other)[0] == "InvalidSignatureException"


def authorization(sent) -> str:
    return next(value for name, value in sent.headers if name == b"authorization").decode()


def test_any_changed_character_of_the_signature_is_noticed(verify, wire):
    sent = wire.signed("DescribeCollection", BODY)
    before, _, given_signature = authorization(sent).partition("Signature=")
    for at in range(64):
        other = "0" if given_signature[at] != "0" else "1"
        changed = given_signature[:at] + other + given_signature[at + 1 :]
        altered = wire.with_header(sent, b"authorization", f"{before}Signature={changed}".encode())
        name, message = refused(verify, altered)
        assert name == "InvalidSignatureException"
        assert message.startswith("The request signature we calculated does not match")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        (b"host", [b"other.example"]),
        (b"host", []),
        (b"host", [b"127.0.0.1:9000", b"127.0.0.1:9000"]),
        (b"x-amz-target", [b"RekognitionService.DeleteFaces"]),
        (b"content-type", [b"application/json"]),
    ],
)
def test_a_changed_signed_header_is_noticed(verify, wire, name, values):
    sent = wire.with_header(wire.signed("DescribeCollection", BODY), name, *values)
    assert refused(verify, sent)[0] == "InvalidSignatureException"


def test_a_changed_method_path_or_query_is_noticed(verify, wire):
    sent = wire.signed("DescribeCollection", BODY)
    for changes in ({"method": "PUT"}, {"path": "/a"}, {"query": b"a=1"}):
        altered = wire.Sent(**{"headers": sent.headers, "body": sent.body} | changes)
        assert refused(verify, altered)[0] == "InvalidSignatureException"


def test_a_header_added_on_the_way(verify, wire):
    sent = wire.signed("DescribeCollection", BODY)
    assert verify(wire.with_header(sent, b"x-forwarded-for", b"192.0.2.1")) == wire.CUSTOMER
    name, message = refused(verify, wire.with_header(sent, b"x-amz-meta", b"1"))
    assert name == "InvalidSignatureException"
    assert "not signed" in message


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"secret": "another"}, "InvalidSignatureException", "does not match the signature you provided"),
        (
            {"region": "eu-west-1"},
            "InvalidSignatureException",
            "scoped to a valid region, such as 'us-east-1'",
        ),
        ({"service": "s3"}, "InvalidSignatureException", "scoped to correct service: 'rekognition'"),
        (
            {"key": "CNDDNONE"},
            "UnrecognizedClientException",
            "security token included in the request is invalid",
        ),
        (
            {"headers": {"X-Amz-Security-Token": "t"}},
            "UnrecognizedClientException",
            "unset AWS_SESSION_TOKEN",
        ),
        (
            {"headers": {"X-Amz-Content-SHA256": "0" * 64}},
            "InvalidSignatureException",
            "x-amz-content-sha256",
        ),
        (
            {"headers": {"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"}},
            "InvalidSignatureException",
            "content-sha256",
        ),
    ],
)
def test_signed_for_something_else(verify, wire, settings, error, message):
    name, said = refused(verify, wire.signed("DescribeCollection", BODY, **settings))
    assert name == error
    assert message in said


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (None, "MissingAuthenticationTokenException", "Request is missing Authentication Token"),
        ("", "IncompleteSignatureException", "begin with AWS4-HMAC-SHA256"),
        ("Basic dXNlcjpwYXNz", "IncompleteSignatureException", "begin with AWS4-HMAC-SHA256"),
        (("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"), "IncompleteSignatureException", "begin with"),
        ("AWS4-HMAC-SHA256", "IncompleteSignatureException", "Credential, Signature, SignedHeaders once"),
        ((", Signature=", ", Other="), "IncompleteSignatureException", "each of"),
        ((", Signature=", ", Signature=, Signature="), "IncompleteSignatureException", "once"),
        (("Signature=", "Signature=0"), "IncompleteSignatureException", "64 hex digits"),
        (("/aws4_request", ""), "IncompleteSignatureException", "5 elements"),
        (("/aws4_request", "/aws3_request"), "InvalidSignatureException", "valid terminator"),
        (("/us-east-1/", "//"), "IncompleteSignatureException", "5 elements"),
        (("SignedHeaders=", "SignedHeaders=;"), "IncompleteSignatureException", "sorted, each once"),
        (("content-type;host", "host;content-type"), "IncompleteSignatureException", "sorted, each once"),
        (("content-type;host", "Content-Type;host"), "IncompleteSignatureException", "lower case"),
        (("content-type;host;", "content-type;"), "InvalidSignatureException", "'Host'"),
    ],
)
def test_an_authorization_header_that_is_not_right(verify, wire, change, error, message):
    sent = wire.signed("DescribeCollection", BODY)
    if change is None:
        altered = wire.with_header(sent, b"authorization")
    else:
        text = change if isinstance(change, str) else authorization(sent).replace(*change)
        assert text != authorization(sent)
        altered = wire.with_header(sent, b"authorization", text.encode())
    name, said = refused(verify, altered)
    assert name == error
    assert message in said


def test_a_missing_parameter_is_named_as_aws_does(verify, wire):
    sent = wire.with_header(
        wire.signed("DescribeCollection", BODY), b"authorization", b"AWS4-HMAC-SHA256 Credential=a/b/c/d/e"
    )
    assert refused(verify, sent) == (
        "IncompleteSignatureException",
        "Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter.",
    )


def test_two_authorization_headers(verify, wire):
    sent = wire.signed("DescribeCollection", BODY)
    text = authorization(sent).encode()
    assert refused(verify, wire.with_header(sent, b"authorization", text, text))[0] == "IncompleteSignatureException"


@pytest.mark.parametrize("query", [b"X-Amz-Signature=abc", b"x-amz-algorithm=AWS4-HMAC-SHA256"])
def test_a_presigned_url_is_refused_in_words(verify, wire, query):
    name, message = refused(verify, wire.Sent(query=query, headers=[(b"host", b"h")]))
    assert name == "MissingAuthenticationTokenException"
    assert "not presigned URLs" in message


@pytest.mark.parametrize(
    "dates", [[], [b"yesterday"], [b"20261301T000000Z"], [b"2026-11-24T00:00:00Z"], [b"20261124T000000Z"] * 2]
)
def test_dates_that_are_none(verify, wire, dates):
    sent = wire.with_header(wire.signed("DescribeCollection", BODY), b"x-amz-date", *dates)
    assert refused(verify, sent)[0] == "IncompleteSignatureException"


def test_the_date_of_the_scope_must_be_the_requests(verify, wire):
    sent = wire.with_header(wire.signed("DescribeCollection", BODY), b"x-amz-date", b"20150830T123600Z")
    name, message = refused(verify, sent)
    assert name == "InvalidSignatureException"
    assert message.endswith("!= '20150830', from '20150830T123600Z'.")


@pytest.mark.parametrize(
    ("offset", "said"),
    [
        (290, None),
        (-290, None),
        (310, "Signature expired: {then} is now earlier than "),
        (-310, "Signature not yet current: {then} is still later than "),
        (86_400 * 400, "Signature expired: {then} is now earlier than "),
    ],
)
def test_five_minutes_either_way(verify, wire, clock, offset, said):
    sent = wire.signed("DescribeCollection", BODY)
    then = next(value.decode() for name, value in sent.headers if name == b"x-amz-date")
    clock.offset = offset
    try:
        if said is None:
            assert verify(sent) == wire.CUSTOMER
            return
        name, message = refused(verify, sent)
    finally:
        clock.offset = 0.0
    assert name == "InvalidSignatureException"
    assert message.startswith(said.format(then=then))
    sign = "-" if offset > 0 else "+"
    assert message.endswith(f" {sign} 5 min.)")


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_no_authorization_header_breaks_it(verify, wire, text):
    sent = wire.with_header(wire.signed("DescribeCollection", BODY), b"authorization", b"AWS4-HMAC-SHA256 " + text)
    refused(verify, sent)
