"""Deleting leaves nothing: not in the store, not in freed pages, not in the log, the index or a backup."""

import random
import sqlite3
import uuid

import pytest


def traces(workshop, face_id):
    """Bytes that only this face has in the files: its id, its sealed vector, its crop."""
    raw = uuid.UUID(face_id).bytes
    connection = sqlite3.connect(workshop.folder / "gallery.db")
    (place,) = connection.execute("SELECT id FROM faces WHERE face_id = ?", (raw,)).fetchone()
    (sealed,) = connection.execute("SELECT sealed FROM templates WHERE owner = ?", (raw,)).fetchone()
    crop = connection.execute("SELECT sealed FROM crops WHERE id = ?", (place,)).fetchone()
    connection.close()
    return [raw, sealed[:24], sealed[-24:], *([] if crop is None else [crop[0][:24], crop[0][-24:]])]


def left(workshop, wanted):
    everything = workshop.bytes_of_all_files()
    return [trace for trace in wanted if trace in everything]


@pytest.mark.parametrize("seed", range(4))
def test_deleted_faces_are_in_no_file(workshop, make, seed):
    """Several collections grow by turns, so that pages split, and lose faces here and there."""
    chance = random.Random(seed)
    gallery = workshop.open()
    names = ["x", "y", "z"]
    for name in names:
        gallery.collections.create("a", name, contract=make.contract, dimension=make.dimension)
    alive, gone = {name: [] for name in names}, []
    for turn in range(40):
        name = chance.choice(names)
        vectors = make.unit(chance.randint(1, 40), seed=seed * 1000 + turn)
        mark = f"external-{seed}-{turn}"
        crop = chance.randbytes(chance.choice([30, 3000, 9000])) if chance.random() < 0.5 else None
        faces = make.enrol(gallery, vectors, name, external_image_id=mark, crop=crop)
        alive[name] += [face.face_id for face in faces]
        if turn % 3 == 0:
            chosen = chance.sample(alive[name], min(len(alive[name]), chance.randint(1, 25)))
            wanted = [trace for face_id in chosen for trace in traces(workshop, face_id)]
            gallery.faces.delete("a", name, chosen)
            alive[name] = [face_id for face_id in alive[name] if face_id not in chosen]
            assert left(workshop, wanted) == []
            gone += wanted
    kept = [trace for face_id in alive["x"][:5] for trace in traces(workshop, face_id)]
    assert left(workshop, [*gone, *kept]) == kept
    gallery.backup(workshop.root / "backup")
    data = (workshop.root / "backup").read_bytes()
    assert not any(trace in data for trace in gone)
    assert all(trace in data for trace in kept)


def test_a_deleted_collection_is_in_no_file_and_no_backup(workshop, make):
    gallery, _, _ = workshop.filled(0, purge_rows=1)
    faces = make.enrol(gallery, make.unit(130), external_image_id="external-name")
    wanted = [trace for face in faces for trace in traces(workshop, face.face_id)] + [b"external-name"]
    connection = sqlite3.connect(workshop.folder / "gallery.db")
    (salt,) = connection.execute("SELECT salt FROM salts").fetchone()
    connection.close()
    assert salt in workshop.bytes_of_all_files()
    gallery.collections.delete("a", "people")
    assert salt not in workshop.bytes_of_all_files()
    gallery.backup(workshop.root / "backup")  # at once, long before all rows are erased
    data = (workshop.root / "backup").read_bytes()
    assert not any(trace in data for trace in wanted)
    make.until(lambda: left(workshop, wanted) == [])


def test_a_user_s_vector_goes_with_its_faces(workshop, make):
    gallery, faces, _ = workshop.filled(3)
    ids = [face.face_id for face in faces]
    gallery.users.create("a", "people", "anna")
    gallery.users.associate("a", "people", "anna", ids, min_score=-1)

    def vector():
        connection = sqlite3.connect(workshop.folder / "gallery.db")
        (sealed,) = connection.execute(
            "SELECT sealed FROM templates WHERE id = (SELECT template FROM users)"
        ).fetchone()
        connection.close()
        return sealed

    before = vector()
    gallery.users.disassociate("a", "people", "anna", ids[:1])
    assert left(workshop, [before]) == []
    before = vector()
    gallery.users.delete("a", "people", "anna")
    assert left(workshop, [before]) == []


def test_nothing_that_identifies_is_in_clear(workshop, make):
    gallery, _, vectors = workshop.filled(90)
    make.enrol(gallery, vectors[:1], crop=b"an aligned crop of a face")
    gallery.search.faces("a", "people", vectors[:1], contract=make.contract, k=1, min_score=0)
    gallery.backup(workshop.root / "backup")
    gallery.close()
    everything = workshop.bytes_of_all_files() + (workshop.root / "backup").read_bytes()
    assert b"an aligned crop" not in everything
    for vector in vectors:
        assert vector.tobytes()[:16] not in everything
        assert vector.astype(">f4").tobytes()[:16] not in everything


def test_what_a_cut_off_backup_left_is_removed(workshop, make):
    gallery, _, _ = workshop.filled(3)
    gallery.close()
    (workshop.folder / ".backup-abc").mkdir()
    (workshop.folder / ".backup-abc" / "copy").write_bytes(b"faces")
    (workshop.folder / ".gallery.db.restored-wal").write_bytes(b"faces")
    workshop.open()
    assert b"faces" not in [path.read_bytes() for path in workshop.folder.iterdir()]
    assert not list(workshop.folder.glob(".backup*"))
