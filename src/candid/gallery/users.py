"""Users: creating, deleting, listing, and which faces are theirs."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from typing import Any

from candid.gallery import rows
from candid.gallery.association import associate, disassociate
from candid.gallery.core import Core
from candid.gallery.errors import UserExists
from candid.gallery.once import once as do_once
from candid.gallery.records import Association, Disassociation, Once, Page, User
from candid.gallery.rows import Stored
from candid.gallery.schema import first_row, last_row, row
from candid.gallery.userrows import COLUMNS, OWNER_BYTES, UserRow, find_user, renew
from candid.gallery.vectors import no_vectors
from candid.gallery.writer import Written

Step = Callable[[sqlite3.Connection, Stored], Written[Any]]


class Users:
    """The users of collections. `once` makes a call idempotent; see `candid.gallery.once`."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def create(self, account: str, collection_id: str, user_id: str, *, once: Once | None = None) -> bool:
        """A new user, without faces.

        Returns:
            Whether this call made it; False where `once` says that an earlier one did.

        Raises:
            InvalidInput: a malformed id.
            CollectionNotFound: there is no such collection.
            UserExists: it has a user of this id.
            TokenMismatch: the token was used with other parameters.
        """
        rows.check_user_id(user_id)
        now, owner = self._core.clock(), self._core.randomness(OWNER_BYTES)
        made: list[str] = []

        def step(connection: sqlite3.Connection, stored: Stored) -> Written[None]:
            there = "SELECT 1 FROM users WHERE collection = ? AND user_id = ?"
            if connection.execute(there, (stored.key, user_id)).fetchone() is not None:
                raise UserExists(f"The user id: {user_id} already exists")
            ((number,),) = connection.execute(
                "UPDATE collections SET users = users + 1, next_user = next_user + 1 WHERE key = ?"
                " RETURNING next_user - 1",
                (stored.key,),
            ).fetchall()
            connection.execute(
                "INSERT INTO users (id, collection, user_id, owner, created_at) VALUES (?, ?, ?, ?, ?)",
                (row(stored.key, number), stored.key, user_id, owner, now),
            )
            made.append(user_id)
            return Written(None)

        self._write(account, collection_id, once, step)
        return bool(made)

    def delete(self, account: str, collection_id: str, user_id: str, *, once: Once | None = None) -> bool:
        """Delete a user and its vector; its faces stay, without a user.

        Returns:
            Whether this call deleted it; False where `once` says that an earlier one did.

        Raises:
            CollectionNotFound, UserNotFound: there is no such collection or user.
            TokenMismatch: the token was used with other parameters.
        """
        gone: list[str] = []

        def step(connection: sqlite3.Connection, stored: Stored) -> Written[None]:
            user = find_user(connection, stored, user_id)
            connection.execute("UPDATE faces SET user = NULL WHERE user = ?", (user.id,))
            told = renew(connection, self._core, stored, user, no_vectors(stored.dimension))
            connection.execute("DELETE FROM users WHERE id = ?", (user.id,))
            connection.execute("UPDATE collections SET users = users - 1 WHERE key = ?", (stored.key,))
            gone.append(user_id)
            return Written(None, told, erases=True)

        self._write(account, collection_id, once, step)
        return bool(gone)

    def list(self, account: str, collection_id: str, *, limit: int, token: str | None = None) -> Page[User]:
        """A page of users in the order in which they were created.

        Raises:
            CollectionNotFound: there is no such collection.
            InvalidPageToken: the token is not one of this listing.
        """
        core = self._core
        with core.readers.snapshot() as connection:
            stored = rows.find(connection, account, collection_id)
            query = ("users", account, str(stored.key))
            after = max(core.tokens.read(token, *query), first_row(stored.key) - 1)
            found = [
                UserRow(*columns)
                for columns in connection.execute(
                    f"SELECT {COLUMNS} FROM users WHERE id > ? AND id <= ? ORDER BY id LIMIT ?",  # noqa: S608
                    (after, last_row(stored.key), limit + 1),
                )
            ]
        more = len(found) > limit
        items = tuple(user.record() for user in found[:limit])
        return Page(items, core.tokens.issue(found[limit - 1].id, *query) if more else None)

    def associate(
        self,
        account: str,
        collection_id: str,
        user_id: str,
        face_ids: Iterable[str],
        *,
        min_score: float,
        once: Once | None = None,
    ) -> Association:
        """Give faces to a user, those that are like it.

        Each face in turn is compared with the user's vector as it then is, with the faces before it; the
        first face of a user without any is taken as it comes.

        Args:
            account: whose collection.
            collection_id: which.
            user_id: the user.
            face_ids: the faces.
            min_score: least raw cosine of a face and the user's vector.
            once: makes the call idempotent.

        Raises:
            CollectionNotFound, UserNotFound: there is no such collection or user.
            TokenMismatch: the token was used with other parameters.
        """
        wanted = list(dict.fromkeys(face_ids))

        def step(connection: sqlite3.Connection, stored: Stored) -> Written[Association]:
            return associate(connection, self._core, stored, user_id, wanted, min_score=min_score)

        done: Association = self._write(account, collection_id, once, step)
        return done

    def disassociate(
        self,
        account: str,
        collection_id: str,
        user_id: str,
        face_ids: Iterable[str],
        *,
        once: Once | None = None,
    ) -> Disassociation:
        """Take faces from a user; they stay in the collection.

        Raises:
            CollectionNotFound, UserNotFound: there is no such collection or user.
            TokenMismatch: the token was used with other parameters.
        """
        wanted = list(dict.fromkeys(face_ids))

        def step(connection: sqlite3.Connection, stored: Stored) -> Written[Disassociation]:
            return disassociate(connection, self._core, stored, user_id, wanted)

        done: Disassociation = self._write(account, collection_id, once, step)
        return done

    def _write(self, account: str, collection_id: str, once: Once | None, step: Step) -> Any:  # noqa: ANN401
        core = self._core

        def job(connection: sqlite3.Connection) -> Written[Any]:
            stored = rows.find(connection, account, collection_id)
            return do_once(connection, core, stored, once, lambda: step(connection, stored))

        return core.writer.submit(job)
