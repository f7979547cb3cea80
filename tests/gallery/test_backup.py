"""Backups: one moment of a gallery in use, restored whole or not at all."""

import io
import threading

import pytest

from candid.gallery import (
    BackupError,
    GalleryError,
    GalleryLocked,
    WrongKey,
    backup_gallery,
    restore_gallery,
)


def backed_up(gallery):
    stream = io.BytesIO()
    gallery.backup(stream)
    return stream.getvalue()


def test_there_and_back(workshop, make):
    gallery, faces, vectors = workshop.filled(120)
    gallery.users.create("a", "people", "anna")
    gallery.users.associate("a", "people", "anna", [faces[0].face_id], min_score=-1)
    gallery.tags.put("a", "people", {"k": "v"})
    before = gallery.collections.describe("a", "people")
    gallery.backup(workshop.root / "file")
    make.enrol(gallery, make.unit(3, seed=9))
    restore_gallery(workshop.root / "file", workshop.root / "new", key=make.key)
    restored = workshop.open(workshop.root / "new")
    assert restored.collections.describe("a", "people") == before
    assert restored.tags.get("a", "people") == {"k": "v"}
    assert [f.face_id for f in restored.faces.list("a", "people", limit=999).items] == [
        f.face_id for f in faces
    ]
    for like in (gallery, restored):
        found = like.search.users_like_face("a", "people", faces[0].face_id, k=1, min_score=0.9)
        assert found[0].user.user_id == "anna"
    (found,) = restored.search.faces("a", "people", vectors[:1], contract=make.contract, k=1, min_score=0.9)
    assert found[0].face.face_id == faces[0].face_id


def test_a_stream_is_read_to_the_end_of_the_backup_and_no_further(workshop, make):
    gallery, _, _ = workshop.filled(3)
    data = backed_up(gallery)
    stream = io.BytesIO(data + b"what follows")
    restore_gallery(stream, workshop.root / "new", key=make.key)
    assert stream.read() == b"what follows"
    assert backup_gallery(workshop.folder, io.BytesIO(), key=make.key) is None  # beside the open gallery
    with pytest.raises(BackupError, match="no gallery"):
        backup_gallery(workshop.root / "nothing", io.BytesIO(), key=make.key)


@pytest.mark.parametrize("place", [0, 25, 41, 60, 5_000, 30_000, -33, -1])
def test_a_changed_byte_is_noticed(workshop, make, place):
    gallery, _, _ = workshop.filled(30)
    data = bytearray(backed_up(gallery))
    data[place] ^= 1
    with pytest.raises(GalleryError):
        restore_gallery(io.BytesIO(bytes(data)), workshop.root / "new", key=make.key)
    assert sorted(path.name for path in (workshop.root / "new").iterdir()) == ["lock"]


@pytest.mark.parametrize("size", [0, 10, 40, 5_000, -1])
def test_a_backup_cut_short_is_noticed(workshop, make, size):
    gallery, _, _ = workshop.filled(3)
    with pytest.raises(BackupError, match="cut short"):
        restore_gallery(io.BytesIO(backed_up(gallery)[:size]), workshop.root / "new", key=make.key)


def test_where_it_is_refused(workshop, make):
    gallery, _, _ = workshop.filled(3)
    data = backed_up(gallery)
    with pytest.raises(WrongKey):
        restore_gallery(io.BytesIO(data), workshop.root / "new", key=bytes(32))
    with pytest.raises(GalleryLocked):
        restore_gallery(io.BytesIO(data), workshop.folder, key=make.key)
    gallery.close()
    with pytest.raises(BackupError, match="already"):
        restore_gallery(io.BytesIO(data), workshop.folder, key=make.key)
    assert workshop.open().status().faces == 3
    with pytest.raises(BackupError, match="cannot be written"):
        workshop.opened[-1].backup(workshop.root / "no" / "such" / "folder")


def test_one_moment_while_others_write(workshop, make):
    """Faces are enrolled in pairs; every backup holds whole pairs, and all that were answered before it."""
    gallery, _, _ = workshop.filled(0)
    done, answered = threading.Event(), []

    def enrol():
        turn = 0
        while not done.is_set():
            answered.append(make.enrol(gallery, make.unit(2, seed=turn)))
            turn += 1

    thread = threading.Thread(target=enrol)
    thread.start()
    try:
        for number in range(5):
            least = 2 * len(answered)
            gallery.backup(workshop.root / "file")
            folder = workshop.root / f"new-{number}"
            restore_gallery(workshop.root / "file", folder, key=make.key)
            faces = workshop.open(folder).status().faces
            assert faces >= least
            assert faces % 2 == 0
    finally:
        done.set()
        thread.join()
