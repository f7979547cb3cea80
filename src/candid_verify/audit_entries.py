"""Reading millions of entries: as strict as `candid_verify.entries.parse_entry`, at more than twice its speed.

The quick way leaves to the slow one whatever it is not sure of: an entry with characters beyond ASCII, one with
a number so long that it may lie outside ±(2^53 − 1), and everything that it would refuse.
"""

from __future__ import annotations

import json
import re
from typing import Any

from candid_verify.entries import KINDS, MAX_ENTRY, parse_entry
from candid_verify.errors import EntryError, FormatError

_LONG_NUMBER = re.compile(rb"[0-9]{16}")  # 10^15 < 2^53, so fifteen digits are always few enough


def _no_float(text: str) -> object:
    raise ValueError(text)


_decode = json.JSONDecoder(parse_float=_no_float, parse_constant=_no_float).decode
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True).encode


def read_entry(data: bytes) -> dict[str, Any]:
    """The entry that these bytes are.

    Raises:
        EntryError: they are none; `parse_entry` raises the same.
    """
    if len(data) > MAX_ENTRY:
        raise EntryError(f"an entry has {len(data)} bytes; {MAX_ENTRY} fit")
    if data.isascii() and _LONG_NUMBER.search(data) is None:
        text = data.decode("ascii")
        try:
            value = _decode(text)
            if _encode(value) == text and isinstance(value, dict):
                KINDS[value["kind"]](value)
                return value
        except (ValueError, RecursionError, LookupError, TypeError, FormatError):
            pass  # the slow way says what is wrong
    return parse_entry(data)
