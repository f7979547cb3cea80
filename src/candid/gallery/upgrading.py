"""Moving a collection to another embedding contract, where the crops were kept.

The new vectors are written to a space of their own, some hundred at a time, while the collection is served
from its old one. When none is missing, one short transaction points the collection at the new space. What is
left of an upgrade that was cut off is a space that nobody points to, which is erased.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from candid.gallery import rows, userrows
from candid.gallery.core import Core, templates_of
from candid.gallery.errors import GalleryError, InvalidInput
from candid.gallery.records import Upgrade, Vectors
from candid.gallery.rows import Kind, Stored
from candid.gallery.schema import first_row, last_row, number_of, row
from candid.gallery.vectors import unit_rows
from candid.gallery.writer import Written

# Crops embedded at a time.
BATCH = 256

Embed = Callable[[list[bytes]], Vectors]


@dataclass(frozen=True, slots=True)
class _Move:
    """A move under way; `target` is the collection as it will be, pointing at its new spaces."""

    stored: Stored
    target: Stored
    purges: tuple[int, ...]  # rows of `purges` that will erase the new spaces if the move is cut off


def upgrade(
    core: Core, account: str, collection_id: str, *, to: str, dimension: int, embed: Embed
) -> Upgrade:
    """Move a collection; see `Gallery.upgrade`."""
    stored = core.collection(account, collection_id)
    if stored.contract == to:
        return Upgrade(moved=False, contract=to, faces=0, without_crop=0)
    if stored.crops < stored.faces:
        return _stays(stored)
    move = core.writer.submit(partial(_begin, stored, to, dimension))
    try:
        outcome = None
        while outcome is None:
            while _embed_some(core, move, embed):
                pass
            outcome = core.writer.submit(partial(_change_over, core, move))
    except BaseException:
        with suppress(GalleryError):  # then it is done when the gallery is next opened
            core.writer.submit(partial(_abandon, move))
        core.work.set()
        raise
    core.work.set()
    return outcome


def _stays(stored: Stored) -> Upgrade:
    missing = stored.faces - stored.crops
    return Upgrade(moved=False, contract=stored.contract, faces=0, without_crop=missing)


def _begin(stored: Stored, to: str, dimension: int, connection: sqlite3.Connection) -> Written[_Move]:
    rows.unchanged(connection, stored)
    spaces = [connection.execute("INSERT INTO spaces DEFAULT VALUES").lastrowid for _ in range(2)]
    purges = []
    for space in spaces:
        made = connection.execute(
            "INSERT INTO purges (kind, owner, collection) VALUES ('unfinished', ?, ?)", (space, stored.key)
        )
        purges.append(int(made.lastrowid or 0))
    faces, users = (int(space or 0) for space in spaces)
    target = replace(stored, contract=to, dimension=dimension, face_space=faces, user_space=users)
    return Written(_Move(stored, target, tuple(purges)))


def _embed_some(core: Core, move: _Move, embed: Embed) -> int:
    """Embed the next crops that have no new vector; how many there were."""
    source, target = move.stored, move.target
    with core.readers.snapshot() as connection:
        rows.unchanged(connection, source)
        (last,) = connection.execute(
            "SELECT coalesce(max(id), 0) FROM templates WHERE id BETWEEN ? AND ?",
            (first_row(target.face_space), last_row(target.face_space)),
        ).fetchone()
        found = connection.execute(
            "SELECT f.id, f.face_id, c.sealed FROM faces f JOIN crops c ON c.id = f.id"
            " WHERE f.id > ? AND f.id <= ? ORDER BY f.id LIMIT ?",
            (row(source.key, number_of(last)), last_row(source.key), BATCH),
        ).fetchall()
    if not found:
        return 0
    cipher = core.cipher(source, "crop")
    crops = [cipher.open(sealed, owner=owner, contract="") for _, owner, sealed in found]
    vectors = unit_rows(embed(crops), target.dimension)
    if len(vectors) != len(found):
        raise InvalidInput(f"embedding {len(found)} crops gave {len(vectors)} vectors")
    seal = partial(core.cipher(target, Kind.FACES).seal_vector, contract=target.contract)
    numbered = [
        (row(target.face_space, number_of(place)), owner, seal(vector, owner=owner))
        for (place, owner, _), vector in zip(found, vectors, strict=True)
    ]

    def job(connection: sqlite3.Connection) -> Written[None]:
        connection.executemany(  # a face that was deleted meanwhile gets none
            "INSERT INTO templates (id, owner, sealed) SELECT ?1, ?2, ?3"
            " WHERE EXISTS (SELECT 1 FROM faces WHERE face_id = ?2)",
            numbered,
        )
        return Written(None)

    core.writer.submit(job)
    return len(found)


def _change_over(core: Core, move: _Move, connection: sqlite3.Connection) -> Written[Upgrade | None]:
    """Point the collection at its new spaces, unless faces came meanwhile: then None."""
    source, target = move.stored, move.target
    now = rows.unchanged(connection, source)
    if now.crops < now.faces:
        return Written(_stays(now), _abandon(move, connection).applied)
    low, high = first_row(target.face_space), last_row(target.face_space)
    (count,) = connection.execute(
        "SELECT count(*) FROM templates WHERE id BETWEEN ? AND ?", (low, high)
    ).fetchone()
    if count < now.faces:
        return Written(None)
    connection.execute(
        "UPDATE spaces SET rows = ?, next = (SELECT next FROM spaces WHERE id = ?) WHERE id = ?",
        (count, source.face_space, target.face_space),
    )
    connection.execute(
        "UPDATE collections SET contract = ?, dimension = ?, face_space = ?, user_space = ? WHERE key = ?",
        (target.contract, target.dimension, target.face_space, target.user_space, source.key),
    )
    _renew_users(connection, core, target)
    for purge in move.purges:
        connection.execute("DELETE FROM purges WHERE id = ?", (purge,))
    connection.executemany(
        "INSERT INTO purges (kind, owner) VALUES ('space', ?)", [(source.face_space,), (source.user_space,)]
    )

    def applied() -> None:
        core.spaces.drop(source.face_space)
        core.spaces.drop(source.user_space)
        core.work.set()

    return Written(
        Upgrade(moved=True, contract=target.contract, faces=count, without_crop=0), applied, erases=True
    )


def _renew_users(connection: sqlite3.Connection, core: Core, target: Stored) -> None:
    """Give every user the vector of its faces' new embeddings."""
    users = connection.execute(
        f"SELECT {userrows.COLUMNS} FROM users WHERE collection = ? AND faces > 0", (target.key,)  # noqa: S608
    ).fetchall()
    connection.execute("UPDATE users SET template = NULL WHERE collection = ?", (target.key,))
    templates = templates_of(core.keys, target, Kind.FACES)
    for columns in users:
        user = replace(userrows.UserRow(*columns), template=None)
        numbers = userrows.face_numbers(connection, user)
        parts = [
            next(templates.between(connection, row(target.face_space, n), row(target.face_space, n)))[1]
            for n in numbers
        ]
        userrows.renew(connection, core, target, user, np.concatenate(parts))


def _abandon(move: _Move, connection: sqlite3.Connection) -> Written[None]:
    """Let the new spaces be erased."""
    connection.executemany("UPDATE purges SET kind = 'space' WHERE id = ?", [(each,) for each in move.purges])
    return Written(None)
