"""Opening, closing, locking, and the gallery as a whole."""

import os
import subprocess
import sys
import textwrap

import pytest

from candid.gallery import (
    Contents,
    ContractUse,
    FacePlace,
    GalleryClosed,
    GalleryDamaged,
    GalleryLocked,
    WrongKey,
    open_gallery,
)


def test_what_was_answered_is_there_after_reopening(workshop, make):
    gallery, faces, vectors = workshop.filled(100)
    before = gallery.collections.describe("a", "people")
    gallery.close()
    gallery = workshop.open()
    assert gallery.collections.describe("a", "people") == before
    assert gallery.faces.list("a", "people", limit=200).items == faces
    (found,) = gallery.search.faces("a", "people", vectors[7:8], contract=make.contract, k=1, min_score=0.9)
    assert [match.face for match in found] == [faces[7]]


def test_a_second_gallery_of_the_folder_is_refused(gallery, workshop):
    with pytest.raises(GalleryLocked, match="open in another process"):
        workshop.open()


def test_another_process_is_refused(gallery, workshop):
    script = textwrap.dedent("""
        import sys
        from pathlib import Path
        from candid.gallery import GalleryLocked, open_gallery
        try:
            open_gallery(Path(sys.argv[1]), key=bytes(range(32)))
        except GalleryLocked as error:
            sys.exit(7 if str(sys.argv[2]) in str(error) else 1)
    """)
    command = [sys.executable, "-c", script, workshop.folder, str(os.getpid())]
    assert subprocess.run(command, check=False).returncode == 7


@pytest.mark.parametrize(
    ("key", "message"), [(bytes(32), "another key"), (bytes(31), "32 bytes"), (b"", "32 bytes")]
)
def test_another_key_is_refused(gallery, workshop, key, message):
    gallery.close()
    with pytest.raises(WrongKey, match=message):
        workshop.open(key=key)
    workshop.open()  # and the folder is free again


def test_a_closed_gallery_says_so(gallery):
    gallery.close()
    gallery.close()
    for call in (
        lambda: gallery.collections.list("a", limit=1),
        lambda: gallery.collections.delete("a", "people"),
        gallery.status,
    ):
        with pytest.raises(GalleryClosed):
            call()


def test_status_counts_all_accounts(gallery, make):
    gallery.collections.create("b", "people", contract=make.contract, dimension=make.dimension)
    make.enrol(gallery, make.unit(5))
    gallery.users.create("a", "people", "anna")
    status = gallery.status()
    assert (status.collections, status.faces, status.users, status.trouble) == (2, 5, 1, None)
    assert (status.warm, status.index_bytes) == (0, 0)
    gallery.search.faces("a", "people", make.unit(1), contract=make.contract, k=1, min_score=0)
    status = gallery.status()
    assert status.warm == 1
    assert status.index_bytes > 5 * make.dimension


def test_use_of_contracts(gallery, make):
    assert gallery.use_of_contracts() == {make.contract: ContractUse(collections=1, faces=0, upgradable=1)}
    gallery.collections.create("a", "kept", contract=make.contract, dimension=make.dimension)
    gallery.collections.create("b", "other", contract="m2", dimension=4)
    make.enrol(gallery, make.unit(3))
    make.enrol(gallery, make.unit(4), "kept", crop=b"crop")
    assert gallery.use_of_contracts() == {
        make.contract: ContractUse(collections=2, faces=7, upgradable=1),
        "m2": ContractUse(collections=1, faces=0, upgradable=1),
    }


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.write_bytes(b"no database" * 1000), "damaged"),
        (lambda path: path.write_bytes(path.read_bytes()[:20_000]), "damaged"),
        (lambda path: path.write_bytes(path.read_bytes()[:-4096]), "damaged"),
        (lambda path: path.write_bytes(b""), "no gallery"),
    ],
)
def test_a_damaged_database_is_refused(workshop, damage, message):
    gallery, _, _ = workshop.filled(60)
    gallery.close()
    damage(workshop.folder / "gallery.db")
    with pytest.raises(GalleryDamaged, match=message):
        workshop.open()


def test_small_spaces_make_room_for_each_other(workshop, make):
    gallery = workshop.open(warm_bytes=30_000)
    for number in range(12):
        gallery.collections.create("a", f"c{number}", contract=make.contract, dimension=make.dimension)
        make.enrol(gallery, make.unit(20, seed=number), f"c{number}")
    for _ in range(2):
        for number in range(12):
            (found,) = gallery.search.faces(
                "a", f"c{number}", make.unit(1, seed=number), contract=make.contract, k=1, min_score=0.9
            )
            assert found[0].score == pytest.approx(1)
            assert gallery.status().index_bytes <= 30_000
    assert 1 <= gallery.status().warm < 12


def test_defaults_open_a_folder_that_is_not_there(tmp_path):
    with open_gallery(tmp_path / "deep" / "folder", key=bytes(32)) as gallery:
        assert gallery.status().collections == 0


def test_what_each_account_has_stored(gallery, make):
    assert gallery.contents_of_accounts() == {"a": Contents(faces=0, users=0)}
    make.enrol(gallery, make.unit(3))
    gallery.users.create("a", "people", "anna")
    gallery.collections.create("a", "more", contract=make.contract, dimension=16)
    gallery.collections.create("b", "people", contract=make.contract, dimension=16)
    assert gallery.contents_of_accounts() == {"a": Contents(faces=3, users=1), "b": Contents(faces=0, users=0)}
    assert gallery.collections.delete("a", "people") == Contents(faces=3, users=1)
    assert gallery.contents_of_accounts()["a"] == Contents(faces=0, users=0)


def test_where_a_face_is(gallery, make):
    first, second = (face.face_id for face in make.enrol(gallery, make.unit(2)))
    gallery.users.create("a", "people", "anna")
    gallery.users.associate("a", "people", "anna", [second], min_score=-1)
    assert gallery.locate_face(first) == FacePlace("a", "people", None)
    assert gallery.locate_face(second.upper()) == FacePlace("a", "people", "anna")
    gallery.faces.delete("a", "people", [first])
    for nowhere in (first, "00000000-0000-4000-8000-000000000000", "", "no id", "' OR 1=1 --"):
        assert gallery.locate_face(nowhere) is None
    gallery.collections.delete("a", "people")
    assert gallery.locate_face(second) is None, "though its row is erased only later"
