"""What is done in the background: writing blocks for rows that have none, and erasing what was deleted.

Both go through the writer in short transactions, between those of callers, and both go on after a restart:
what is left to do stands in the database.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from contextlib import suppress
from functools import partial

import numpy as np
from numpy.typing import NDArray

from candid.gallery import rows
from candid.gallery.core import Core, blocks_of
from candid.gallery.errors import CollectionNotFound, GalleryClosed, GalleryDamaged, GalleryError
from candid.gallery.index.codes import Numbers, Shard, compress
from candid.gallery.index.loading import Loaded
from candid.gallery.purging import purge_some
from candid.gallery.schema import first_row, number_of, row
from candid.gallery.writer import Written

_log = logging.getLogger(__name__)

# How long to wait after something failed, for example because the disk is full.
RETRY_SECONDS = 5.0


class Maintenance:
    """One thread that works while there is something to do."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._lock = threading.Lock()
        self._remade: list[tuple[int, Loaded]] = []  # guarded by _lock
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="gallery maintenance", daemon=True)

    def start(self) -> None:
        """Begin; the first thing is what was left undone before."""
        self._core.work.set()
        self._thread.start()

    def remade(self, space: int, loaded: Loaded) -> None:
        """Blocks had to be made anew when a space was loaded; they are to be stored."""
        with self._lock:
            self._remade.append((space, loaded))
        self._core.work.set()

    def stop(self) -> None:
        """End after the step that is being done."""
        self._ended = True
        self._core.work.set()
        self._thread.join()

    def _run(self) -> None:
        pause: float | None = None
        while not self._ended:
            self._core.work.wait(pause)
            self._core.work.clear()
            pause = None
            try:
                self._purge()
                self._store_remade()
                self._compress_tails()
            except GalleryClosed:
                return
            except GalleryError as error:
                # The class alone: the text may name a path, and this room logs nothing that it need not.
                _log.warning("gallery maintenance put off: %s", type(error).__name__)
                pause = RETRY_SECONDS

    def _purge(self) -> None:
        while not self._ended and self._core.writer.submit(partial(purge_some, self._core)):
            pass

    def _store_remade(self) -> None:
        while not self._ended:
            with self._lock:
                if not self._remade:
                    return
                space, loaded = self._remade[0]
            if loaded.discard:
                self._core.writer.submit(partial(_clear, self._core, space))
            for shard in loaded.unsaved:
                self._core.writer.submit(partial(_store, self._core, space, shard, in_memory=True))
            with self._lock:
                self._remade.pop(0)

    def _compress_tails(self) -> None:
        core, least = self._core, self._core.limits.sealed_rows
        with core.readers.snapshot() as connection:
            due = connection.execute("SELECT id FROM spaces WHERE rows - blocked >= ?", (least,)).fetchall()
        for (space,) in due:
            # It is being deleted, or damaged, of which a search tells; the others go on.
            with suppress(CollectionNotFound, GalleryDamaged):
                self._compress_tail(space)

    def _compress_tail(self, space: int) -> None:
        core, least = self._core, self._core.limits.sealed_rows
        while not self._ended:
            found = core.spaces.get(space)  # each time: it may have made room for others meanwhile
            self._store_remade()  # loading may have made blocks for older rows; they come first
            numbers, vectors = found.oldest(least)
            if len(numbers) < least:
                return
            shard = compress(numbers, vectors)
            if not core.writer.submit(partial(_store, core, space, shard, in_memory=False)):
                return


def _clear(core: Core, space: int, connection: sqlite3.Connection) -> Written[None]:
    """Delete blocks that do not belong to their space."""
    owner = rows.by_space(connection, space)
    if owner is not None:
        blocks_of(core.keys, *owner).clear(connection)
        connection.execute("UPDATE spaces SET blocked = 0 WHERE id = ?", (space,))
    return Written(None)


def _store(
    core: Core, space: int, shard: Shard, connection: sqlite3.Connection, *, in_memory: bool
) -> Written[bool]:
    """Write a shard's blocks, without rows deleted meanwhile; False where there is nothing to be done.

    That is where the space is gone, or older rows have no block yet: blocks cover all rows up to the last.
    """
    owner = rows.by_space(connection, space)
    if owner is None or _skips(connection, space, int(shard.numbers[0])):
        return Written(False)
    shard = shard.only(_living(connection, space, shard.numbers))
    if not len(shard.numbers):
        return Written(True)
    blocks = blocks_of(core.keys, *owner)
    blocks.write(connection, shard)
    connection.execute("UPDATE spaces SET blocked = ? WHERE id = ?", (blocks.rows(connection), space))
    return Written(True, None if in_memory else partial(core.spaces.absorbed, space, shard))


def _skips(connection: sqlite3.Connection, space: int, number: int) -> bool:
    """Whether there are rows before this one that no block covers."""
    first, place = first_row(space), row(space, number)
    covered = connection.execute(
        "SELECT last FROM blocks WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT 1", (first, place)
    ).fetchone()
    older = "SELECT 1 FROM templates WHERE id > ? AND id < ? LIMIT 1"
    last = first if covered is None else covered[0]
    return connection.execute(older, (last, place)).fetchone() is not None


def _living(connection: sqlite3.Connection, space: int, numbers: Numbers) -> NDArray[np.bool_]:
    low, high = row(space, int(numbers[0])), row(space, int(numbers[-1]))
    found = connection.execute("SELECT id FROM templates WHERE id BETWEEN ? AND ?", (low, high))
    return np.isin(numbers, np.array([number_of(place) for (place,) in found], dtype=np.uint32))
