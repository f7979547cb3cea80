"""What an operation notes of its work for the log: counts, and what was stored, enrolled and erased.

Never an image, an embedding or a name. Ids of collections and faces are handed on to `candid.recording`, which
enters pseudonyms and tags instead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable


class Notes:
    """One call's notes; one thread's own."""

    __slots__ = ("collection", "counts", "enrolled", "erased", "stored")

    def __init__(self) -> None:
        self.collection: str | None = None
        self.counts: Counter[str] = Counter()
        self.stored: Counter[str] = Counter()
        self.enrolled: tuple[str, ...] = ()
        self.erased: tuple[str, ...] = ()

    def count(self, **counts: int) -> None:
        """Add to counts, such as `found`, `matches`, `compared`."""
        self.counts.update(counts)

    def enrol(self, face_ids: Iterable[str]) -> None:
        """Faces were stored that were not there before."""
        new = tuple(face_ids)
        self.enrolled += new
        self.stored["faces"] += len(new)

    def erase(self, face_ids: Iterable[str]) -> None:
        """Faces were deleted."""
        gone = tuple(face_ids)
        self.erased += gone
        self.stored["faces"] -= len(gone)
