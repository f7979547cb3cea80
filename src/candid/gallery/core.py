"""What every part of the gallery shares: keys, clock, the writer, the readers, the index."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from candid.gallery import rows
from candid.gallery.cipher import CollectionCipher, KeyRing
from candid.gallery.database import Readers
from candid.gallery.errors import CollectionNotFound
from candid.gallery.index.blocks import BlockStore
from candid.gallery.index.loading import Loaded, Templates, load_space
from candid.gallery.index.spaces import Spaces
from candid.gallery.limits import Limits
from candid.gallery.rows import Kind, Stored
from candid.gallery.tokens import PageTokens
from candid.gallery.writer import Writer

SALT_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Core:
    """One open gallery's means."""

    path: Path
    keys: KeyRing
    limits: Limits
    clock: Callable[[], float]
    randomness: Callable[[int], bytes]
    readers: Readers
    writer: Writer
    tokens: PageTokens
    spaces: Spaces
    pool: ThreadPoolExecutor
    work: threading.Event  # set where there is something to do in the background

    def collection(self, account: str, collection_id: str) -> Stored:
        """The account's collection of this id.

        Raises:
            CollectionNotFound: there is none.
        """
        with self.readers.snapshot() as connection:
            return rows.find(connection, account, collection_id)

    def cipher(self, stored: Stored, purpose: str) -> CollectionCipher:
        """The cipher for one purpose in a collection."""
        return self.keys.cipher(stored, purpose)

    def templates(self, stored: Stored, kind: Kind) -> Templates:
        """The stored vectors of one of its spaces."""
        return templates_of(self.keys, stored, kind)

    def blocks(self, stored: Stored, kind: Kind) -> BlockStore:
        """The blocks of one of its spaces."""
        return blocks_of(self.keys, stored, kind)

    def due(self, connection: sqlite3.Connection, space: int) -> bool:
        """Whether enough rows of a space stand in no block to fill some; asked within a transaction."""
        loose = connection.execute("SELECT rows - blocked FROM spaces WHERE id = ?", (space,)).fetchone()
        return loose is not None and loose[0] >= self.limits.sealed_rows


def templates_of(keys: KeyRing, stored: Stored, kind: Kind) -> Templates:
    """The stored vectors of a space."""
    cipher = keys.cipher(stored, kind.value)
    return Templates(cipher, stored.contract, stored.dimension, stored.space(kind))


def blocks_of(keys: KeyRing, stored: Stored, kind: Kind) -> BlockStore:
    """The blocks of a space."""
    return BlockStore(keys.cipher(stored, "index"), stored.contract, stored.space(kind))


def loader(readers: Readers, keys: KeyRing, limits: Limits) -> Callable[[int], Loaded]:
    """What brings a space into memory by its id."""

    def load(space: int) -> Loaded:
        with readers.snapshot() as connection:
            found = rows.by_space(connection, space)
            if found is None:
                raise CollectionNotFound("the collection was deleted meanwhile")
            templates, blocks = templates_of(keys, *found), blocks_of(keys, *found)
            return load_space(connection, templates, blocks, sealed_rows=limits.sealed_rows)

    return load
