"""The front door: one folder of collections, opened by one process."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from candid.gallery.backup import write_backup
from candid.gallery.cipher import KeyRing
from candid.gallery.collections import Collections
from candid.gallery.core import Core, loader
from candid.gallery.database import NAME, Readers, translated
from candid.gallery.errors import StorageUnavailable
from candid.gallery.faces import Faces
from candid.gallery.index.loading import Loaded
from candid.gallery.index.spaces import Spaces
from candid.gallery.limits import Limits
from candid.gallery.lock import FolderLock
from candid.gallery.maintenance import Maintenance
from candid.gallery.opening import check, create, remove_leftovers
from candid.gallery.purging import abandon_moves, purge_some
from candid.gallery.records import Contents, ContractUse, FacePlace, GalleryStatus, Upgrade, Vectors
from candid.gallery.searching import Search
from candid.gallery.statistics import contents_of_accounts, locate_face, status, use_of_contracts
from candid.gallery.tags import Tags
from candid.gallery.tokens import PageTokens
from candid.gallery.upgrading import upgrade
from candid.gallery.users import Users
from candid.gallery.writer import Writer

# Threads that scan one large collection side by side; more than a few gain nothing, memory is the limit.
MOST_SCANNERS = 8
# How long a reader may be in the way of overwriting what was deleted.
ERASE_SECONDS = 10.0


class Gallery:
    """Collections, faces and users in one folder; from `open_gallery`. Thread-safe.

    Attributes:
        collections: create, describe, list, delete.
        faces: add, list, delete.
        users: create, delete, list, associate, disassociate.
        search: faces and users like a probe, a face or a user.
        tags: of collections.
    """

    def __init__(self, core: Core, maintenance: Maintenance, lock: FolderLock) -> None:
        self._core = core
        self._maintenance = maintenance
        self._lock = lock
        self._closing = threading.Lock()
        self._closed = False  # guarded by _closing
        self.collections = Collections(core)
        self.faces = Faces(core)
        self.users = Users(core)
        self.search = Search(core)
        self.tags = Tags(core)

    def status(self) -> GalleryStatus:
        """Counts, memory and trouble."""
        return status(self._core)

    def contents_of_accounts(self) -> Mapping[str, Contents]:
        """What each account that has a collection has stored."""
        return contents_of_accounts(self._core)

    def locate_face(self, face_id: str) -> FacePlace | None:
        """Where a face is stored, whichever account's it is; None where it is nowhere."""
        return locate_face(self._core, face_id)

    def erase_deleted(self) -> None:
        """Return once nothing of what was deleted so far is in any file; else that is done by and by.

        Raises:
            StorageFull, StorageUnavailable, GalleryDamaged: what is left is erased later.
        """
        while self._core.writer.submit(partial(purge_some, self._core)):
            pass
        deadline = time.monotonic() + ERASE_SECONDS
        while not self._core.writer.erased():
            if time.monotonic() > deadline:
                raise StorageUnavailable("a backup reads what was deleted; it is overwritten once that has ended")
            time.sleep(0.05)

    def use_of_contracts(self) -> Mapping[str, ContractUse]:
        """How much of the gallery stands under each embedding contract."""
        return use_of_contracts(self._core)

    def upgrade(
        self,
        account: str,
        collection_id: str,
        *,
        to: str,
        dimension: int,
        embed: Callable[[list[bytes]], Vectors],
    ) -> Upgrade:
        """Move a collection to another contract by embedding its crops again.

        It is served under its old contract until all is done, and faces may be added meanwhile; then it
        changes over at once, with the vectors of its users.

        Args:
            account: whose collection.
            collection_id: which.
            to: the contract to move to.
            dimension: the length of its embeddings.
            embed: gives float32 (n, dimension) for n crops, as they were handed in.

        Returns:
            What came of it; where one face kept no crop the collection stays as it was.

        Raises:
            CollectionNotFound: there is no such collection, or it was deleted meanwhile.
            InvalidInput: `embed` gave something else.
        """
        return upgrade(self._core, account, collection_id, to=to, dimension=dimension, embed=embed)

    def backup(self, to: BinaryIO | Path) -> None:
        """Write all that is stored at one moment, while the gallery is in use; see `candid.gallery.backup`.

        Raises:
            BackupError: it cannot be written.
        """
        write_backup(self._core.path, self._core.keys, to)

    def close(self) -> None:
        """Finish the writes that have begun and give the folder back. What comes later gets GalleryClosed."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
        self._maintenance.stop()
        self._core.writer.close()
        self._core.readers.close()
        self._core.writer.release()
        self._core.pool.shutdown()
        self._lock.release()

    def __enter__(self) -> Gallery:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_gallery(
    folder: Path,
    *,
    key: bytes,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    clock: Callable[[], float] = time.time,
    randomness: Callable[[int], bytes] = os.urandom,
) -> Gallery:
    """Open the gallery in a folder; one is made where there is none.

    Args:
        folder: where it lies.
        key: 32 bytes; `candid.gallery.keys` keeps them in a file.
        limits: limits and tuning.
        clock: seconds since the epoch.
        randomness: random bytes fit for keys.

    Raises:
        GalleryLocked: another process has the folder open.
        WrongKey: the gallery was made with another key.
        GalleryDamaged: what lies there is damaged, or of a newer version.
        StorageFull, StorageUnavailable: the disk does not do what it should.
    """
    keys = KeyRing(key, randomness)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StorageUnavailable(f"cannot make the folder {folder}: {error.strerror}") from error
    lock = FolderLock(folder)
    try:
        remove_leftovers(folder)
        return _opened(folder / NAME, keys, limits, clock, randomness, lock)
    except BaseException:
        lock.release()
        raise


def _opened(
    path: Path,
    keys: KeyRing,
    limits: Limits,
    clock: Callable[[], float],
    randomness: Callable[[int], bytes],
    lock: FolderLock,
) -> Gallery:
    if not path.exists():
        create(path, keys)
    check(path, keys)
    with translated(path):
        writer = Writer(path)
    readers = Readers(path)
    later: list[Maintenance] = []

    def remade(space: int, loaded: Loaded) -> None:
        later[0].remade(space, loaded)

    core = Core(
        path=path,
        keys=keys,
        limits=limits,
        clock=clock,
        randomness=randomness,
        readers=readers,
        writer=writer,
        tokens=PageTokens(keys.tokens, clock=clock, lifetime=limits.page_token_seconds),
        spaces=Spaces(loader(readers, keys, limits), warm_bytes=limits.warm_bytes, remade=remade),
        pool=ThreadPoolExecutor(min(os.cpu_count() or 1, MOST_SCANNERS), "gallery scan"),
        work=threading.Event(),
    )
    writer.submit(abandon_moves)
    later.append(Maintenance(core))
    later[0].start()
    return Gallery(core, later[0], lock)


