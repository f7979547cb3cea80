"""One holder a folder."""

import os

import pytest

from candid.gallery.errors import GalleryLocked, StorageUnavailable
from candid.gallery.lock import FolderLock


def test_one_holder(tmp_path):
    lock = FolderLock(tmp_path)
    assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"
    with pytest.raises(GalleryLocked, match=f"id {os.getpid()}"):
        FolderLock(tmp_path)
    lock.release()
    FolderLock(tmp_path).release()


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(StorageUnavailable, match="cannot write"):
        FolderLock(tmp_path / "nothing")
