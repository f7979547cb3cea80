"""What a running server enters now and then: how things stand, every hour; what is stored, every day."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from candid.gallery import Gallery
from candid.governance import Customers
from candid.recording import Recorder
from candid.recording.state import State
from candid_verify.deadlines import Deadlines

STATE_SECONDS = 3600
# A server that did not run for longer than this enters nothing for the days before.
MOST_DAYS = 400

_log = logging.getLogger("candid.housekeeping")


class Housekeeping:
    """Called often, by one thread; does something rarely."""

    _next: date  # the first day whose storage is not stated, or due to be
    _due: list[dict[str, Any]]  # what is to be entered, in order
    _deadlines: Deadlines  # by what this run has entered; told by whoever enters, one at a time, and read here

    def __init__(
        self,
        recorder: Recorder,
        customers: Customers,
        gallery: Gallery,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Begin now."""
        self._recorder, self._customers, self._gallery, self._clock = recorder, customers, gallery, clock
        self._stated, self._size = clock(), recorder.state.size
        self._deadlines = Deadlines()
        self._deadlines.see("start/1", int(self._stated * 1000))  # that of this run, which stands there already
        recorder.observe(lambda _, entry: self._deadlines.see(entry["kind"], entry["time"]))
        self._next = _first_day(recorder.state)
        self._due = []

    def __call__(self) -> None:
        """Do what is due.

        Raises:
            NotRecorded: the log takes no entries; it is tried again.
            GovernanceError, GalleryError: customers or gallery cannot be read; likewise.
        """
        now = self._clock()
        self._enter_storage(now)
        if now >= self._stated + STATE_SECONDS:
            if self._recorder.state.size > self._size:
                self._recorder.enter_state()
            self._stated, self._size = now, self._recorder.state.size

    def _enter_storage(self, now: float) -> None:
        """One entry for each customer with anything stored and each day (UTC) that has ended."""
        today = datetime.fromtimestamp(now, UTC).date()
        if self._next < today:
            first = max(self._next, today - timedelta(days=MOST_DAYS))
            self._due += self._statements([first + timedelta(days=at) for at in range((today - first).days)])
            self._next = today
        while self._due:  # one by one, so that what was entered is not entered again after an error
            if self._in_time(self._due[0]["day"], now):
                self._recorder.act(self._due[0])
            self._due.pop(0)

    def _in_time(self, day: str, now: float) -> bool:
        """Whether a day may still be entered: what is late would not be billed, and an audit would find it."""
        start = int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() * 1000)
        late = self._deadlines.passed(start, int(now * 1000))
        if late:
            _log.error("What was stored on %s cannot be entered any more; nobody is billed for it.", day)
        return not late

    def _statements(self, days: Sequence[date]) -> list[dict[str, Any]]:
        """What is stored now, for each day; not again what a crash came behind."""
        whose = {customer.account: customer.pseudonym for customer in self._customers.all()}
        held = [
            (whose[account], {"faces": contents.faces, "users": contents.users})
            for account, contents in sorted(self._gallery.contents_of_accounts().items())
            if account in whose and (contents.faces or contents.users)
        ]
        entered = self._recorder.state.storage
        return [
            {"kind": "storage/1", "customer": customer, "day": day.isoformat(), **counts}
            for day in days
            for customer, counts in held
            if day.isoformat() > entered.get(customer, "")
        ]


def _first_day(state: State) -> date:
    """The first day for which something may have to be entered, at a start.

    Days before the newest change of what is stored are left out: how much was stored then is not known any more, and
    it was entered, or nothing was. The newest day that was entered is looked at again, as a crash may have come
    between two customers.
    """
    return date.fromisoformat(max(state.stock_day, *state.storage.values(), state.begun))
