"""Creating, listing and deleting collections."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from candid.gallery import rows
from candid.gallery.core import SALT_BYTES, Core
from candid.gallery.errors import CollectionExists, InvalidInput
from candid.gallery.records import Collection, Contents, Page
from candid.gallery.tags import store_tags
from candid.gallery.writer import Written

MOST_DIMENSIONS = 4096


class Collections:
    """The collections of every account."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def create(
        self,
        account: str,
        collection_id: str,
        *,
        contract: str,
        dimension: int,
        tags: Mapping[str, str] | None = None,
    ) -> Collection:
        """A new, empty collection for embeddings of one contract.

        Raises:
            InvalidInput: a malformed id or a dimension out of range.
            CollectionExists: the account has one of this id.
            LimitExceeded: more tags than a collection may have.
        """
        rows.check_collection_id(collection_id)
        if not 1 <= dimension <= MOST_DIMENSIONS:
            raise InvalidInput(f"embeddings have 1 to {MOST_DIMENSIONS} dimensions, not {dimension}")
        now, salt = self._core.clock(), self._core.randomness(SALT_BYTES)

        def job(connection: sqlite3.Connection) -> Written[Collection]:
            there = "SELECT 1 FROM collections WHERE account = ? AND id = ?"
            if connection.execute(there, (account, collection_id)).fetchone() is not None:
                raise CollectionExists(f"The collection id: {collection_id} already exists")
            spaces = [connection.execute("INSERT INTO spaces DEFAULT VALUES").lastrowid for _ in range(2)]
            key = connection.execute(
                "INSERT INTO collections"
                " (account, id, contract, dimension, created_at, face_space, user_space)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (account, collection_id, contract, dimension, now, *spaces),
            ).lastrowid
            connection.execute("INSERT INTO salts (collection, salt) VALUES (?, ?)", (key, salt))
            stored = rows.find(connection, account, collection_id)
            store_tags(connection, stored, tags or {}, most=self._core.limits.tags_a_collection)
            return Written(stored.record())

        return self._core.writer.submit(job)

    def describe(self, account: str, collection_id: str) -> Collection:
        """One collection.

        Raises:
            CollectionNotFound: there is none of this id.
        """
        return self._core.collection(account, collection_id).record()

    def list(self, account: str, *, limit: int, token: str | None = None) -> Page[Collection]:
        """A page of an account's collections, oldest first.

        Raises:
            InvalidPageToken: the token is not one of this listing.
        """
        query = ("collections", account)
        after = self._core.tokens.read(token, *query)
        with self._core.readers.snapshot() as connection:
            found = rows.page(connection, account, after, limit + 1)
        more = len(found) > limit
        items = tuple(stored.record() for stored in found[:limit])
        return Page(items, self._core.tokens.issue(found[limit - 1].key, *query) if more else None)

    def delete(self, account: str, collection_id: str) -> Contents:
        """Delete a collection with its faces and users, however many, at once.

        With its salt go its keys: nothing of it can be decrypted when this returns. Its rows are erased in
        the background, some thousands at a time, also after a restart.

        Returns:
            What it held.

        Raises:
            CollectionNotFound: there is none of this id.
        """
        core = self._core

        def job(connection: sqlite3.Connection) -> Written[Contents]:
            stored = rows.find(connection, account, collection_id)
            for table, column in (("collections", "key"), ("salts", "collection"), ("tags", "collection")):
                connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (stored.key,))  # noqa: S608
            connection.execute("DELETE FROM onces WHERE collection = ?", (stored.key,))
            connection.executemany(
                "INSERT INTO purges (kind, owner) VALUES (?, ?)",
                [("collection", stored.key), ("space", stored.face_space), ("space", stored.user_space)],
            )

            def applied() -> None:
                core.spaces.drop(stored.face_space)
                core.spaces.drop(stored.user_space)
                core.keys.forget(stored)
                core.work.set()

            return Written(Contents(stored.faces, stored.users), applied, erases=True)

        return core.writer.submit(job)
