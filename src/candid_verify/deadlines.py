"""Until when a day's storage may be entered: what comes later is not billed, and an audit finds it.

A server enters what was stored at a day's end soon after it, or, where it did not run then, as soon as it runs again.
The log tells when it was at work: by `call/1`, `start/1` and `storage/1` entries, which nobody else writes. So:

    A day's `storage/1` is late if such an entry stands before it that is of 24 hours or more after the day's end, and
    of more than 24 hours before the `storage/1` itself.

A server that runs on has two days, one that was down has a day from its next start on. Once the log is beyond the
deadline of a month's last day, nothing can be added to the month's bill: the month is closed.
"""

from __future__ import annotations

from bisect import bisect_left

DAY = 86_400_000  # milliseconds

_AT_WORK = frozenset({"call/1", "start/1", "storage/1"})


class Deadlines:
    """What the log tells of a server at work. Not for several threads."""

    _firsts: list[int]  # times of the first entry of each UTC day that has any, rising
    _next: int  # the first millisecond of the day after the newest of them

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._firsts, self._next = [], 0

    def see(self, kind: str, time: int) -> None:
        """Take note of an entry, of any kind, in the order of the log.

        Args:
            kind: such as `call/1`.
            time: of the entry, milliseconds since the epoch.
        """
        if time >= self._next and kind in _AT_WORK:
            self._firsts.append(time)
            self._next = (time // DAY + 1) * DAY

    def of(self, day: int) -> int | None:
        """The last millisecond for a day's storage; None while it can be entered for an unknown time.

        Args:
            day: the first millisecond of the UTC day.
        """
        place = bisect_left(self._firsts, day + 2 * DAY)
        return None if place == len(self._firsts) else self._firsts[place] + DAY

    def passed(self, day: int, time: int) -> bool:
        """Whether a time is beyond the deadline of the day that begins at `day`."""
        deadline = self.of(day)
        return deadline is not None and time > deadline
