"""Users as they stand in the database, and their vectors.

A user's vector is the mean of its faces' unit embeddings, again of unit length. It is renewed whenever a face
comes or goes; each time it gets a new number in the users' space, so the index only ever appends and removes.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from functools import partial

import numpy as np

from candid.gallery import templating
from candid.gallery.core import Core
from candid.gallery.errors import UserNotFound
from candid.gallery.records import User, UserStatus, Vectors
from candid.gallery.rows import Kind, Stored
from candid.gallery.schema import number_of, row
from candid.gallery.vectors import mean_direction

OWNER_BYTES = 16
COLUMNS = "id, user_id, owner, faces, created_at, template"


@dataclass(frozen=True, slots=True)
class UserRow:
    """A row of `users`; `template` is a row number, None while it has no vector."""

    id: int
    user_id: str
    owner: bytes
    faces: int
    created_at: float
    template: int | None

    def record(self) -> User:
        """What callers see of it."""
        return User(
            user_id=self.user_id, status=status_of(self.faces), faces=self.faces, created_at=self.created_at
        )


def status_of(faces: int) -> UserStatus:
    """The status of a user with so many faces."""
    return UserStatus.ACTIVE if faces else UserStatus.CREATED


def find_user(connection: sqlite3.Connection, stored: Stored, user_id: str) -> UserRow:
    """A collection's user.

    Raises:
        UserNotFound: there is none of this id.
    """
    found = connection.execute(
        f"SELECT {COLUMNS} FROM users WHERE collection = ? AND user_id = ?", (stored.key, user_id)  # noqa: S608
    ).fetchone()
    if found is None:
        raise UserNotFound(f"The user id: {user_id} does not exist")
    return UserRow(*found)


def by_template(connection: sqlite3.Connection, space: int, number: int) -> UserRow | None:
    """The user whose vector has this number."""
    found = connection.execute(
        f"SELECT {COLUMNS} FROM users WHERE template = ?", (row(space, number),)  # noqa: S608
    ).fetchone()
    return None if found is None else UserRow(*found)


def face_numbers(connection: sqlite3.Connection, user: UserRow) -> list[int]:
    """Numbers of a user's faces, ascending."""
    found = connection.execute("SELECT id FROM faces WHERE user = ? ORDER BY id", (user.id,))
    return [number_of(place) for (place,) in found]


@dataclass(frozen=True, slots=True, eq=False)
class Renewed:
    """What the index must hear of a user's vector once it is committed."""

    core: Core
    space: int
    old: int | None
    new: int | None
    vector: Vectors | None
    due: bool

    def __call__(self) -> None:
        """Tell the index."""
        if self.old is not None:
            self.core.spaces.removed(self.space, np.array([self.old], dtype=np.uint32))
        if self.new is not None and self.vector is not None:
            self.core.spaces.added(self.space, np.array([self.new], dtype=np.uint32), self.vector[None])
        if self.due:
            self.core.work.set()


def renew(
    connection: sqlite3.Connection, core: Core, stored: Stored, user: UserRow, faces: Vectors
) -> Renewed:
    """Give a user the vector of its faces, float32 (n, d); none where there are none."""
    vector = mean_direction(faces)
    old = None if user.template is None else number_of(user.template)
    if old is not None:
        templating.erase(connection, core, stored, Kind.USERS, np.array([old], dtype=np.uint32))
    new = None
    if vector is not None:
        seal = partial(core.cipher(stored, Kind.USERS).seal_vector, owner=user.owner)
        sealed = seal(vector, contract=stored.contract)
        new = int(templating.append(connection, stored.user_space, [(user.owner, sealed)])[0])
    connection.execute(
        "UPDATE users SET faces = ?, template = ? WHERE id = ?",
        (len(faces), None if new is None else row(stored.user_space, new), user.id),
    )
    return Renewed(core, stored.user_space, old, new, vector, core.due(connection, stored.user_space))
