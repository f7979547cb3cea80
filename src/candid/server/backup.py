"""A whole data folder in one file, and back.

    a tar file (POSIX.1-2001, uncompressed), members in this order:
    manifest.json        format, id of the folder, time, and size and SHA-256 of each other member
    manifest.hmac        HMAC-SHA256 of manifest.json, hex, with a key derived from the folder's master key
    candid.json          what the folder is
    governance.db        customers and access keys, one moment of it (SQLite's VACUUM INTO)
    gallery.backup       faces, users, collections (see `candid.gallery.backup`), one moment of it
    billing/quotas.json  quotas and budgets, where there are any
    ledger/…             the log's files, as of one moment (see `_stage_log`); the map is made again from them

Keys are not in it, and neither are buckets: those are the operator's own files. The server may run meanwhile.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import shutil
import sqlite3
import tarfile
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from candid.config import Config
from candid.gallery import restore_gallery
from candid.gallery.backup import backup_gallery
from candid.gallery.database import NAME
from candid.gallery.durable import sync_folder, write_whole
from candid.ledger import Source, VerifierKey, public_file
from candid.ledger.keyfile import read_key
from candid.server.agreement import Brought, bring_up_to_log
from candid.server.data_folder import DataFolder, DataFolderError, key_file_of, open_data_folder
from candid.server.log_copy import LogNotRestored, check_newest, take_newer
from candid.server.secrets import LogFiles, log_files
from candid.server.succession import begin_log, plan_succession, put_keys_in_place

FORMAT = 1
_QUOTAS = "billing/quotas.json"
_MANIFEST, _SEAL = "manifest.json", "manifest.hmac"
_STATE_FILES = (Path(".state/journal"), Path("checkpoint"), Path(".state/signed"), Path(".state/key"))
_MOST_MANIFEST_BYTES = 64 << 20
# What `tarfile` and `json` raise besides their own errors, when a file is made to trip them.
_HOSTILE = (
    ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError
)  # fmt: skip


class BackupFileError(Exception):
    """A backup cannot be written or restored; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup holds: bytes in all, files, and when it was made (seconds since the epoch)."""

    size: int
    members: int
    time: float


def write_backup(folder: DataFolder, master: bytes, output: Path, *, clock: Callable[[], float] = time.time) -> Backup:
    """Write everything of a data folder but keys and buckets into a new file.

    Args:
        folder: the data folder; a server may have it open.
        master: its key.
        output: the file; it must not exist.
        clock: seconds since the epoch.

    Raises:
        BackupFileError: the file exists, or cannot be written.
        GalleryError: the gallery cannot be read.
    """
    if output.exists():
        raise BackupFileError(f"{output} exists already and is not overwritten; name another file")
    try:
        with tempfile.TemporaryDirectory(prefix=".candid-backup-", dir=output.parent) as name:
            stage = Path(name)
            members = _stage(folder, master, stage)
            manifest = _manifest(folder, stage, members, clock())
            (stage / _MANIFEST).write_bytes(manifest)
            (stage / _SEAL).write_text(_seal(master, manifest), encoding="ascii")
            made = stage / "backup.tar"
            with made.open("wb") as file:
                with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
                    for member in (_MANIFEST, _SEAL, *members):
                        tar.add(stage / member, member, recursive=False, filter=_anonymous)
                file.flush()
                os.fsync(file.fileno())
            made.chmod(0o600)
            size = made.stat().st_size
            made.replace(output)
        sync_folder(output.parent)
    except (OSError, sqlite3.Error) as error:
        raise BackupFileError(f"the backup cannot be written: {error}; free some space and try again") from error
    return Backup(size, len(members), json.loads(manifest)["time"])


@dataclass(frozen=True, slots=True)
class Restored:
    """A restored data folder.

    Attributes:
        folder: the folder.
        key: public key of its log.
        brought: what its log knew and the backup did not.
        previous: the log before, as `log/1` names it; None where the log goes on.
    """

    folder: DataFolder
    key: VerifierKey
    brought: Brought
    previous: Mapping[str, Any] | None = None


def restore_backup(
    source: Path, data: Path, master: bytes, config: Config, *, log: Source | None = None, new_log: bool = False
) -> Restored:
    """Restore a backup into a folder that does not exist or is empty.

    Args:
        source: the backup.
        data: where to.
        master: the key of the folder that was backed up.
        config: settings; region and account come from the backup.
        log: a newer copy of the log's public files, to be used instead of the backup's; None for none.
        new_log: end the log, and begin another one that names it. Not both.

    Raises:
        BackupFileError: the backup is damaged or of another key, the folder is not empty, or the log of the backup is
            not the newest one.
        GalleryError, GovernanceError: gallery or customers cannot be restored.
        LedgerError, RecordingError: key, guard or copy of the log are damaged, or the log cannot be written.
    """
    if data.exists() and any(data.iterdir()):
        raise BackupFileError(f"{data} is not empty; restore into a new folder")
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(prefix=".restore-", dir=data) as name:
            stage = Path(name)
            members = _unpack(source, stage, master)
            folder_id = str(uuid.UUID(json.loads((stage / "candid.json").read_bytes())["id"]))
            files = log_files(key_file_of(folder_id, config), folder_id)
            # What the log will be is settled before anything is put in place.
            succession = plan_succession(stage / "ledger", files, config) if new_log else None
            if succession is None:
                _check_log(stage / "ledger", files, log)
            _put_in_place(stage, members, data, master, ended=succession is not None)
            if succession is None:
                key = read_key(files.key)
                brought = bring_up_to_log(data, master=master, signer=key)
            else:
                key, brought = succession.signer, Brought()
                begin_log(data, succession, master=master, config=config)
                put_keys_in_place(succession, files, data / "ledger")
            # Last: only now is this a data folder, and an interrupted restore is none.
            write_whole(data / "candid.json", [(stage / "candid.json").read_bytes()])
        previous = None if succession is None else succession.previous
        return Restored(open_data_folder(data, config), key.verifier, brought, previous)
    except LogNotRestored as error:
        raise BackupFileError(f"{source} is not restored: {error}") from error
    except (OSError, tarfile.TarError, DataFolderError) as error:
        raise BackupFileError(f"{source} cannot be restored: {error}") from error
    finally:
        if not (data / "candid.json").exists():
            _empty(data)


def _empty(data: Path) -> None:
    """Leave nothing of a restore that failed, in a folder that was empty before it."""
    for path in data.iterdir() if data.is_dir() else ():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _check_log(ledger: Path, files: LogFiles, log: Source | None) -> None:
    """See to it that the log that is restored is the newest one that is known."""
    if not files.key.exists():
        raise LogNotRestored(
            f"the key of its log, {files.key}, is missing. Put back your copy of it; if it is lost, `--new-log` ends "
            "that log for good and begins another one that names it"
        )
    key = read_key(files.key).verifier
    if log is not None:
        take_newer(log, ledger, key, files.guard)
    check_newest(ledger, key, files.guard)


def _put_in_place(stage: Path, members: Iterable[str], data: Path, master: bytes, *, ended: bool) -> None:
    """Move what was unpacked into the data folder; the public files of a log that ended beside the new one's."""
    if (stage / "gallery.backup").exists():
        restore_gallery(stage / "gallery.backup", data / "gallery", key=master)
    for member in members:
        if member not in {"gallery.backup", "candid.json"} and not member.startswith("ledger/"):
            target = data / member
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            (stage / member).replace(target)
    if (stage / "ledger").exists():
        (stage / "ledger").replace(data / ("ledger.ended" if ended else "ledger"))
    for name in ("buckets", "gallery", "ledger"):
        (data / name).mkdir(exist_ok=True, mode=0o700)


def folder_id_of(source: Path) -> str:
    """The id of the data folder that a backup was made of, to find its key by; not verified yet.

    Raises:
        BackupFileError: it is no backup.
    """
    try:
        with _opened(source) as tar:
            return str(uuid.UUID(json.loads(_first(tar))["id"]))
    except (OSError, tarfile.TarError) as error:
        raise BackupFileError(f"{source} is no backup of Candid: {error}") from error


def _stage(folder: DataFolder, master: bytes, stage: Path) -> list[str]:
    shutil.copyfile(folder.path / "candid.json", stage / "candid.json")
    members = ["candid.json"]
    if folder.governance.exists():
        uri = f"{folder.governance.resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            connection.execute("VACUUM INTO ?", (str(stage / "governance.db"),))
        members.append("governance.db")
    quotas = folder.path / _QUOTAS
    if quotas.exists():
        (stage / "billing").mkdir()
        shutil.copyfile(quotas, stage / _QUOTAS)
        members.append(_QUOTAS)
    if (folder.gallery / NAME).exists():  # there is none before the folder was first served
        backup_gallery(folder.gallery, stage / "gallery.backup", key=master)
        members.append("gallery.backup")
    members += _stage_log(folder.ledger, stage)
    for member in members:
        (stage / member).chmod(0o600)
    return members


def _stage_log(log: Path, stage: Path) -> list[str]:
    """Copy a log that goes on being written, so that the copy opens as of one moment.

    The order does it: a journal is never newer than the signed checkpoint that is copied after it, nor a public
    checkpoint, and tiles are durable before they are signed and never change. A partial tile may vanish meanwhile;
    then there is the full one.
    """
    members = [path for path in _STATE_FILES if _copied(log, path, stage)]
    # `os.walk` passes over folders that vanish meanwhile.
    found = sorted(Path(folder, name).relative_to(log) for folder, _, names in os.walk(log) for name in names)
    for path in found:
        if path in members or public_file(log, path.as_posix()) is None:
            continue
        if _copied(log, path, stage):
            members.append(path)
        elif _copied(log, full := path.parent.with_suffix(""), stage):  # N.p/W is gone, so there is N
            members.append(full)
    return [f"ledger/{path.as_posix()}" for path in dict.fromkeys(members)]


def _copied(log: Path, path: Path, stage: Path) -> bool:
    target = stage / "ledger" / path
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copyfile(log / path, target)
    except FileNotFoundError:
        return False
    return True


def _manifest(folder: DataFolder, stage: Path, members: list[str], now: float) -> bytes:
    facts = {name: {"size": (stage / name).stat().st_size, "sha256": _digest(stage / name)} for name in members}
    document = {"format": FORMAT, "id": folder.identity.id, "time": now, "members": facts}
    return json.dumps(document, indent=1, sort_keys=True).encode()


def _seal(master: bytes, manifest: bytes) -> str:
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"candid backup 1").derive(master)
    return hmac.new(key, manifest, hashlib.sha256).hexdigest()


def _anonymous(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    return info


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _opened(source: Path) -> Iterator[tarfile.TarFile]:
    """The file as a tar file; whatever a hostile one makes the parsers raise is a `TarError`."""
    try:
        with tarfile.open(source, "r:") as tar:
            yield tar
    except _HOSTILE as error:
        raise tarfile.TarError(f"it is damaged ({type(error).__name__})") from error


def _first(tar: tarfile.TarFile) -> bytes:
    """The manifest, looking no further: what is cut off behind it is told later, more exactly."""
    first = tar.next()
    if first is None or first.name != _MANIFEST:
        raise tarfile.TarError("it does not begin with a manifest")
    return _read(tar, first)


def _read(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    # Looked at before it is opened: a link that leads to itself is followed until the stack ends.
    file = tar.extractfile(member) if member.isreg() and member.size <= _MOST_MANIFEST_BYTES else None
    if file is None:
        raise tarfile.TarError(f"{member.name} is not what it should be")
    return file.read()


def _unpack(source: Path, stage: Path, master: bytes) -> list[str]:
    """Unpack what the sealed manifest lists, each file checked; nothing else is looked at."""
    with _opened(source) as tar:
        try:
            manifest = _read(tar, tar.getmember(_MANIFEST))
            seal = _read(tar, tar.getmember(_SEAL)).decode("ascii", "replace")
        except KeyError as error:
            raise tarfile.TarError("it holds no manifest, so it is no backup of Candid") from error
        if not hmac.compare_digest(seal.encode(), _seal(master, manifest).encode()):
            raise BackupFileError(f"{source} was changed, or was made with another key file")
        listed: dict[str, Any] = json.loads(manifest)["members"]
        for name, facts in listed.items():
            try:
                member = tar.getmember(name)
            except KeyError as error:
                raise BackupFileError(f"{source} is damaged: {name} is missing; take another copy") from error
            # The size first: a sparse member of a kilobyte can unpack to more than the disk holds.
            file = tar.extractfile(member) if member.isreg() and member.size == facts["size"] else None
            target = stage / name
            if file is None or not target.resolve().is_relative_to(stage.resolve()):
                raise tarfile.TarError(f"{name} is not what it should be")
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with target.open("wb") as output:
                shutil.copyfileobj(file, output)
                output.flush()
                os.fsync(output.fileno())
            target.chmod(0o600)
            if _digest(target) != facts["sha256"]:
                raise BackupFileError(f"{source} is damaged: {name} has another checksum; take another copy")
    return list(listed)
