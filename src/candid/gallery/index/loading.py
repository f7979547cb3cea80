"""Bringing a space into memory: codes from its blocks, the newest vectors from the store."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from candid.gallery.cipher import CollectionCipher
from candid.gallery.index.blocks import BlockStore
from candid.gallery.index.codes import Numbers, Shard, compress, joined
from candid.gallery.index.groups import ROWS
from candid.gallery.index.space import Space
from candid.gallery.records import Vectors
from candid.gallery.schema import first_row, last_row, number_of

_BATCH = 4096  # templates decrypted at a time


@dataclass(frozen=True, slots=True, eq=False)
class Templates:
    """The stored vectors of one space."""

    cipher: CollectionCipher
    contract: str
    dimension: int
    space: int

    def between(
        self, connection: sqlite3.Connection, low: int, high: int
    ) -> Iterator[tuple[Numbers, Vectors]]:
        """Vectors by row number, inclusive and ascending, some thousands at a time.

        Raises:
            GalleryDamaged: one fails its authentication.
        """
        found = connection.execute(
            "SELECT id, owner, sealed FROM templates WHERE id BETWEEN ? AND ? ORDER BY id", (low, high)
        )
        while rows := found.fetchmany(_BATCH):
            numbers = np.array([number_of(row[0]) for row in rows], dtype=np.uint32)
            sealed = [(owner, vector) for _, owner, vector in rows]
            yield numbers, self.cipher.open_vectors(sealed, contract=self.contract, dimension=self.dimension)


@dataclass(slots=True, eq=False)
class Loaded:
    """A space, and what must be stored of it.

    Attributes:
        space: the vectors.
        unsaved: shards that had to be made anew and are not stored yet.
        discard: the stored blocks do not belong to the space and must go first.
    """

    space: Space
    unsaved: list[Shard] = field(default_factory=list)
    discard: bool = False


class _Mismatch(Exception):
    """The blocks do not cover what the space says they do."""


def load_space(
    connection: sqlite3.Connection, templates: Templates, blocks: BlockStore, *, sealed_rows: int
) -> Loaded:
    """Read a space as it is in the connection's snapshot.

    Blocks that are damaged are made anew from the templates they cover; where the counts do not agree, all
    are.

    Raises:
        GalleryDamaged: a template fails its authentication.
    """
    found = connection.execute("SELECT rows, blocked FROM spaces WHERE id = ?", (templates.space,)).fetchone()
    rows, blocked = found if found is not None else (0, 0)
    loaded = Loaded(Space(templates.dimension))
    try:
        last = _load_blocks(connection, templates, blocks, loaded, blocked)
        _load_tail(connection, templates, loaded, last + 1, sealed_rows)
        whole = loaded.space.rows == rows
    except _Mismatch:
        whole = False
    if not whole:
        loaded = Loaded(Space(templates.dimension), discard=True)
        _load_tail(connection, templates, loaded, first_row(templates.space), sealed_rows)
    return loaded


def _load_blocks(
    connection: sqlite3.Connection, templates: Templates, blocks: BlockStore, loaded: Loaded, expected: int
) -> int:
    """Take the codes of all blocks; the last row number they cover."""
    run: list[Shard] = []
    last, covered = first_row(templates.space) - 1, 0
    for block, end, rows, stored in blocks.read(connection):
        if stored is None or stored.codes.shape[1] != templates.dimension:
            shard = _made_anew(connection, templates, block, end)
            loaded.unsaved.append(shard)
        else:
            shard = stored
        if block <= last or len(shard.numbers) != rows:
            raise _Mismatch
        last, covered = end, covered + rows
        if run and (run[0].step != shard.step or sum(len(part.numbers) for part in run) + rows > ROWS):
            loaded.space.absorb(joined(run))
            run = []
        run.append(shard)
    if covered != expected:
        raise _Mismatch
    if run:
        loaded.space.absorb(joined(run))
    return last


def _made_anew(connection: sqlite3.Connection, templates: Templates, low: int, high: int) -> Shard:
    parts = list(templates.between(connection, low, high))
    if not parts:
        raise _Mismatch
    return compress(np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts]))


def _load_tail(
    connection: sqlite3.Connection, templates: Templates, loaded: Loaded, low: int, sealed_rows: int
) -> None:
    """Take the templates from a row number on, compressing as they come where there are many."""
    space, waiting = loaded.space, 0
    for numbers, vectors in templates.between(connection, low, last_row(templates.space)):
        space.add(numbers, vectors)
        waiting += len(numbers)
        while waiting >= 2 * sealed_rows:
            shard = compress(*space.oldest(sealed_rows))
            space.absorb(shard)
            loaded.unsaved.append(shard)
            waiting -= len(shard.numbers)
