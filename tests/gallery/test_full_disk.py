"""Disks that are really full: a small tmpfs where we may mount one, and a limit on the size of files."""

import resource
import signal
from contextlib import contextmanager

import pytest
from tests.conftest import small_file_system

from candid.gallery import StorageFull, StorageUnavailable


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 6 MiB."""
    with small_file_system(tmp_path / "small", "6m") as folder:
        yield folder


@contextmanager
def file_size_limit(limit):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)


def fill(gallery, make, most):
    """Enrol until it is refused; the ids that were acknowledged."""
    ids = []
    for turn in range(most):
        try:
            faces = make.enrol(gallery, make.unit(20, seed=turn), crop=bytes(3000))
        except StorageUnavailable:
            return ids
        ids += [face.face_id for face in faces]
    pytest.fail("the disk was never full")


def reads_work(gallery, make, ids):
    listed = gallery.faces.list("a", "people", limit=4096)
    assert [face.face_id for face in listed.items] == ids
    (found,) = gallery.search.faces("a", "people", make.unit(1), contract=make.contract, k=1, min_score=0.9)
    assert found[0].face.face_id == ids[0]


def test_a_full_file_system(small_disk, workshop, make):
    gallery = workshop.open(small_disk / "gallery")
    gallery.collections.create("a", "people", contract=make.contract, dimension=make.dimension)
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(3 << 20))
    ids = fill(gallery, make, 200)
    assert ids
    with pytest.raises(StorageFull, match="free some space"):
        make.enrol(gallery, make.unit(30), crop=bytes(500_000))
    assert "no room" in gallery.status().trouble
    reads_work(gallery, make, ids)
    gallery.close()

    gallery = workshop.open(small_disk / "gallery")  # still full
    reads_work(gallery, make, ids)
    ballast.unlink()
    ids += [face.face_id for face in make.enrol(gallery, make.unit(1, seed=999))]
    assert gallery.status().trouble is None
    reads_work(gallery, make, ids)
    assert gallery.faces.delete("a", "people", ids[1:5]).deleted == tuple(ids[1:5])


def test_a_limit_on_the_size_of_files(workshop, make):
    gallery, faces, _ = workshop.filled(1)
    ids = [faces[0].face_id]
    with file_size_limit(600_000):
        ids += fill(gallery, make, 100)
        assert len(ids) > 20
        reads_work(gallery, make, ids)
    ids += [face.face_id for face in make.enrol(gallery, make.unit(1, seed=999))]
    reads_work(gallery, make, ids)
    gallery.close()
    gallery = workshop.open()
    reads_work(gallery, make, ids)
