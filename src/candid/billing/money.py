"""Money for people: integers of micro-units, written out in full. Nothing here rounds."""

from __future__ import annotations

MICRO = 1_000_000


def plain(micro: int) -> str:
    """An amount in units of its currency with all six decimals, such as `1234.567890`; what spreadsheets read."""
    return f"{micro // MICRO}.{micro % MICRO:06}"


def grouped(micro: int) -> str:
    """The same for people, such as `1,234.567890`."""
    return f"{micro // MICRO:,}.{micro % MICRO:06}"
