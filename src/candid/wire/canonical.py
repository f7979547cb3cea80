"""The canonical form of a request, its string to sign and its signature: Signature Version 4.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
Everything here is bytes: a header is signed as it was sent.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote_from_bytes, unquote_to_bytes

ALGORITHM = "AWS4-HMAC-SHA256"
TERMINATOR = "aws4_request"

Headers = Iterable[tuple[bytes, bytes]]

_BLANKS = re.compile(rb"[ \t]+")


def canonical_headers(headers: Headers, signed: Iterable[str]) -> bytes:
    """Each signed header as `name:value` and a line feed: blanks collapsed, duplicates joined with commas.

    Args:
        headers: names in lower case, in the order in which they came.
        signed: names in lower case; one that is missing has an empty value.
    """
    joined: dict[bytes, bytes] = {}
    for name, value in headers:
        trimmed = _BLANKS.sub(b" ", value.strip(b" \t"))
        joined[name] = joined[name] + b"," + trimmed if name in joined else trimmed
    return b"".join(b"%b:%b\n" % (name, joined.get(name, b"")) for name in (text.encode("latin-1") for text in signed))


def canonical_query(query: bytes) -> bytes:
    """Names and values percent-encoded anew and sorted by their encoded form."""
    pairs = []
    for part in query.split(b"&"):
        if part:
            name, _, value = part.partition(b"=")
            pairs.append((_encode(name), _encode(value)))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs)).encode()


def canonical_path(raw_path: bytes) -> bytes:
    """The path, dot segments removed and each segment encoded once more; `/` for none."""
    segments: list[bytes] = []
    for segment in raw_path.split(b"/"):
        if segment == b"..":
            if segments:
                segments.pop()
        elif segment not in {b"", b"."}:
            segments.append(segment)
    path = b"/" + b"/".join(segments)
    if raw_path.endswith(b"/") and segments:  # as botocore signs it: a dot segment at the end leaves none
        path += b"/"
    return quote_from_bytes(path, safe="/~").encode()


def _encode(text: bytes) -> str:
    return quote_from_bytes(unquote_to_bytes(text), safe="~")


def canonical_request(
    *, method: str, path: bytes, query: bytes, headers: Headers, signed: tuple[str, ...], payload_hash: str
) -> bytes:
    """The bytes whose hash is signed; `headers` and `signed` as for `canonical_headers`."""
    return b"\n".join(
        (
            method.encode(),
            canonical_path(path),
            canonical_query(query),
            canonical_headers(headers, signed),
            ";".join(signed).encode("latin-1"),
            payload_hash.encode(),
        )
    )


def string_to_sign(*, timestamp: str, scope: str, canonical: bytes) -> bytes:
    """What the signing key signs.

    Args:
        timestamp: `20150830T123600Z`.
        scope: `20150830/us-east-1/service/aws4_request`.
        canonical: from `canonical_request`.
    """
    return f"{ALGORITHM}\n{timestamp}\n{scope}\n{hashlib.sha256(canonical).hexdigest()}".encode()


def signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    """The key for one day, region and service."""
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, TERMINATOR):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def signature(key: bytes, to_sign: bytes) -> str:
    """The signature in hex."""
    return hmac.digest(key, to_sign, "sha256").hex()


def header_values(headers: Headers) -> Mapping[bytes, list[bytes]]:
    """Every value of each header."""
    values: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        values.setdefault(name, []).append(value)
    return values
