"""How many decoded pixels there may be at once, whoever asks: memory that a few small files cannot exhaust.

A file of 300 kB may hold 100 million pixels, which take about 700 MB while they are decoded. Whoever decodes an image
first takes room for it and gives the room back when the pixels are freed. Callers are served in the order in which
they came, so that a large image is not passed over for ever by small ones.
"""

from __future__ import annotations

import threading
import weakref
from collections import deque

from candid.vision.errors import ImageError
from candid.vision.facts import Pixels


class NoPixelRoom(ImageError):
    """Other images held all the room for too long; the same call may succeed later."""


class PixelRoom:
    """Room for a number of pixels, shared by threads."""

    _free: int  # guarded by _changed
    _waiting: deque[object]  # guarded by _changed; the first may take room

    def __init__(self, pixels: int, *, patience: float = 30.0) -> None:
        """Room for `pixels`; who waits longer than `patience` seconds is refused."""
        self._most = pixels
        self._free = pixels
        self._patience = patience
        self._waiting = deque()
        self._changed = threading.Condition()

    def take(self, pixels: int) -> None:
        """Take room, waiting for it; more than there is at all is cut to all of it.

        Raises:
            NoPixelRoom: there was none in time.
        """
        wanted = min(pixels, self._most)
        with self._changed:
            if not self._waiting and wanted <= self._free:
                self._free -= wanted
                return
            ticket = object()
            self._waiting.append(ticket)
            try:
                came = self._changed.wait_for(
                    lambda: self._waiting[0] is ticket and wanted <= self._free, self._patience
                )
                if not came:
                    raise NoPixelRoom("too many large images are being handled; try again")
                self._free -= wanted
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()

    def give(self, pixels: int) -> None:
        """Give back what `take` took for as many pixels."""
        with self._changed:
            self._free += min(pixels, self._most)
            self._changed.notify_all()

    def give_with(self, array: Pixels, pixels: int) -> None:
        """Give it back when an array is freed."""
        weakref.finalize(array, self.give, pixels).atexit = False
