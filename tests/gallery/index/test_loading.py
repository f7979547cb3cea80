"""The index comes back from its blocks, and from the vectors where blocks are damaged, missing or not its own."""

import sqlite3

import pytest

from candid.gallery import GalleryDamaged


def blocks(workshop):
    connection = sqlite3.connect(workshop.folder / "gallery.db", isolation_level=None)
    connection.execute("BEGIN")  # both at one moment
    found = connection.execute("SELECT id, last, rows FROM blocks ORDER BY id").fetchall()
    (blocked,) = connection.execute("SELECT sum(blocked) FROM spaces").fetchone()
    connection.close()
    assert blocked == sum(rows for _, _, rows in found)
    return found


def change(workshop, statement, *arguments):
    connection = sqlite3.connect(workshop.folder / "gallery.db")
    with connection:
        assert connection.execute(statement, arguments).rowcount >= 1
    connection.close()


def all_found(gallery, faces, vectors, contract):
    for face, vector in zip(faces[::7], vectors[::7], strict=True):
        (found,) = gallery.search.faces("a", "people", [vector], contract=contract, k=1, min_score=0.99)
        assert [match.face.face_id for match in found] == [face.face_id]
    (found,) = gallery.search.faces("a", "people", vectors[:1], contract=contract, k=999, min_score=-1)
    assert len(found) == len(faces)


@pytest.fixture
def stored(workshop, make):
    """A closed gallery of 210 faces, 200 of them in five blocks of forty."""
    gallery, faces, vectors = workshop.filled(210)
    make.until(lambda: len(blocks(workshop)) == 5)
    gallery.close()
    return faces, vectors


def test_blocks_are_used(workshop, make, stored):
    faces, vectors = stored
    gallery = workshop.open()
    all_found(gallery, faces, vectors, make.contract)
    # codes of 200 rows and float32 of the rest: much less than float32 of all
    assert gallery.status().index_bytes < 200 * (16 + 4 + 1) + 64 * (4 * 16 + 4 + 1) + 1


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE blocks SET sealed = zeroblob(length(sealed)) WHERE rowid = (SELECT id FROM blocks LIMIT 1)",
        "UPDATE blocks SET sealed = substr(sealed, 1, 50)",
        "UPDATE blocks SET sealed = x''",
        "UPDATE blocks SET sealed = (SELECT sealed FROM blocks ORDER BY id DESC LIMIT 1)",
        "UPDATE blocks SET rows = rows + 1 WHERE id = (SELECT max(id) FROM blocks)",
        "UPDATE blocks SET last = last - 1 WHERE id = (SELECT max(id) FROM blocks)",
        "DELETE FROM blocks",
        "DELETE FROM blocks WHERE id = (SELECT max(id) FROM blocks)",
        "DELETE FROM blocks WHERE id = (SELECT id FROM blocks ORDER BY id LIMIT 1 OFFSET 2)",
        "UPDATE spaces SET blocked = 7 WHERE blocked > 0",
    ],
)
def test_blocks_are_made_anew(workshop, make, stored, damage):
    faces, vectors = stored
    change(workshop, damage)
    gallery = workshop.open()
    all_found(gallery, faces, vectors, make.contract)
    make.until(lambda: gallery.status().trouble is None and intact(workshop))
    gallery.close()
    gallery = workshop.open()
    all_found(gallery, faces, vectors, make.contract)


def intact(workshop):
    connection = sqlite3.connect(workshop.folder / "gallery.db")
    short = "SELECT count(*) FROM blocks WHERE length(sealed) < 100"
    sums = "(SELECT sum(rows) FROM blocks), (SELECT sum(blocked) FROM spaces)"
    bad, rows, blocked = connection.execute(f"SELECT ({short}), {sums}").fetchone()
    connection.close()
    return bad == 0 and rows is not None and rows == blocked and rows >= 160


def test_deleting_from_a_damaged_block(workshop, make, stored):
    faces, vectors = stored
    change(workshop, "UPDATE blocks SET sealed = x'00'")
    gallery = workshop.open()
    gallery.faces.delete("a", "people", [face.face_id for face in faces[10:20]])
    gallery.close()
    gallery = workshop.open()
    (found,) = gallery.search.faces("a", "people", vectors[:1], contract=make.contract, k=999, min_score=-1)
    left = {face.face_id for face in (*faces[:10], *faces[20:])}
    assert {match.face.face_id for match in found} == left


def test_deleting_all_of_a_block(workshop, make, stored):
    faces, vectors = stored
    gallery = workshop.open()
    gallery.faces.delete("a", "people", [face.face_id for face in faces[35:85]])
    assert [rows for _, _, rows in blocks(workshop)] == [35, 35, 40, 40]
    gallery.close()
    gallery = workshop.open()
    (found,) = gallery.search.faces("a", "people", vectors[40:41], contract=make.contract, k=999, min_score=-1)
    assert {match.face.face_id for match in found} == {face.face_id for face in (*faces[:35], *faces[85:])}


def test_a_damaged_embedding_is_an_error_and_not_another_identity(workshop, make, stored):
    _, vectors = stored
    swap = (
        "UPDATE templates SET sealed = CASE id WHEN ?1 THEN (SELECT sealed FROM templates WHERE id = ?2)"
        " ELSE (SELECT sealed FROM templates WHERE id = ?1) END WHERE id IN (?1, ?2)"
    )
    connection = sqlite3.connect(workshop.folder / "gallery.db")
    first, second = (row[0] for row in connection.execute("SELECT id FROM templates ORDER BY id LIMIT 2"))
    connection.close()
    change(workshop, swap, first, second)
    gallery = workshop.open()
    with pytest.raises(GalleryDamaged, match="restore"):
        gallery.search.faces("a", "people", vectors[:1], contract=make.contract, k=1, min_score=-1)
