"""The key file: 32 random bytes that open a gallery, kept outside the folder they open.

Layout: exactly 32 bytes, nothing else, readable by its owner alone. Whoever loses it loses every embedding;
whoever copies it together with the folder has every embedding. Backups do not hold it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from candid.gallery.durable import sync_folder
from candid.gallery.errors import KeyFileError

KEY_BYTES = 32


def create_key_file(path: Path, *, randomness: Callable[[int], bytes] = os.urandom) -> bytes:
    """Make a key and write it, whole and durable, to a new file of mode 0600.

    Returns:
        The key, 32 bytes.

    Raises:
        KeyFileError: there is a file already (it is never overwritten), or it cannot be written.
    """
    key = randomness(KEY_BYTES)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(key)
                file.flush()
                os.fsync(file.fileno())
            _link(temporary, path)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
        sync_folder(path.parent)
    except OSError as error:
        raise KeyFileError(f"cannot write the key file {path}: {error.strerror}") from error
    return key


def _link(temporary: Path, path: Path) -> None:
    """Give a finished file its name; unlike a rename it fails where there is a key already."""
    try:
        path.hardlink_to(temporary)
    except FileExistsError as error:
        raise KeyFileError(f"{path} exists already and is not overwritten; move it away first") from error


def load_key_file(path: Path) -> bytes:
    """Read a key.

    Returns:
        The key, 32 bytes.

    Raises:
        KeyFileError: no such file, another length, or others than its owner may read it.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            key = file.read(KEY_BYTES + 1)
    except FileNotFoundError as error:
        raise KeyFileError(
            f"there is no key file {path}; put back the one this gallery was created with"
        ) from error
    except OSError as error:
        raise KeyFileError(f"cannot read the key file {path}: {error.strerror}") from error
    if not stat.S_ISREG(mode):
        raise KeyFileError(f"{path} is no regular file; name a file of {KEY_BYTES} bytes")
    if stat.S_IMODE(mode) & 0o077:
        raise KeyFileError(f"others may read or write the key file {path}; run: chmod 600 {path}")
    if len(key) != KEY_BYTES:
        raise KeyFileError(f"the key file {path} must hold just {KEY_BYTES} bytes; restore it from your copy")
    return key


def load_or_create_key_file(path: Path, *, randomness: Callable[[int], bytes] = os.urandom) -> bytes:
    """The key in `path`, made first where there is no file.

    Raises:
        KeyFileError: as `load_key_file` and `create_key_file`.
    """
    if not path.exists():
        with suppress(KeyFileError):  # another process may have made it meanwhile; reading tells
            return create_key_file(path, randomness=randomness)
    return load_key_file(path)
