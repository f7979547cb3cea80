"""Canonical JSON (RFC 8785) of the values that entries have: objects, arrays, strings, integers, booleans.

There are no floats and no null: a member that is not known is absent. Integers lie within ±(2^53 − 1), as
RFC 8785 inherits from I-JSON (RFC 7493, section 2.2). Member names are ASCII, so that sorting them by code
point is the sorting by UTF-16 code units that RFC 8785, section 3.2.3, wants.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from candid_verify.errors import FormatError

_MOST = 2**53 - 1
_DEEPEST = 16


def canonical(value: object) -> bytes:
    """The one spelling of a value, in UTF-8.

    Raises:
        FormatError: it holds what entries may not hold.
    """
    _check(value, 0)
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True)
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise FormatError("a text holds half of a surrogate pair, which has no spelling in UTF-8") from error


def parse(data: bytes) -> Any:  # noqa: ANN401 - JSON
    """Read canonical JSON; any other spelling of the same value is refused.

    Raises:
        FormatError: these bytes are none.
    """
    try:
        value = json.loads(data.decode("utf-8"), parse_float=_no_float, parse_constant=_no_float)
    except (ValueError, RecursionError) as error:
        raise FormatError("these bytes are no JSON of integers and texts in UTF-8") from error
    if canonical(value) != data:
        raise FormatError("this JSON is not in its canonical spelling (RFC 8785)")
    return value


def encode_bytes(data: bytes) -> str:
    """Bytes in JSON: base64url without padding (RFC 4648, section 5)."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def decode_bytes(text: object, size: int | None = None) -> bytes:
    """The bytes of a JSON text.

    Args:
        text: what stands there.
        size: how many bytes it must be; None for any number.

    Raises:
        FormatError: it is not base64url without padding in its one spelling, or of another size.
    """
    if not isinstance(text, str):
        raise FormatError("where bytes are expected there is no text")
    try:
        data = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except ValueError as error:
        raise FormatError("a text is not base64url") from error
    if encode_bytes(data) != text or (size is not None and len(data) != size):
        raise FormatError("a text is not base64url of the expected length")
    return data


def _check(value: object, depth: int) -> None:
    if depth > _DEEPEST:
        raise FormatError(f"the JSON is nested deeper than {_DEEPEST} levels")
    if isinstance(value, bool | str):
        return
    if isinstance(value, int):
        if not -_MOST <= value <= _MOST:
            raise FormatError(f"the number {value} lies outside ±(2^53 − 1)")
    elif isinstance(value, list | tuple):
        for item in value:
            _check(item, depth + 1)
    elif isinstance(value, dict):
        for name, item in value.items():
            if not isinstance(name, str) or not name.isascii():
                raise FormatError("a member's name is not ASCII")
            _check(item, depth + 1)
    else:
        raise FormatError(f"{type(value).__name__} has no place in an entry")


def _no_float(text: str) -> object:
    raise FormatError(f"{text[:40]} is no integer; entries hold no other numbers")
