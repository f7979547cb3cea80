"""Erasing, some thousands of rows at a time, what a deleted collection or a replaced space left behind."""

from __future__ import annotations

import sqlite3

from candid.gallery.core import Core
from candid.gallery.schema import first_row, last_row
from candid.gallery.writer import Written

_TABLES = {"collection": ("crops", "faces", "users"), "space": ("blocks", "templates")}
# A block is as large as a hundred templates.
_ROWS_A_BLOCK = 100


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
    room = core.limits.purge_rows
    for table in _TABLES[kind]:
        limit = max(1, room // _ROWS_A_BLOCK) if table == "blocks" else room
        done = connection.execute(
            f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE id BETWEEN ? AND ? LIMIT ?)",  # noqa: S608
            (first_row(owner), last_row(owner), limit),
        ).rowcount
        if done == limit:
            return Written(True)
    if kind == "space":
        connection.execute("DELETE FROM spaces WHERE id = ?", (owner,))
    connection.execute("DELETE FROM purges WHERE id = ?", (purge,))
    return Written(True, erases=True)


def abandon_moves(connection: sqlite3.Connection) -> Written[None]:
    """Declare dead what moves that were cut off left behind; for when no move is under way."""
    connection.execute("UPDATE purges SET kind = 'space' WHERE kind = 'unfinished'")
    return Written(None)
