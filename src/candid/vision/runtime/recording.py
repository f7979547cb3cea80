"""Keeps the arrays that models are run with, so that a benchmark can time the same passes and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from candid.vision.runtime.runner import Runner
    from candid.vision.runtime.session import Array


@dataclass(slots=True)
class Recording:
    """The calls of one thread, in order: the runner, and the arrays that it may run side by side."""

    calls: list[tuple[Runner, list[Array]]] = field(default_factory=list)

    def replay(self) -> None:
        """The bare forward passes of the recorded calls: same arrays, same cores, no queue and no counters."""
        for runner, arrays in self.calls:
            runner.replay(arrays)


_current: ContextVar[Recording | None] = ContextVar("recording", default=None)


@contextmanager
def recording() -> Iterator[Recording]:
    """Record what this thread runs within the block."""
    kept = Recording()
    token = _current.set(kept)
    try:
        yield kept
    finally:
        _current.reset(token)


def is_recording() -> bool:
    """Whether this thread's calls are kept."""
    return _current.get() is not None


def note(runner: Runner, arrays: Sequence[Array]) -> None:
    """Add a call to this thread's recording, if there is one."""
    kept = _current.get()
    if kept is not None:
        kept.calls.append((runner, [array.copy() for array in arrays]))
