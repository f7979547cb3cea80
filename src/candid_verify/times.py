"""Times as they stand in entries, and as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

LATEST = 253_370_764_800_000
"""The first millisecond of the year 9999: no time in an entry is that late."""


_LAST_SECOND = 253_402_300_799  # that Python's dates know

APART = 300_000
"""Milliseconds by which two clocks may differ: an entry that is later than another clock by more is not of its time."""

LONGEST_CALL = 600_000
"""Milliseconds that a call may take from `started` to its entry's `time`; no call of Candid takes as long."""


def iso(time: int) -> str:
    """A time in milliseconds since the epoch as ISO 8601 in UTC, such as 2026-11-25T01:20:14.007Z."""
    moment = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=min(time, LATEST))
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def iso_seconds(time: int) -> str:
    """The same without its milliseconds: 2026-11-25T01:20:14Z."""
    return f"{datetime.fromtimestamp(min(time // 1000, _LAST_SECOND), UTC):%Y-%m-%dT%H:%M:%SZ}"


def day_of(time: int) -> str:
    """The UTC day of a time in milliseconds since the epoch: 2026-11-25."""
    return datetime.fromtimestamp(time // 1000, UTC).date().isoformat()


def spoken(time: int) -> str:
    """The same for sentences, to the second: 25 November 2026, 01:20:14 UTC."""
    moment = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=min(time, LATEST))
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}, {moment:%H:%M:%S} UTC"


_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
