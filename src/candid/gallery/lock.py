"""One process a folder: an advisory lock that the system drops when the process dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from candid.gallery.errors import GalleryLocked, StorageUnavailable


class FolderLock:
    """Holds `folder/lock`; its text is the holder's process id, for people only."""

    def __init__(self, folder: Path) -> None:
        """Take the lock.

        Raises:
            GalleryLocked: another process, or another gallery of this one, has the folder open.
            StorageUnavailable: the file cannot be written.
        """
        path = folder / "lock"
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StorageUnavailable(f"cannot write {path}: {error.strerror}") from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._descriptor)
            raise GalleryLocked(
                f"{folder} is open in another process (id {holder}); stop that one first"
            ) from error
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Give the folder back."""
        os.close(self._descriptor)
