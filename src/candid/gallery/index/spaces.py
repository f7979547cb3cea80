"""Which spaces are in memory. Small ones come when they are searched and go when others need the room."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from candid.gallery.index.codes import Numbers, Shard
from candid.gallery.index.loading import Loaded
from candid.gallery.index.space import Space
from candid.gallery.records import Vectors


class _Place:
    """Where a space is or will be. Holding `lock` while loading keeps the writer's news in order."""

    __slots__ = ("lock", "space")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.space: Space | None = None  # guarded by lock


class Spaces:
    """The spaces in memory, and the news of committed writes.

    A place is made before its space is read from the store, and a write is told here after it was committed.
    So a space either was read after the write, or hears of it: what was answered is in every later search.
    """

    def __init__(
        self,
        load: Callable[[int], Loaded],
        *,
        warm_bytes: int,
        remade: Callable[[int, Loaded], None],
    ) -> None:
        """Take what loads a space by its id, and what is told where blocks must be made anew."""
        self._load = load
        self._remade = remade
        self._warm_bytes = warm_bytes
        self._lock = threading.Lock()
        self._places: OrderedDict[int, _Place] = OrderedDict()  # guarded by _lock; used last stands last

    def get(self, space: int) -> Space:
        """A space, loaded where it is not in memory.

        Raises:
            GalleryError: what loading raised.
        """
        with self._lock:
            place = self._places.get(space)
            if place is None:
                place = self._places[space] = _Place()
            self._places.move_to_end(space)
        with place.lock:
            if place.space is not None:
                return place.space
            try:
                loaded = self._load(space)
            except BaseException:
                self.drop(space)
                raise
            if loaded.unsaved or loaded.discard:  # told before anyone can compress what came after
                self._remade(space, loaded)
            found = place.space = loaded.space
        self._make_room(space)
        return found

    def added(self, space: int, numbers: Numbers, vectors: Vectors) -> None:
        """Rows were committed."""
        self._tell(space, lambda found: found.add(numbers, vectors))

    def removed(self, space: int, numbers: Numbers) -> None:
        """Rows were deleted."""
        self._tell(space, lambda found: found.remove(numbers))

    def absorbed(self, space: int, shard: Shard) -> None:
        """The blocks of a shard were committed."""
        self._tell(space, lambda found: found.absorb(shard))

    def drop(self, space: int) -> None:
        """Forget a space."""
        with self._lock:
            self._places.pop(space, None)

    def sizes(self) -> tuple[int, int]:
        """How many spaces are in memory, and their bytes."""
        with self._lock:
            found = [place.space for place in self._places.values() if place.space is not None]
        return len(found), sum(space.size for space in found)

    def _tell(self, space: int, news: Callable[[Space], None]) -> None:
        with self._lock:
            place = self._places.get(space)
        if place is None:
            return
        with place.lock:
            if place.space is not None:
                news(place.space)

    def _make_room(self, kept: int) -> None:
        """Drop the small spaces used longest ago while all of them are larger than their share of memory."""
        with self._lock:
            small = [
                (number, place.space.size)
                for number, place in self._places.items()
                if place.space is not None and not place.space.compressed
            ]
            excess = sum(size for _, size in small) - self._warm_bytes
            for number, size in small:
                if excess <= 0:
                    break
                if number != kept:
                    del self._places[number]
                    excess -= size
