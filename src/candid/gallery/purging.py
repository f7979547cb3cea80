"""Erasing, some thousands of rows at a time, what a deleted collection or a replaced space left behind."""

from __future__ import annotations

import sqlite3

from candid.gallery.core import Core
from candid.gallery.schema import first_row, last_row
from candid.gallery.writer import Written

_TABLES = {"collection": ("crops", "faces", "users"), "space": ("blocks", "templates")}
# A block is as large as a hundred templates.
_ROWS_A_BLOCK = 100
_ALL = 1 << 40


def purge_some(core: Core, connection: sqlite3.Connection) -> Written[bool]:
    """Erase some of what is dead; whether there may be more.

    The last step empties the write-ahead log, so that nothing of it is left there either.
    """
    found = connection.execute(
        "SELECT id, kind, owner FROM purges WHERE kind != 'unfinished' ORDER BY id LIMIT 1"
    ).fetchone()
    if found is None:
        return Written(False)
    purge, kind, owner = found
    if not _erase(connection, kind, owner, core.limits.purge_rows):
        return Written(True)
    connection.execute("DELETE FROM purges WHERE id = ?", (purge,))
    return Written(True, erases=True)


def purge_all(connection: sqlite3.Connection) -> bool:
    """Erase all that is dead, and what unfinished moves wrote, from a copy; whether there was anything."""
    found = connection.execute("SELECT id, kind, owner FROM purges").fetchall()
    connection.execute("BEGIN IMMEDIATE")
    for _, kind, owner in found:
        _erase(connection, "collection" if kind == "collection" else "space", owner, _ALL)
    connection.execute("DELETE FROM purges")
    connection.execute("COMMIT")
    return bool(found)


def _erase(connection: sqlite3.Connection, kind: str, owner: int, room: int) -> bool:
    """Erase some rows of something dead; whether that was the last of it."""
    for table in _TABLES[kind]:
        limit = max(1, room // _ROWS_A_BLOCK) if table == "blocks" else room
        done = connection.execute(
            f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE id BETWEEN ? AND ? LIMIT ?)",  # noqa: S608
            (first_row(owner), last_row(owner), limit),
        ).rowcount
        if done == limit:
            return False
    if kind == "space":
        connection.execute("DELETE FROM spaces WHERE id = ?", (owner,))
    return True


def abandon_moves(connection: sqlite3.Connection) -> Written[None]:
    """Declare dead what moves that were cut off left behind; for when no move is under way."""
    connection.execute("UPDATE purges SET kind = 'space' WHERE kind = 'unfinished'")
    return Written(None)
