"""Durable files: every byte that the log must not lose goes to disk through a `Disk`.

There is one way to write a whole file: a temporary file beside it, fsync, rename, fsync of the folder and of
every folder above it up to the log's own. `Disk` is a class so that tests can fail, cut the power or fill the
disk at each single step.

After fsync reported a failure nobody knows what is on disk, and a second fsync may lie; so nothing here is
retried on the same file: callers write anew or give up.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from candid.ledger.errors import LogLocked

# "No room": the disk, a quota, or a limit on the size of files.
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FULL_FSYNC: int | None = getattr(fcntl, "F_FULLFSYNC", None)


def no_room(error: OSError) -> bool:
    """Whether an error says that there is no room, and nothing worse."""
    return error.errno in _NO_ROOM


class Disk:
    """The few steps of which durable writing consists, one method each."""

    def open(self, path: Path, flags: int) -> int:
        """Open a file and return its descriptor; new files are readable by all."""
        return os.open(path, flags | os.O_CLOEXEC, 0o644)

    def write(self, descriptor: int, data: bytes) -> int:
        """Write at the descriptor's position; may write less than all."""
        return os.write(descriptor, data)

    def fsync(self, descriptor: int) -> None:
        """Return once the file (or folder) is on the medium, not only in a drive's cache."""
        if _FULL_FSYNC is not None:  # pragma: no cover - macOS only, where fsync does not reach the medium
            fcntl.fcntl(descriptor, _FULL_FSYNC)
        else:
            os.fsync(descriptor)

    def close(self, descriptor: int) -> None:
        """Close a descriptor."""
        os.close(descriptor)

    def truncate(self, descriptor: int, size: int) -> None:
        """Cut a file."""
        os.ftruncate(descriptor, size)

    def free(self, folder: Path) -> int:
        """How many bytes there is room for on the disk of a folder."""
        found = os.statvfs(folder)
        return found.f_bavail * found.f_frsize

    def rename(self, source: Path, target: Path) -> None:
        """Put a file in the place of another, at once."""
        source.replace(target)

    def mkdir(self, path: Path) -> None:
        """Make one folder."""
        path.mkdir()

    def remove(self, path: Path) -> None:
        """Remove a file that may be missing."""
        path.unlink(missing_ok=True)


DISK = Disk()  # the real one; it has no state


def write_all(disk: Disk, descriptor: int, data: bytes) -> None:
    """Write everything, however the system splits it."""
    view = memoryview(data)
    while view:
        view = view[disk.write(descriptor, bytes(view)) :]


def check_room(disk: Disk, folder: Path, size: int) -> None:
    """Refuse early what would fill the disk to its last byte and then fail.

    Raises:
        OSError: there is no room for so many bytes.
    """
    if disk.free(folder) < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


def sync_folder(disk: Disk, folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = disk.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        disk.fsync(descriptor)
    finally:
        disk.close(descriptor)


def write_file(disk: Disk, path: Path, data: bytes) -> None:
    """Write one whole file durably into a folder that exists. See `DurableFiles.write`."""
    _put(disk, path, data)
    sync_folder(disk, path.parent)


def _put(disk: Disk, path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        descriptor = disk.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            write_all(disk, descriptor, data)
            disk.fsync(descriptor)
        finally:
            disk.close(descriptor)
        disk.rename(temporary, path)
    except OSError:
        with suppress(OSError):  # on a full disk the half-written file would keep the room that others need
            disk.remove(temporary)
        raise


class DurableFiles:
    """Writes whole files below one folder, which must exist."""

    _known: set[Path]  # folders whose own names are durable; anything else is synced again before it is used

    def __init__(self, disk: Disk, root: Path) -> None:
        self._disk = disk
        self._root = root
        self._known = set()

    def write(self, files: Mapping[Path, bytes]) -> None:
        """Write files: each is there in full or as it was before, and all are durable on return.

        Args:
            files: paths below the root, and what they shall hold.

        Raises:
            OSError: some were perhaps written, none in part. Call again with the same files once it can
                succeed.
        """
        folders = dict.fromkeys(path.parent for path in files)
        for folder in folders:
            self._make(folder)
        for path, data in files.items():
            _put(self._disk, path, data)
        for folder in folders:
            sync_folder(self._disk, folder)

    def _make(self, folder: Path) -> None:
        """Make a folder and those above it, durably."""
        if folder in self._known:
            return
        if folder != self._root:
            self._make(folder.parent)
        if not folder.is_dir():
            self._disk.mkdir(folder)
        sync_folder(self._disk, folder.parent)
        self._known.add(folder)

    def remove_folder(self, folder: Path) -> None:
        """Remove a folder of files, if it is there; not durably, as it must not matter whether it stays.

        Raises:
            OSError: it cannot be removed.
        """
        if folder.is_dir():
            for path in folder.iterdir():
                self._disk.remove(path)
            folder.rmdir()
        self._known.discard(folder)


class FolderLock:
    """The right to write in a folder: held by one process, and let go by the system when the process ends."""

    def __init__(self, path: Path) -> None:
        """Take the lock.

        Args:
            path: the lock file; it stays behind and holds the process id of its holder, for people.

        Raises:
            LogLocked: somebody else holds it.
        """
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._descriptor, 20, 0).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            raise LogLocked(
                f"{path.parent} is in use by another process{f' ({holder})' if holder else ''}; "
                "a log has one writer: stop the other one first"
            ) from error
        self._note_holder()

    def _note_holder(self) -> None:
        """Say who holds the lock. Only for people, so a full disk does not matter."""
        try:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, b"%d\n" % os.getpid(), 0)
        except OSError:
            return

    def release(self) -> None:
        """Let go, once."""
        os.close(self._descriptor)
