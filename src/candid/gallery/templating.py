"""Adding and erasing templates within a transaction, with all that hangs on them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import numpy as np

from candid.gallery.core import Core
from candid.gallery.errors import FaceNotFound, LimitExceeded
from candid.gallery.index.codes import Numbers
from candid.gallery.records import Vectors
from candid.gallery.rows import Kind, Stored
from candid.gallery.schema import NUMBER_BITS, row


def append(connection: sqlite3.Connection, space: int, sealed: Sequence[tuple[bytes, bytes]]) -> Numbers:
    """Store sealed vectors with their owners; their numbers, ascending.

    Raises:
        LimitExceeded: the space has given out all its numbers, over four thousand million.
    """
    found = connection.execute(
        "UPDATE spaces SET rows = rows + ?1, next = next + ?1 WHERE id = ?2 RETURNING next",
        (len(sealed), space),
    ).fetchall()
    end = int(found[0][0])
    if end >= 1 << NUMBER_BITS:
        raise LimitExceeded("this collection has used up its numbers; move its faces to a new one")
    start = end - len(sealed)
    connection.executemany(
        "INSERT INTO templates (id, owner, sealed) VALUES (?, ?, ?)",
        [(row(space, start + i), owner, vector) for i, (owner, vector) in enumerate(sealed)],
    )
    return np.arange(start, end, dtype=np.uint32)


def erase(connection: sqlite3.Connection, core: Core, stored: Stored, kind: Kind, numbers: Numbers) -> None:
    """Delete templates that exist, also from the blocks of the index."""
    space = stored.space(kind)
    connection.executemany("DELETE FROM templates WHERE id = ?", [(row(space, int(n)),) for n in numbers])
    blocked = core.blocks(stored, kind).remove(connection, numbers)
    connection.execute(
        "UPDATE spaces SET rows = rows - ?, blocked = blocked - ? WHERE id = ?",
        (len(numbers), blocked, space),
    )


def erase_unfinished(connection: sqlite3.Connection, stored: Stored, numbers: Numbers) -> None:
    """Delete templates from spaces that the collection is being moved to."""
    for (space,) in connection.execute(
        "SELECT owner FROM purges WHERE kind = 'unfinished' AND collection = ?", (stored.key,)
    ).fetchall():
        connection.executemany("DELETE FROM templates WHERE id = ?", [(row(space, int(n)),) for n in numbers])


def vectors(
    connection: sqlite3.Connection, core: Core, stored: Stored, kind: Kind, numbers: Sequence[int]
) -> Vectors:
    """Decrypted vectors by number, float32 (n, d), in the order asked for.

    Raises:
        FaceNotFound: one of the numbers is not there.
        GalleryDamaged: one fails its authentication.
    """
    templates = core.templates(stored, kind)
    found = []
    for number in numbers:
        sealed = connection.execute(
            "SELECT owner, sealed FROM templates WHERE id = ?", (row(templates.space, int(number)),)
        ).fetchone()
        if sealed is None:
            raise FaceNotFound("a face was deleted meanwhile")
        found.append(sealed)
    return templates.cipher.open_vectors(found, contract=stored.contract, dimension=stored.dimension)


