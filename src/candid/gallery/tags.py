"""Tags of collections."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping

from candid.gallery import rows
from candid.gallery.core import Core
from candid.gallery.errors import LimitExceeded
from candid.gallery.rows import Stored
from candid.gallery.writer import Written


class Tags:
    """Keys and values that an account hangs on its collections."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def put(self, account: str, collection_id: str, tags: Mapping[str, str]) -> None:
        """Set tags; a key that is there already gets the new value.

        Raises:
            CollectionNotFound: there is no such collection.
            LimitExceeded: it would have more tags than a collection may have; nothing was changed.
        """

        def job(connection: sqlite3.Connection) -> Written[None]:
            stored = rows.find(connection, account, collection_id)
            store_tags(connection, stored, tags, most=self._core.limits.tags_a_collection)
            return Written(None)

        self._core.writer.submit(job)

    def remove(self, account: str, collection_id: str, keys: Iterable[str]) -> None:
        """Take tags away; keys that are not there are passed over.

        Raises:
            CollectionNotFound: there is no such collection.
        """
        wanted = list(keys)

        def job(connection: sqlite3.Connection) -> Written[None]:
            stored = rows.find(connection, account, collection_id)
            connection.executemany(
                "DELETE FROM tags WHERE collection = ? AND key = ?", [(stored.key, key) for key in wanted]
            )
            return Written(None, erases=True)

        self._core.writer.submit(job)

    def get(self, account: str, collection_id: str) -> dict[str, str]:
        """All tags of a collection, by key.

        Raises:
            CollectionNotFound: there is no such collection.
        """
        with self._core.readers.snapshot() as connection:
            stored = rows.find(connection, account, collection_id)
            found = connection.execute(
                "SELECT key, value FROM tags WHERE collection = ? ORDER BY key", (stored.key,)
            )
            return dict(found.fetchall())


def store_tags(
    connection: sqlite3.Connection, stored: Stored, tags: Mapping[str, str], *, most: int
) -> None:
    """Set tags within a transaction.

    Raises:
        LimitExceeded: the collection would have more than `most`.
    """
    connection.executemany(
        "INSERT INTO tags (collection, key, value) VALUES (?, ?, ?)"
        " ON CONFLICT (collection, key) DO UPDATE SET value = excluded.value",
        [(stored.key, key, value) for key, value in tags.items()],
    )
    (count,) = connection.execute("SELECT count(*) FROM tags WHERE collection = ?", (stored.key,)).fetchone()
    if count > most:
        raise LimitExceeded(f"a collection has at most {most} tags; remove some first")
