"""Overwriting what SQLite's `secure_delete` leaves behind, and emptying the write-ahead log.

`secure_delete` zeroes a deleted row where it stands. But when a page of a B-tree is full, SQLite copies half of
its rows to another page, and their old bytes stay in the first page's unallocated space, where a later deletion
of the row does not reach them. (Met in our tests: about one deleted row in four hundred, with SQLite 3.40.)

So whenever the log is copied into the database, the unallocated space of every page that the log held is
overwritten with zeros, before the log is cut. Only bytes that no row occupies are ever written, so a crash at any
moment does no harm; until the log is cut, opening the gallery does it all again.

    log   = header (32 bytes; page size at 8, 4 bytes big-endian)
            | frames: header (24; page number at 0, 4 bytes big-endian) and a page
    page  = header (8, or 12 in an inner page; on page 1 after 100 bytes of file header): kind at 0, cells at 3
            (2 bytes), start of the cells' content at 5 (2; 0 means 65536)
            | 2 bytes a cell | unallocated space | content

Source: https://www.sqlite.org/fileformat2.html, sections 1.6 and 4.1.
"""

from __future__ import annotations

import os
import sqlite3
import struct
from pathlib import Path

_LOG_HEADER = 32
_FRAME_HEADER = 24
_FILE_HEADER = 100
_LEAVES, _INNER = (10, 13), (2, 5)
_CELLS = struct.Struct(">HH")
# An overflow page begins with the number of the next; below this many pages its first byte is none of the kinds
# of a B-tree page, so the two cannot be confused. 128 GiB at 4096 bytes a page; a larger file is left as it is.
_MOST_PAGES = 2 << 24


class Scrubber:
    """Empties the log of one database.

    It keeps a descriptor of its own open for as long as connections are: closing one would drop the locks that
    SQLite holds on the file for the whole process (POSIX).
    """

    def __init__(self, path: Path) -> None:
        self._log = path.with_name(f"{path.name}-wal")
        self._descriptor = os.open(path, os.O_RDWR)

    def empty_log(self, connection: sqlite3.Connection) -> bool:
        """Copy the log into the database, scrub it, and cut the log to nothing.

        Args:
            connection: the only one that writes, outside of a transaction.

        Returns:
            False where readers were in the way and it must be tried again.

        Raises:
            sqlite3.Error: there is no room, or the disk fails.
            OSError: the same.
        """
        pages, size = self._pages()
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(FULL)").fetchone()
        if busy:
            return False
        if self._scrub(pages, size):
            os.fsync(self._descriptor)
            connection.execute("PRAGMA shrink_memory")  # its copies of the pages are as they were
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy

    def close(self) -> None:
        """Only after every connection has been closed."""
        os.close(self._descriptor)

    def _pages(self) -> tuple[set[int], int]:
        """Numbers of the pages in the log, and the size of a page."""
        try:
            with self._log.open("rb") as log:
                header = log.read(_LOG_HEADER)
                if len(header) < _LOG_HEADER:
                    return set(), 0
                size = int.from_bytes(header[8:12], "big")
                end = os.fstat(log.fileno()).st_size
                frames = range(_LOG_HEADER, end - _FRAME_HEADER - size + 1, _FRAME_HEADER + size)
                return {int.from_bytes(os.pread(log.fileno(), 4, frame), "big") for frame in frames}, size
        except FileNotFoundError:
            return set(), 0

    def _scrub(self, pages: set[int], size: int) -> bool:
        """Zero the unallocated space of pages; whether there was anything in it."""
        if size and os.fstat(self._descriptor).st_size // size >= _MOST_PAGES:
            return False
        found = False
        for number in sorted(pages):
            start = (number - 1) * size
            gap = _unallocated(os.pread(self._descriptor, size, start), _FILE_HEADER if number == 1 else 0)
            if gap is not None:
                os.pwrite(self._descriptor, bytes(gap.stop - gap.start), start + gap.start)
                found = True
        return found


def _unallocated(page: bytes, begin: int) -> slice | None:
    """The unallocated space of a B-tree page; None where it is zero already, or the page is of another kind."""
    if len(page) < begin + 12 or page[begin] not in (*_LEAVES, *_INNER):
        return None
    cells, content = _CELLS.unpack_from(page, begin + 3)
    low = begin + (8 if page[begin] in _LEAVES else 12) + 2 * cells
    high = content or 65536
    if not low < high <= len(page) or not any(page[low:high]):
        return None
    return slice(low, high)
