"""Spreads callers' independent pieces of work over the cores.

A caller works too, so that nothing waits for a thread to wake: with a free core a helper takes every other
piece. Once as many callers are at work as there are cores, each does all of its own work. One more may be at
work, so that no core rests while a caller waits for Python's lock, and further ones wait: they would only
push each other's images out of the caches (two cores, eight callers: 17.5 ms a photograph with two at once,
16.0 with three, 18.5 with all eight).
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any, Generic, TypeVar, cast

Piece = TypeVar("Piece")
Result = TypeVar("Result")


class Lanes:
    """As many threads as cores, counting the callers'."""

    _callers: int  # guarded by _lock, as is _closed
    _closed: bool

    def __init__(self, width: int, *, most_callers: int = 0) -> None:
        """Lanes.

        Args:
            width: cores; 1 means that callers do everything.
            most_callers: that may be at work at once; 0: one more than cores.
        """
        self.width = width
        self._lock = threading.Lock()
        self._turns = threading.Semaphore(most_callers or width + 1)
        self._callers = 0
        self._closed = False
        # Handed over without futures: there are four such hand-overs a photograph, and what a future adds to
        # each is about what a small model takes.
        self._tasks: SimpleQueue[_Task[Any, Any] | None] = SimpleQueue()
        self._helpers = [
            threading.Thread(target=_help, args=(self._tasks,), name=f"candid-lane-{i}", daemon=True)
            for i in range(width - 1)
        ]
        for helper in self._helpers:
            helper.start()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Be one of the callers at work, of whom there are only so many; first waits until there is room."""
        with self._turns:
            with self._lock:
                self._callers += 1
            try:
                yield
            finally:
                with self._lock:
                    self._callers -= 1

    def free(self) -> int:
        """Lanes that one caller can use now: its own, and those of cores that no other caller keeps busy."""
        with self._lock:
            return 1 if self._closed else max(self.width - max(self._callers - 1, 0), 1)

    def map(self, work: Callable[[Piece], Result], pieces: Sequence[Piece]) -> list[Result]:
        """`work` of each piece, in order; the first error is raised once nothing runs any more."""
        helpers = min(self.free(), len(pieces)) - 1
        if helpers < 1:
            return [work(piece) for piece in pieces]
        task = _Task(work, pieces)
        for _ in range(helpers):
            self._tasks.put(task)
        task.work_on()
        return task.results()

    def close(self) -> None:
        """End the helpers once what they do is done."""
        with self._lock:
            closed, self._closed = self._closed, True
        if not closed:
            for _ in self._helpers:
                self._tasks.put(None)
        for helper in self._helpers:
            helper.join()


class _Task(Generic[Piece, Result]):
    """Pieces that several threads take one by one."""

    def __init__(self, work: Callable[[Piece], Result], pieces: Sequence[Piece]) -> None:
        self._work = work
        self._pieces = pieces
        self._next = itertools.count()  # its steps are atomic, as are those of the next
        self._finished = itertools.count(1)
        self._over = threading.Lock()  # held until the last piece is finished
        self._over.acquire()
        self._done: list[Result | None] = [None] * len(pieces)
        self._error: BaseException | None = None

    def work_on(self) -> None:
        """Take pieces until none is left; once one has failed, the others are taken and left undone."""
        for index in self._next:
            if index >= len(self._pieces):
                return
            if self._error is None:
                try:
                    self._done[index] = self._work(self._pieces[index])
                except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
                    self._error = error
            if next(self._finished) == len(self._pieces):
                self._over.release()

    def results(self) -> list[Result]:
        """Of all pieces; waits for those that helpers have taken, and for no helper that came too late to take one."""
        with self._over:
            if self._error is not None:
                raise self._error
            return cast("list[Result]", self._done)


def _help(tasks: SimpleQueue[_Task[Any, Any] | None]) -> None:
    """Work on one task after the other, until there comes None."""
    while True:
        task = tasks.get()
        if task is None:
            return
        task.work_on()
        del task  # its arrays must not live until the next one
