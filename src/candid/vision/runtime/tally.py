"""Counts the rows that models compute for one caller, so that each call can say what work it was.

The sums of all calls equal the runners' own counters: work that stands in no call shows as a difference.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_current: ContextVar[dict[str, int] | None] = ContextVar("tally", default=None)


@contextmanager
def tally() -> Iterator[dict[str, int]]:
    """Count what this thread has computed within the block: rows by the model's name."""
    counted: dict[str, int] = {}
    token = _current.set(counted)
    try:
        yield counted
    finally:
        _current.reset(token)


def count(name: str, rows: int) -> None:
    """Add rows to this thread's tally, if there is one."""
    counted = _current.get()
    if counted is not None and rows:
        counted[name] = counted.get(name, 0) + rows
