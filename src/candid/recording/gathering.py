"""Many threads, one of which does the work of all that wait, in the order in which they came.

Whoever comes while nobody leads leads: it takes everything that waits and works on it in its own thread. What comes
meanwhile is the next batch, and the first of it leads that. There is no thread of its own and no timer, so a lone
caller waits for nobody.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar


class Ticket:
    """What one caller hands in. Touched by its caller and by whoever leads, never by both at once."""

    __slots__ = ("called", "error", "settled")

    def __init__(self) -> None:
        """Nothing has become of it yet."""
        self.settled = False
        self.error: Exception | None = None  # what its caller shall get
        self.called = threading.Lock()  # held until its caller need wait no more
        self.called.acquire()

    def settle(self, error: Exception | None = None) -> None:
        """Say what became of it; the first word holds."""
        if not self.settled:
            self.settled, self.error = True, error


T = TypeVar("T", bound=Ticket)


class Gathering(Generic[T]):
    """Gathers tickets and has them worked on. Thread-safe."""

    _waiting: list[T]  # guarded by _lock
    _leader: T | None  # whose caller leads, or was called to; guarded by _lock

    def __init__(self, work: Callable[[list[T]], None], interrupted: Callable[[], Exception]) -> None:
        """Begin.

        Args:
            work: settles each ticket of a batch; called by one thread at a time.
            interrupted: makes the error of tickets that `work` left unsettled, because something broke it off.
        """
        self._work, self._interrupted = work, interrupted
        self._lock = threading.Lock()
        self._waiting, self._leader = [], None

    def hand_in(self, ticket: T) -> None:
        """Return once the ticket is settled.

        Raises:
            Exception: its error.
        """
        try:
            with self._lock:
                self._waiting.append(ticket)
                lead = self._leader is None
                if lead:
                    self._leader = ticket
            if not lead:
                ticket.called.acquire()
            if not ticket.settled:
                self._lead(ticket)
        except BaseException:
            self._give_up(ticket)
            raise
        if ticket.error is not None:
            raise ticket.error

    def _lead(self, ticket: T) -> None:
        with self._lock:
            batch, self._waiting = self._waiting, []
        try:
            self._work(batch)
        finally:
            for each in batch:
                each.settle(self._interrupted() if not each.settled else None)
                each.called.release()
            self._pass_on(ticket)

    def _pass_on(self, ticket: T) -> None:
        """Let the first of those that wait lead, if this one did."""
        with self._lock:
            if self._leader is not ticket:
                return
            heir = self._leader = self._waiting[0] if self._waiting else None
        if heir is not None:
            heir.called.release()

    def _give_up(self, ticket: T) -> None:
        """An interrupt took the caller away: nobody may wait for it."""
        with self._lock:
            if ticket in self._waiting:
                self._waiting.remove(ticket)
        self._pass_on(ticket)
