"""What a running server enters now and then: how things stand, every hour; what is stored, every day."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from candid.gallery import Gallery
from candid.governance import Customers
from candid.recording import Recorder

STATE_SECONDS = 3600
# A server that did not run for longer than this enters nothing for the days before.
MOST_DAYS = 400


class Housekeeping:
    """Called often, by one thread; does something rarely."""

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
        done = date.fromisoformat(self._recorder.state.storage_day)
        if done + timedelta(days=1) >= today:
            return
        contents = self._gallery.contents_of_accounts()
        whose = {customer.account: customer.pseudonym for customer in self._customers.all()}
        first = max(done + timedelta(days=1), today - timedelta(days=MOST_DAYS))
        for day in (first + timedelta(days=at) for at in range((today - first).days)):
            for account, held in sorted(contents.items()):
                if account in whose and (held.faces or held.users):
                    counts = {"faces": held.faces, "users": held.users}
                    body = {"kind": "storage/1", "customer": whose[account], "day": day.isoformat(), **counts}
                    self._recorder.act(body)
        yesterday = (today - timedelta(days=1)).isoformat()
        self._recorder.state.storage_day = max(self._recorder.state.storage_day, yesterday)
