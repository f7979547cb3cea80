"""The secrets of one data folder, which lie outside it: the key that encrypts it, and the key that signs its log.

    KEYS/ID.key        32 random bytes: opens embeddings and clients' secret keys (see `candid.gallery.keys`)
    KEYS/ID.log.key    the log's Ed25519 key (see `candid.ledger.keyfile`)
    KEYS/ID.log.guard  the newest checkpoint that was signed: an older copy of the folder is noticed by it
    KEYS/ID.log.key.ended-N, KEYS/ID.log.guard.ended-N   those of a log that was ended (see `succession`); kept

KEYS is `candid/keys` in the user's configuration folder, or the folder of the setting `key_file`, which names the first
file only: the log's are always named by the data folder's id, so that no two folders ever sign with one key.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from candid.gallery.keys import load_key_file, load_or_create_key_file
from candid.ledger.keyfile import read_key, write_key
from candid.ledger.keys import SigningKey
from candid.ledger.log import Log, LogOptions
from candid.ledger.witnessing import Witnesses
from candid.server.data_folder import DataFolder


@dataclass(frozen=True, slots=True, repr=False)
class Secrets:
    """Both keys of a data folder.

    Attributes:
        master: 32 bytes.
        log: the log's key.
    """

    master: bytes
    log: SigningKey


@dataclass(frozen=True, slots=True)
class LogFiles:
    """What a log keeps outside the data folder.

    Attributes:
        key: the file of its private key.
        guard: the file of the newest checkpoint that was signed.
    """

    key: Path
    guard: Path


def log_files(key_file: Path, folder_id: str) -> LogFiles:
    """Where they lie, from the file of the master key and the id of the data folder."""
    return LogFiles(key_file.with_name(f"{folder_id}.log.key"), key_file.with_name(f"{folder_id}.log.guard"))


def log_origin(folder: DataFolder) -> str:
    """The log's name: `candid.local/ACCOUNT`."""
    return f"candid.local/{folder.identity.account}"


def create_secrets(folder: DataFolder, *, origin: str = "") -> Secrets:
    """Both keys, made where they are missing, and an empty log where there is none.

    Args:
        folder: the data folder.
        origin: the log's name, where its key is made; empty: `candid.local/ACCOUNT`.

    Raises:
        KeyFileError, KeyFormatError: a key file cannot be written or read.
        LedgerError: the log cannot be made.
    """
    master = load_or_create_key_file(folder.key_file)
    log_key = _log_key_file(folder)
    if not log_key.exists():
        with suppress(FileExistsError):  # another process made it meanwhile
            write_key(log_key, SigningKey.generate(origin or log_origin(folder)))
    key = read_key(log_key)
    if not Log.exists(folder.ledger):
        Log.create(folder.ledger, key, log_options(folder)).close()
    return Secrets(master, key)


def read_secrets(folder: DataFolder) -> Secrets:
    """Both keys of an existing data folder.

    Raises:
        KeyFileError, KeyFormatError: one is missing or cannot be read; the message says what to do.
    """
    return Secrets(load_key_file(folder.key_file), read_key(_log_key_file(folder)))


def log_options(folder: DataFolder, *, witnesses: Witnesses | None = None) -> LogOptions:
    """How this folder's log is run."""
    return LogOptions(guard=log_files(folder.key_file, folder.identity.id).guard, witnesses=witnesses)


def _log_key_file(folder: DataFolder) -> Path:
    return log_files(folder.key_file, folder.identity.id).key
