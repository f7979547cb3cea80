"""Spreads one caller's independent pieces of work over the cores.

The caller works too, so that nothing waits for a thread to wake: with a free core a helper takes every
other piece, and when all cores are busy with other callers, the caller simply does all of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Generic, TypeVar

Piece = TypeVar("Piece")
Result = TypeVar("Result")


class Lanes:
    """As many threads as cores, counting the caller's."""

    def __init__(self, width: int) -> None:
        """Lanes for `width` cores; 1 means that the caller does everything."""
        self.width = width
        self._helpers = (
            ThreadPoolExecutor(width - 1, thread_name_prefix="candid-lane") if width > 1 else None
        )

    def map(self, work: Callable[[Piece], Result], pieces: Sequence[Piece]) -> list[Result]:
        """`work` of each piece, in order; the first error is raised once nothing runs any more."""
        helpers = min(self.width, len(pieces)) - 1
        if self._helpers is None or helpers < 1:
            return [work(piece) for piece in pieces]
        task = _Task(work, pieces)
        futures: list[Future[None]] = []
        with suppress(RuntimeError):  # closed meanwhile: the caller does all of it
            futures.extend(self._helpers.submit(task.work_on) for _ in range(helpers))
        task.work_on()
        for future in futures:
            if not future.cancel():
                future.result()
        return task.results()

    def close(self) -> None:
        """End the helpers once what they do is done."""
        if self._helpers is not None:
            self._helpers.shutdown(wait=True)


class _Task(Generic[Piece, Result]):
    """Pieces that several threads take one by one."""

    def __init__(self, work: Callable[[Piece], Result], pieces: Sequence[Piece]) -> None:
        self._work = work
        self._pieces = pieces
        self._next = itertools.count()  # its steps are atomic
        self._done: dict[int, Result] = {}
        self._error: Exception | None = None

    def work_on(self) -> None:
        for index in self._next:
            if index >= len(self._pieces) or self._error is not None:
                return
            try:
                self._done[index] = self._work(self._pieces[index])
            except Exception as error:  # noqa: BLE001 - raised again in the caller's thread
                self._error = error

    def results(self) -> list[Result]:
        if self._error is not None:
            raise self._error
        return [self._done[i] for i in range(len(self._pieces))]
