"""Acts that must stand in the log: written in the transaction that does them, and entered by whoever has the log.

A command may run beside a server, and only one process can append to the log. So an act is first a row here, in
the same transaction as what it does; the process that has the log open takes the rows in order, appends their
entries and writes back where they stand. A crash in between loses nothing and forgets nothing: the row waits. An
access key opens nothing before its entry stands.

The body of an act is its entry without `time`, in canonical JSON. `labels` are the texts whose map keys belong
into the entry; they are names, so they are deleted once the entry stands.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from candid_verify.canonical import canonical


@dataclass(frozen=True, slots=True)
class Act:
    """One act that waits for its entry.

    Attributes:
        number: its place among the acts.
        body: the entry without its time, and without labels.
        labels: labels of the customer and its owners; None where the entry has none.
    """

    number: int
    body: Mapping[str, Any]
    labels: tuple[bytes, ...] | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of an act: the index of its entry, or why it failed; both None while it waits."""

    entry: int | None
    failure: str | None


def add(
    connection: sqlite3.Connection,
    body: Mapping[str, Any],
    *,
    labels: Sequence[bytes] | None = None,
    identity: int | None = None,
    key: str | None = None,
) -> int:
    """Add an act, within the transaction of what it tells of.

    Args:
        connection: in a transaction.
        body: the entry without its time.
        labels: see `Act`.
        identity: number of the row of `identities` that this act enters.
        key: the access key that this act enters.
    """
    texts = None if labels is None else json.dumps([label.decode() for label in labels], ensure_ascii=False)
    row = (canonical(body).decode(), texts, identity, key)
    cursor = connection.execute("INSERT INTO acts (body, labels, identity, key) VALUES (?, ?, ?, ?)", row)
    return int(cursor.lastrowid or 0)


def waiting(connection: sqlite3.Connection, limit: int) -> list[Act]:
    """The oldest acts that wait."""
    question = "SELECT number, body, labels FROM acts WHERE entry IS NULL AND failure IS NULL ORDER BY number LIMIT ?"
    return [
        Act(number, json.loads(body), None if texts is None else tuple(text.encode() for text in json.loads(texts)))
        for number, body, texts in connection.execute(question, (limit,))
    ]


def entered(connection: sqlite3.Connection, number: int, index: int) -> None:
    """Write back that an act's entry stands at an index, within a transaction."""
    identity, key = connection.execute("SELECT identity, key FROM acts WHERE number = ?", (number,)).fetchone()
    done = "UPDATE acts SET entry = ?, labels = NULL, identity = NULL, key = NULL WHERE number = ?"
    connection.execute(done, (index, number))
    if identity is not None:
        connection.execute("UPDATE identities SET entry = ? WHERE number = ?", (index, identity))
    if key is not None:
        connection.execute("UPDATE keys SET entry = ? WHERE id = ? AND entry IS NULL", (index, key))


def rewritten(connection: sqlite3.Connection, number: int, body: Mapping[str, Any]) -> None:
    """Give an act that waits another body, within a transaction."""
    connection.execute("UPDATE acts SET body = ? WHERE number = ?", (canonical(body).decode(), number))


def failed(connection: sqlite3.Connection, number: int, failure: str) -> None:
    """Write back that an act cannot be entered."""
    connection.execute("UPDATE acts SET failure = ?, labels = NULL WHERE number = ?", (failure, number))


def settled(connection: sqlite3.Connection, number: int) -> Settled:
    """What became of an act."""
    row = connection.execute("SELECT entry, failure FROM acts WHERE number = ?", (number,)).fetchone()
    return Settled(None, "there is no such act") if row is None else Settled(*row)
