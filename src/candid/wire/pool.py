"""The threads that handle calls: so many at once, so many waiting, no more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from candid.wire.refusals import throttled

R = TypeVar("R")


class Pool:
    """A bounded thread pool, used from one event loop."""

    def __init__(self, *, workers: int, queue: int) -> None:
        """Take how many calls are handled at once, and how many more may wait."""
        self._workers = workers
        self._most = workers + queue
        self._held = 0  # touched by the event loop only
        self._executor = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="candid-call")

    @property
    def in_flight(self) -> int:
        """Calls that are being handled."""
        return min(self._held, self._workers)

    @property
    def waiting(self) -> int:
        """Calls that wait for a thread."""
        return max(0, self._held - self._workers)

    async def run(self, function: Callable[[], R]) -> R:
        """What `function` returns or raises, from a thread.

        A call whose caller is cancelled keeps its place until its thread is done.

        Raises:
            Refusal: ThrottlingException, at once: every thread is busy and the queue is full.
        """
        if self._held >= self._most:
            raise throttled()
        future = asyncio.get_running_loop().run_in_executor(self._executor, self._counted(function))
        return await future

    def _counted(self, function: Callable[[], R]) -> Callable[[], R]:
        self._held += 1
        loop = asyncio.get_running_loop()

        def counted() -> R:
            try:
                return function()
            finally:
                with suppress(RuntimeError):  # the loop has ended: nobody counts any more
                    loop.call_soon_threadsafe(self._release)

        return counted

    def _release(self) -> None:
        self._held -= 1

    def finish(self) -> None:
        """As `close`, from outside of the event loop."""
        self._executor.shutdown()

    async def close(self) -> None:
        """Wait for the calls in flight; refuse new ones."""
        await asyncio.to_thread(self._executor.shutdown)
