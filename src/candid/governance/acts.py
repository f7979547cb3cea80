"""The acts of `governance.db` (see `outbox`), for whoever adds one and for whoever has the log open."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from candid.governance import outbox
from candid.governance.database import connect, scrub, transaction, translated
from candid.governance.facts import Status
from candid.governance.outbox import Act, Settled


def open_acts(path: Path) -> Acts:
    """Open the acts of an existing `governance.db`.

    Raises:
        GovernanceDamaged, GovernanceUnavailable: the file cannot be used.
    """
    with translated(path):
        return Acts(path, connect(path))


class Acts:
    """Acts that wait for their entries. Thread-safe; several processes may have the file open."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection = connection  # guarded by _lock
        self._version = -1  # of the data when it was last seen to hold no act that waits; guarded by _lock

    def add(self, body: Mapping[str, Any]) -> int:
        """Add an act that changes nothing else; its number."""
        with self._open() as connection, transaction(connection):
            self._version = -1  # the data's version does not change for the connection that writes
            return outbox.add(connection, body)

    def waiting(self, limit: int = 100) -> list[Act]:
        """The oldest acts that wait; cheap where no process has written since it was last empty.

        `PRAGMA data_version` changes with every commit of another connection.
        """
        with self._open() as connection:
            (version,) = connection.execute("PRAGMA data_version").fetchone()
            if version == self._version:
                return []
            found = outbox.waiting(connection, limit)
            self._version = -1 if found else version
            return found

    def entered(self, act: Act, index: int) -> None:
        """Write back where the entry of an act stands."""
        with self._open() as connection, transaction(connection):
            outbox.entered(connection, act.number, index)
        if act.labels is not None:
            self._scrub_names_of_erased(act)

    def rewrite(self, act: Act, body: Mapping[str, Any]) -> None:
        """Give an act another body: what it was to do is being done, and may be told in other words from now on."""
        with self._open() as connection, transaction(connection):
            outbox.rewritten(connection, act.number, body)

    def failed(self, act: Act, failure: str) -> None:
        """Write back that an act cannot be entered, and why."""
        with self._open() as connection, transaction(connection):
            outbox.failed(connection, act.number, failure)

    def settled(self, number: int) -> Settled:
        """What became of an act."""
        with self._open() as connection:
            return outbox.settled(connection, number)

    def last(self) -> int:
        """The number of the newest act; 0 where there is none."""
        with self._open() as connection:
            (found,) = connection.execute("SELECT coalesce(max(number), 0) FROM acts").fetchone()
            return int(found)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _scrub_names_of_erased(self, act: Act) -> None:
        """An act that told names was entered after its customer was erased: they go from the file's log too."""
        question = "SELECT 1 FROM customers WHERE pseudonym = ? AND status = ?"
        with self._open() as connection:
            if connection.execute(question, (act.body.get("customer"), str(Status.ERASED))).fetchone() is not None:
                scrub(connection, self._path)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with self._lock, translated(self._path):
            yield self._connection
