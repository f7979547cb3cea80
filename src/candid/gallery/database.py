"""SQLite connections, set up alike, and SQLite's errors in the words of this room."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from candid.gallery.errors import GalleryClosed, GalleryDamaged, StorageFull, StorageUnavailable

NAME = "gallery.db"
PAGE_BYTES = 4096
WRITER_CACHE_KIB = 64 * 1024
READER_CACHE_KIB = 4 * 1024
IDLE_READERS = 16  # connections kept for the next search; more are opened under load, and closed after it
# Milliseconds a statement waits for a lock. There is one writer, so only checkpoints ever wait for readers.
BUSY_MS = 5_000

_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT}


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raise this room's error for SQLite's.

    Raises:
        StorageFull: there is no room.
        GalleryDamaged: the file is no database, or a broken one.
        StorageUnavailable: anything else that the storage refuses.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise explained(error, path) from error
    except OSError as error:
        raise StorageUnavailable(f"{path} cannot be used: {error.strerror}; check its disk") from error


def explained(error: sqlite3.Error, path: Path) -> StorageUnavailable | GalleryDamaged:
    """The error of this room that says what SQLite's means."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return StorageFull(f"no room to write {path}; free some space, reads go on meanwhile")
    if code in _DAMAGED:
        return GalleryDamaged(f"{path} is damaged ({error}); restore the gallery from a backup")
    return StorageUnavailable(f"{path} cannot be used now: {error}; check its disk and permissions")


def connect(path: Path, *, writes: bool) -> sqlite3.Connection:
    """A connection in autocommit mode, usable from any thread, one at a time.

    A commit is on the disk when it returns (`synchronous=FULL`), what is deleted is overwritten with zeros
    (`secure_delete`), and nothing is spilled into temporary files.
    """
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
    try:
        connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
        connection.execute("PRAGMA temp_store=MEMORY")
        if writes:
            connection.execute(f"PRAGMA page_size={PAGE_BYTES}")
            connection.execute("PRAGMA secure_delete=ON")
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA wal_autocheckpoint=0")
            connection.execute(f"PRAGMA cache_size=-{WRITER_CACHE_KIB}")
        else:
            connection.execute("PRAGMA query_only=ON")
            connection.execute(f"PRAGMA cache_size=-{READER_CACHE_KIB}")
    except BaseException:
        connection.close()
        raise
    return connection


class Readers:
    """Connections for reading, lent one at a time to any thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._idle: list[sqlite3.Connection] = []  # guarded by _lock
        self._closed = False  # guarded by _lock

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """One unchanging view of everything committed before.

        Raises:
            GalleryClosed: the gallery has been closed.
            StorageUnavailable, GalleryDamaged: as `translated`.
        """
        with translated(self._path):
            connection = self._take()
            try:
                connection.execute("BEGIN")
                yield connection
            finally:
                with suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                self._give(connection)

    def _take(self) -> sqlite3.Connection:
        with self._lock:
            if self._closed:
                raise GalleryClosed("the gallery has been closed")
            if self._idle:
                return self._idle.pop()
        return connect(self._path, writes=False)

    def _give(self, connection: sqlite3.Connection) -> None:
        with self._lock:
            if not self._closed and not connection.in_transaction and len(self._idle) < IDLE_READERS:
                self._idle.append(connection)
                return
        connection.close()

    def close(self) -> None:
        """Close what is idle now, and the rest when it is given back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
