"""Strict decimal numbers and base64, as the C2SP formats use them.

Python's own readers are lenient: `int()` takes `+1`, `1_0` and digits of other scripts, and base64 decoding
takes stray bytes and unused bits. Every text has exactly one accepted spelling here, so a changed byte shows.
"""

from __future__ import annotations

import base64
import binascii
import re

from candid.ledger.errors import FormatError

# Sizes, indexes and times are below 2^63 (tlog-cosignature says so of times; a tree cannot get near it).
MAX_NUMBER = (1 << 63) - 1
_DECIMAL = re.compile(rb"(?:0|[1-9][0-9]{0,18})\Z")

HASH_SIZE = 32


def decode_decimal(text: bytes, what: str) -> int:
    """Read ASCII decimal without sign or leading zeroes.

    Raises:
        FormatError: the text is not such a number, or above 2^63 - 1.
    """
    if _DECIMAL.match(text) is None or int(text) > MAX_NUMBER:
        raise FormatError(f"{what}: expected a decimal number without leading zeroes, found {text[:40]!r}")
    return int(text)


def encode_base64(data: bytes) -> bytes:
    """Standard base64 (RFC 4648, section 4) with padding."""
    return base64.b64encode(data)


def decode_base64(text: bytes, what: str) -> bytes:
    """Read standard base64 that is spelt in the one canonical way.

    Raises:
        FormatError: stray bytes, wrong padding or bits that would be lost.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise FormatError(f"{what}: not base64: {text[:40]!r}") from error
    if base64.b64encode(data) != text:
        raise FormatError(f"{what}: base64 is not in its canonical spelling: {text[:40]!r}")
    return data


def decode_hash(text: bytes, what: str) -> bytes:
    """Read one base64 SHA-256 hash.

    Raises:
        FormatError: not base64, or not 32 bytes.
    """
    data = decode_base64(text, what)
    if len(data) != HASH_SIZE:
        raise FormatError(f"{what}: expected a hash of {HASH_SIZE} bytes, found {len(data)}")
    return data
