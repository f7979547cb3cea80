"""The file `governance.db`: its tables, and SQLite's errors in this room's words.

    meta       format and the master key's fingerprint
    customers  one row a customer, never deleted: a closed one stays, an erased one keeps nothing but its ids
    identities what a customer was known as, with the salts of its commitments
    keys       one row an access key, never deleted; a revoked one keeps no secret
    closings   when each closed customer was closed, seconds since the epoch; gone once it is erased
    acts       what was done and must stand in the log, in order, until it does (see `outbox`)

WAL with synchronous=FULL: what was answered survives a loss of power.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from candid.governance.errors import GovernanceDamaged, GovernanceUnavailable, WrongKey
from candid.governance.sealing import Sealer

FORMAT = 2
_OTHER_FORMAT = (
    "{path} has format {found}; this Candid reads {own}. Open it with the Candid that wrote it, or make a new folder."
)
# Seconds that readers may be in the way of emptying the log.
SCRUB_SECONDS = 10.0
# Seconds that a writer waits for another process's transaction.
_PATIENCE = 5.0

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS customers (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    country TEXT NOT NULL,
    category TEXT NOT NULL,
    status TEXT NOT NULL,
    created REAL NOT NULL,
    pseudonym TEXT NOT NULL UNIQUE,
    secret BLOB
) STRICT;
CREATE TABLE IF NOT EXISTS identities (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    customer TEXT NOT NULL REFERENCES customers (id),
    salt BLOB NOT NULL,
    value TEXT NOT NULL,
    entry INTEGER
) STRICT;
CREATE TABLE IF NOT EXISTS keys (
    id TEXT PRIMARY KEY,
    customer TEXT NOT NULL REFERENCES customers (id),
    sealed BLOB,
    created REAL NOT NULL,
    last_used TEXT,
    pseudonym TEXT NOT NULL,
    entry INTEGER
) STRICT;
CREATE TABLE IF NOT EXISTS closings (
    customer TEXT PRIMARY KEY REFERENCES customers (id), time REAL NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS acts (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    body TEXT NOT NULL,
    labels TEXT,
    identity INTEGER,
    key TEXT,
    entry INTEGER,
    failure TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS acts_waiting ON acts (number) WHERE entry IS NULL AND failure IS NULL;
CREATE INDEX IF NOT EXISTS identities_of_customer ON identities (customer);
CREATE INDEX IF NOT EXISTS keys_of_customer ON keys (customer);
"""


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into this room's.

    Raises:
        GovernanceDamaged: the file is no database, or a broken one.
        GovernanceUnavailable: everything else that SQLite reports.
    """
    try:
        yield
    except sqlite3.OperationalError as error:
        raise GovernanceUnavailable(f"{path} cannot be used now: {error}") from error
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError):
            raise GovernanceUnavailable(f"{path} cannot be used now: {error}") from error
        raise GovernanceDamaged(f"{path} is damaged ({error}); restore it from a backup") from error


def open_database(path: Path, sealer: Sealer) -> sqlite3.Connection:
    """Open the file, made first where there is none, readable by its owner alone.

    Raises:
        WrongKey: it was created with another master key.
        GovernanceDamaged, GovernanceUnavailable: see `translated`; also where its folder is missing.
    """
    try:
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise GovernanceUnavailable(f"cannot create {path}: {error.strerror}") from error
    with translated(path):
        connection = connect(path)
        try:
            _check(connection, path, sealer)
        except BaseException:
            connection.close()
            raise
    return connection


def connect(path: Path) -> sqlite3.Connection:
    """A connection to an existing file; each statement is a transaction unless BEGIN is said."""
    connection = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode=WAL").fetchone()
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA temp_store=MEMORY")  # VACUUM writes names nowhere but into this folder
        connection.execute("PRAGMA secure_delete=ON")  # a revoked key's secret is overwritten, not just unlinked
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of it or nothing; other writers wait."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def scrub(connection: sqlite3.Connection, path: Path) -> None:
    """Leave nothing of what was deleted in the file or beside it: write it anew, and empty its log.

    Raises:
        GovernanceUnavailable: readers are in the way for longer than some seconds; try again.
    """
    deadline = time.monotonic() + SCRUB_SECONDS
    connection.execute("VACUUM")
    while connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
        if time.monotonic() > deadline:
            raise GovernanceUnavailable(f"{path} is read by others all the time; erase again")
        time.sleep(0.02)


def _format(connection: sqlite3.Connection) -> int | None:
    """The format of an existing file; None for a new one."""
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone() is None:
        return None
    row = connection.execute("SELECT value FROM meta WHERE name = 'format'").fetchone()
    return None if row is None else int.from_bytes(row[0], "big")


def _check(connection: sqlite3.Connection, path: Path, sealer: Sealer) -> None:
    with transaction(connection):
        found = _format(connection)
        if found not in (None, FORMAT):
            raise GovernanceDamaged(_OTHER_FORMAT.format(path=path, found=found, own=FORMAT))
        for statement in _SCHEMA.split(";"):
            connection.execute(statement)
        first = "INSERT INTO meta VALUES (?, ?) ON CONFLICT DO NOTHING"
        connection.execute(first, ("format", FORMAT.to_bytes(4, "big")))
        connection.execute(first, ("fingerprint", sealer.fingerprint))
        meta: dict[str, bytes] = dict(connection.execute("SELECT name, value FROM meta").fetchall())
    if not sealer.matches(meta["fingerprint"]):
        raise WrongKey(f"{path} was created with another master key; put back that key's file")
