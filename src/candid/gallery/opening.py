"""Making a gallery's database, and what is checked before one is used."""

from __future__ import annotations

import hmac
import shutil
import sqlite3
from pathlib import Path

from candid.gallery.cipher import KeyRing
from candid.gallery.database import NAME, connect, translated
from candid.gallery.durable import sync_folder
from candid.gallery.errors import GalleryDamaged, WrongKey
from candid.gallery.schema import FORMAT, SCHEMA
from candid.gallery.scrubbing import Scrubber

# Beginnings of the names of what a backup and a restore write beside the database while they run.
STAGE = ".backup-"
RESTORED = f".{NAME}.restored"


def create(path: Path, keys: KeyRing) -> None:
    """Make an empty database, whole or not at all.

    Raises:
        StorageFull, StorageUnavailable: it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.new")
    for name in (temporary, *companions(temporary)):
        name.unlink(missing_ok=True)
    with translated(path):
        connection = connect(temporary, writes=True)
        try:
            connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA}")
            connection.execute("INSERT INTO meta (name, value) VALUES ('format', ?)", (b"%d" % FORMAT,))
            connection.execute("INSERT INTO meta (name, value) VALUES ('key', ?)", (keys.fingerprint,))
            connection.execute("COMMIT")
        finally:
            connection.close()  # the last connection copies the log into the database and removes it
        temporary.chmod(0o600)  # SQLite gives its other files the database's mode
    temporary.replace(path)
    sync_folder(path.parent)


def remove_leftovers(folder: Path) -> None:
    """Remove what a backup or a restore left behind that was cut off: it holds what may be deleted by now."""
    for left in folder.glob(f"{STAGE}*"):
        shutil.rmtree(left, ignore_errors=True)
    for left in folder.glob(f"{RESTORED}*"):
        left.unlink(missing_ok=True)


def companions(path: Path) -> tuple[Path, Path]:
    """SQLite's files beside a database: the write-ahead log and its index."""
    return path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")


def check(path: Path, keys: KeyRing) -> None:
    """Take in what the log still holds after a crash, and make sure that this is the gallery of this key.

    Raises:
        WrongKey: it was made with another key.
        GalleryDamaged: no database, cut short, or of another format.
        StorageFull, StorageUnavailable: as `translated`.
    """
    with translated(path):
        connection = connect(path, writes=True)
        scrubber = Scrubber(path)
        try:
            check_meta(path, connection, keys)  # SQLite looks at the length of the file here
            _take_in_log(scrubber, connection)
        finally:
            connection.close()
            scrubber.close()


def check_meta(path: Path, connection: sqlite3.Connection, keys: KeyRing) -> None:
    """Make sure that a database is a gallery of this key.

    Raises:
        WrongKey: it was made with another key.
        GalleryDamaged: no gallery, or of another format.
    """
    try:
        meta = dict(connection.execute("SELECT name, value FROM meta").fetchall())
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            raise GalleryDamaged(f"{path} is no gallery; restore it from a backup") from error
        raise
    if meta.get("format") != b"%d" % FORMAT:
        raise GalleryDamaged(f"{path} has a format this version does not read; install the newer version")
    if not hmac.compare_digest(meta.get("key", b""), keys.fingerprint):
        raise WrongKey(f"{path} was made with another key; put back the key file it was created with")


def _take_in_log(scrubber: Scrubber, connection: sqlite3.Connection) -> None:
    """Copy the log into the database, unless there is no room for that, which readers can live with."""
    try:
        scrubber.empty_log(connection)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_FULL:
            raise
