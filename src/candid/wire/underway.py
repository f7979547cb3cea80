"""Which accounts have calls under way, so that whoever ends a customer can wait until none of its calls goes on."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class Underway:
    """Calls under way, counted by account. Thread-safe."""

    _calls: Counter[str]  # guarded by _changed

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._calls = Counter()

    @contextmanager
    def __call__(self, account: str) -> Iterator[None]:
        """Count a call while the block runs; what it may do is looked up within."""
        with self._changed:
            self._calls[account] += 1
        try:
            yield
        finally:
            with self._changed:
                self._calls[account] -= 1
                if not self._calls[account]:
                    del self._calls[account]
                    self._changed.notify_all()

    def wait(self, account: str, *, seconds: float) -> bool:
        """Wait until no call of an account is under way; False where it takes longer than so many seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: account not in self._calls, timeout=seconds)
