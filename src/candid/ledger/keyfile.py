"""Private keys in files that only their owner can read.

Layout: the one line that `SigningKey.export` gives, and a newline.
"""

from __future__ import annotations

import os
from pathlib import Path

from candid.ledger.errors import KeyFormatError
from candid.ledger.keys import SigningKey
from candid.ledger.storage import DISK, sync_folder, write_all

_OTHERS = 0o077
_MAX_FILE = 4096


def write_key(path: Path, key: SigningKey) -> None:
    """Write a private key durably into a file that is not there yet.

    Raises:
        FileExistsError: there is one, and it may be needed.
        OSError: it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        try:
            write_all(DISK, descriptor, f"{key.export()}\n".encode())
            DISK.fsync(descriptor)
        finally:
            os.close(descriptor)
        path.hardlink_to(temporary)  # unlike a rename, this never replaces a key
    finally:
        temporary.unlink()
    sync_folder(DISK, path.parent)


def read_key(path: Path) -> SigningKey:
    """Read a private key.

    Raises:
        KeyFormatError: there is none, it is damaged, or others may read it.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(_MAX_FILE).decode("utf-8", "replace")
    except OSError as error:
        raise KeyFormatError(f"the private key {path} cannot be read: {error.strerror}") from error
    if mode & _OTHERS:
        raise KeyFormatError(
            f"others may read the private key {path}: run `chmod 600 {path}`, or make a new key"
        )
    return SigningKey.parse(text.removesuffix("\n"))
