"""Blocks: how the codes of a space are kept on the disk, so that opening a gallery decrypts no embedding.

    plaintext = rows (4 bytes) | dimension (4) | step (float32) | error (float32), all little-endian
                | numbers (uint32 a row) | codes (`dimension` bytes a row)

A block covers the templates from its id to `last`, both row numbers, and is sealed with the collection's
index key, bound to this range, the count of its rows and the contract. A block that cannot be opened is made
anew from the templates it covers; one that is whole and belongs elsewhere cannot be opened.

Deleting a face writes its block anew without it, in the same transaction.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from candid.gallery.cipher import CollectionCipher
from candid.gallery.errors import GalleryDamaged
from candid.gallery.index.codes import Numbers, Shard
from candid.gallery.schema import first_row, last_row, number_of, row

# Small enough that deleting one face rewrites little, large enough that a million rows are read in no time.
ROWS = 512
_HEAD = struct.Struct("<IIff")
_RANGE = struct.Struct(">QQI")


@dataclass(frozen=True, slots=True, eq=False)
class BlockStore:
    """Reads and writes the blocks of one space."""

    cipher: CollectionCipher
    contract: str
    space: int

    def write(self, connection: sqlite3.Connection, shard: Shard) -> None:
        """Store a shard's rows instead of whatever blocks cover its numbers."""
        low, high = row(self.space, int(shard.numbers[0])), row(self.space, int(shard.numbers[-1]))
        connection.execute(
            "DELETE FROM blocks WHERE id BETWEEN ? AND ? AND last >= ?", (first_row(self.space), high, low)
        )
        for start in range(0, len(shard.numbers), ROWS):
            part = shard.rows(start, start + ROWS)
            block = row(self.space, int(part.numbers[0]))
            last = row(self.space, int(part.numbers[-1]))
            connection.execute(
                "INSERT INTO blocks (id, last, rows, sealed) VALUES (?, ?, ?, ?)",
                (block, last, len(part.numbers), self._seal(part, block, last)),
            )

    def clear(self, connection: sqlite3.Connection) -> None:
        """Delete every block."""
        connection.execute(
            "DELETE FROM blocks WHERE id BETWEEN ? AND ?", (first_row(self.space), last_row(self.space))
        )

    def rows(self, connection: sqlite3.Connection) -> int:
        """Rows that stand in blocks."""
        (found,) = connection.execute(
            "SELECT coalesce(sum(rows), 0) FROM blocks WHERE id BETWEEN ? AND ?",
            (first_row(self.space), last_row(self.space)),
        ).fetchone()
        return int(found)

    def read(self, connection: sqlite3.Connection) -> Iterator[tuple[int, int, int, Shard | None]]:
        """Every block in order: first and last row number, rows, and its shard, or None if it is damaged."""
        found = connection.execute(
            "SELECT id, last, rows, sealed FROM blocks WHERE id BETWEEN ? AND ? ORDER BY id",
            (first_row(self.space), last_row(self.space)),
        )
        for block, last, rows, sealed in found:
            yield block, last, rows, self._open(sealed, block, last, rows)

    def remove(self, connection: sqlite3.Connection, numbers: Numbers) -> int:
        """Take rows out of their blocks; how many of them stood in blocks.

        A damaged block loses its content: it is made anew from the templates when the space is next loaded.
        """
        removed = 0
        numbers = np.sort(numbers)
        while len(numbers):
            place = row(self.space, int(numbers[0]))
            found = connection.execute(
                "SELECT id, last, rows, sealed FROM blocks WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT 1",
                (first_row(self.space), place),
            ).fetchone()
            if found is None or found[1] < place:
                numbers = numbers[1:]
                continue
            inside = np.searchsorted(numbers, number_of(found[1]), side="right")
            removed += self._shrink(connection, found, numbers[:inside])
            numbers = numbers[inside:]
        return removed

    def _shrink(
        self, connection: sqlite3.Connection, found: tuple[int, int, int, bytes], numbers: Numbers
    ) -> int:
        block, last, rows, sealed = found
        shard = self._open(sealed, block, last, rows)
        if shard is None:
            left, content, gone = rows - len(numbers), b"", len(numbers)
        else:
            rest = shard.only(~np.isin(shard.numbers, numbers))
            left = len(rest.numbers)
            content, gone = self._seal(rest, block, last), rows - left
        if left <= 0:
            connection.execute("DELETE FROM blocks WHERE id = ?", (block,))
        else:
            connection.execute("UPDATE blocks SET rows = ?, sealed = ? WHERE id = ?", (left, content, block))
        return gone

    def _seal(self, shard: Shard, block: int, last: int) -> bytes:
        rows, dimension = shard.codes.shape
        plain = b"".join((
            _HEAD.pack(rows, dimension, shard.step, shard.error),
            shard.numbers.astype("<u4").tobytes(),
            shard.codes.tobytes(),
        ))
        return self.cipher.seal(plain, owner=_RANGE.pack(block, last, rows), contract=self.contract)

    def _open(self, sealed: bytes, block: int, last: int, rows: int) -> Shard | None:
        try:
            plain = self.cipher.open(sealed, owner=_RANGE.pack(block, last, rows), contract=self.contract)
        except (GalleryDamaged, struct.error):
            return None
        found, dimension, step, error = _HEAD.unpack_from(plain)
        numbers = np.frombuffer(plain, dtype="<u4", count=found, offset=_HEAD.size).astype(np.uint32)
        codes = np.frombuffer(plain, dtype=np.uint8, offset=_HEAD.size + 4 * found)
        return Shard(numbers, codes.reshape(found, dimension), step, error)
