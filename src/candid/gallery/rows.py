"""Collections as they stand in the database, and what every part of the gallery asks of them first."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from enum import StrEnum

from candid.gallery.errors import CollectionNotFound, ContractMismatch, InvalidInput
from candid.gallery.records import Collection

# `CollectionId` and `UserId` in Amazon's service model.
_COLLECTION_ID = re.compile(r"[a-zA-Z0-9_.\-]{1,255}")
_USER_ID = re.compile(r"[a-zA-Z0-9_.\-:]{1,128}")

_COLUMNS = (
    "c.key, c.account, c.id, c.contract, c.dimension, c.created_at, c.faces, c.users, c.crops,"
    " c.face_space, c.user_space, s.salt"
)
_FROM = "FROM collections c JOIN salts s ON s.collection = c.key"


class Kind(StrEnum):
    """What a space holds; the value is the purpose of the key its vectors are sealed with."""

    FACES = "template"
    USERS = "user"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A collection's row and salt; `key` is never given twice, so it tells a collection from a namesake."""

    key: int
    account: str
    id: str
    contract: str
    dimension: int
    created_at: float
    faces: int
    users: int
    crops: int
    face_space: int
    user_space: int
    salt: bytes

    def space(self, kind: Kind) -> int:
        """The id of one of its two spaces."""
        return self.face_space if kind is Kind.FACES else self.user_space

    def record(self) -> Collection:
        """What callers see of it."""
        return Collection(
            account=self.account,
            id=self.id,
            contract=self.contract,
            dimension=self.dimension,
            created_at=self.created_at,
            faces=self.faces,
            users=self.users,
        )


def _stored(row: tuple[object, ...]) -> Stored:
    names = Stored.__slots__
    return Stored(**dict(zip(names, row, strict=True)))  # type: ignore[arg-type]


def find(connection: sqlite3.Connection, account: str, collection_id: str) -> Stored:
    """The account's collection of this id.

    Raises:
        CollectionNotFound: there is none.
    """
    found = connection.execute(
        f"SELECT {_COLUMNS} {_FROM} WHERE c.account = ? AND c.id = ?", (account, collection_id)
    ).fetchone()
    if found is None:
        raise CollectionNotFound(f"The collection id: {collection_id} does not exist")
    return _stored(found)


def by_space(connection: sqlite3.Connection, space: int) -> tuple[Stored, Kind] | None:
    """Whose space this is; None where its collection was deleted or moved to another."""
    found = connection.execute(
        f"SELECT {_COLUMNS} {_FROM} WHERE c.face_space = ?1 OR c.user_space = ?1", (space,)
    ).fetchone()
    if found is None:
        return None
    stored = _stored(found)
    return stored, Kind.FACES if stored.face_space == space else Kind.USERS


def page(connection: sqlite3.Connection, account: str, after: int, limit: int) -> list[Stored]:
    """The account's collections after a key, oldest first."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} {_FROM} WHERE c.account = ? AND c.key > ? ORDER BY c.key LIMIT ?",
        (account, after, limit),
    )
    return [_stored(row) for row in rows]


def unchanged(connection: sqlite3.Connection, stored: Stored) -> Stored:
    """The collection as it is now, if it is still the one that was read before.

    Raises:
        CollectionNotFound: it was deleted meanwhile.
        ContractMismatch: it was moved to another contract meanwhile.
    """
    now = find(connection, stored.account, stored.id)
    if now.key != stored.key:
        raise CollectionNotFound(f"The collection id: {stored.id} does not exist")
    require_contract(now, stored.contract)
    return now


def require_contract(stored: Stored, contract: str) -> None:
    """Refuse vectors that the collection's cannot be compared with.

    Raises:
        ContractMismatch: the collection has another contract.
    """
    if stored.contract != contract:
        raise ContractMismatch(
            f"the collection {stored.id} holds embeddings of {stored.contract}, not of {contract};"
            " use that model, or upgrade the collection"
        )


def check_collection_id(collection_id: str) -> None:
    """Raises InvalidInput unless the id is one that Amazon's service model allows."""
    if _COLLECTION_ID.fullmatch(collection_id) is None:
        raise InvalidInput("a collection id has 1 to 255 of the characters a-z A-Z 0-9 _ . -")


def check_user_id(user_id: str) -> None:
    """Raises InvalidInput unless the id is one that Amazon's service model allows."""
    if _USER_ID.fullmatch(user_id) is None:
        raise InvalidInput("a user id has 1 to 128 of the characters a-z A-Z 0-9 _ . - :")
