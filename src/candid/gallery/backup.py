r"""A gallery in one file, and back.

    "candid gallery backup 1\n" | key fingerprint (16 bytes) | length of the database (8, big-endian)
    | the database | HMAC-SHA256 of everything before (32), with a key derived from the gallery's

The database is written by SQLite's `VACUUM INTO`: one moment of the gallery, while it is in use, and nothing
but living rows, so that no trace of a deleted face is in a backup made after it. Embeddings and crops in it
are sealed as they are in the gallery; whoever restores it needs the key file, which is not in it.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from candid.gallery.cipher import KeyRing
from candid.gallery.database import NAME, connect, translated
from candid.gallery.durable import sync_folder, write_whole
from candid.gallery.errors import BackupError, StorageUnavailable, WrongKey
from candid.gallery.lock import FolderLock
from candid.gallery.opening import RESTORED, STAGE, check, check_meta
from candid.gallery.purging import purge_all

MAGIC = b"candid gallery backup 1\n"
_HEAD = struct.Struct(">16sQ")
_DIGEST_BYTES = 32
_CHUNK = 2**20


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def backup_gallery(folder: Path, to: BinaryIO | Path, *, key: bytes) -> None:
    """Write a backup of a gallery to a stream, or whole and durable to a file.

    The gallery may be open and in use, also in another process.

    Args:
        folder: the gallery's.
        to: where to; a file is replaced.
        key: the gallery's.

    Raises:
        WrongKey: the gallery was made with another key.
        BackupError: there is no gallery, or it cannot be written.
    """
    path = folder / NAME
    if not path.is_file():
        raise BackupError(f"there is no gallery in {folder}; name the folder of one")
    write_backup(path, KeyRing(key, os.urandom), to)


def write_backup(path: Path, keys: KeyRing, to: BinaryIO | Path) -> None:
    """Write a backup of a database; see `backup_gallery`."""
    try:
        with tempfile.TemporaryDirectory(prefix=STAGE, dir=path.parent) as name:
            copy = _copied(path, Path(name), keys)
            if isinstance(to, Path):
                write_whole(to, _container(copy, keys))
            else:
                for part in _container(copy, keys):
                    to.write(part)
    except (OSError, StorageUnavailable) as error:
        raise BackupError(f"the backup cannot be written: {error}; free some space and try again") from error


def _copied(path: Path, stage: Path, keys: KeyRing) -> Path:
    """A copy of the database as it is at one moment, of living rows only."""
    copy = _vacuumed(path, stage / "copy")
    with translated(copy):
        connection = connect(copy, writes=True)
        try:
            check_meta(copy, connection, keys)
            dead = purge_all(connection)
        finally:
            connection.close()
    return _vacuumed(copy, stage / "clean") if dead else copy


def _vacuumed(path: Path, to: Path) -> Path:
    with translated(path):
        connection = connect(path, writes=False)
        try:
            connection.execute("PRAGMA query_only=OFF")
            connection.execute("VACUUM INTO ?", (str(to),))
        finally:
            connection.close()
    return to


def _container(database: Path, keys: KeyRing) -> Iterator[bytes]:
    seal = hmac.new(keys.backups, digestmod=hashlib.sha256)
    with database.open("rb") as file:
        head = MAGIC + _HEAD.pack(keys.fingerprint, os.fstat(file.fileno()).st_size)
        seal.update(head)
        yield head
        while part := file.read(_CHUNK):
            seal.update(part)
            yield part
    yield seal.digest()


def restore_gallery(source: BinaryIO | Path, folder: Path, *, key: bytes) -> None:
    """Put a backup into a folder that holds no gallery; all of it, or nothing.

    Args:
        source: what `Gallery.backup` wrote. A stream is read up to the backup's last byte and no further.
        folder: made where it is missing.
        key: the key of the gallery that was backed up.

    Raises:
        WrongKey: the backup was made with another key.
        BackupError: it is damaged, or the folder holds a gallery, or cannot be written.
        GalleryLocked: the folder is open in another process.
    """
    keys = KeyRing(key, os.urandom)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _locked(folder):
            target = folder / NAME
            if target.exists():
                raise BackupError(f"{folder} holds a gallery already; restore into an empty folder")
            fresh = folder / RESTORED
            try:
                if isinstance(source, Path):
                    with source.open("rb") as file:
                        write_whole(fresh, _database(file, keys))
                else:
                    write_whole(fresh, _database(source, keys))
                check(fresh, keys)
                fresh.replace(target)
                sync_folder(folder)
            finally:
                for left in folder.glob(f"{fresh.name}*"):
                    left.unlink(missing_ok=True)
    except OSError as error:
        raise BackupError(f"cannot restore into {folder}: {error.strerror}; put that right first") from error


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    lock = FolderLock(folder)
    try:
        yield
    finally:
        lock.release()


def _database(source: _Readable, keys: KeyRing) -> Iterator[bytes]:
    """The database in a backup; raises at its end, before it is put in place, if anything was changed."""
    head = _exactly(source, len(MAGIC) + _HEAD.size)
    if not head.startswith(MAGIC):
        raise BackupError("this is no backup of a gallery, or one of a newer version")
    fingerprint, left = _HEAD.unpack_from(head, len(MAGIC))
    if not hmac.compare_digest(fingerprint, keys.fingerprint):
        raise WrongKey("the backup was made with another key; put back the key file of that gallery")
    seal = hmac.new(keys.backups, head, digestmod=hashlib.sha256)
    while left:
        part = _exactly(source, min(left, _CHUNK))
        left -= len(part)
        seal.update(part)
        yield part
    if not hmac.compare_digest(_exactly(source, _DIGEST_BYTES), seal.digest()):
        raise BackupError("the backup is damaged: its checksum does not agree; take another copy")


def _exactly(source: _Readable, size: int) -> bytes:
    parts = []
    while size:
        part = source.read(size)
        if not part:
            raise BackupError("the backup is cut short; take another copy")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
