"""Moving a collection to another embedding contract."""

import sqlite3
import threading
from functools import partial

import numpy as np
import pytest

from candid.gallery import CollectionNotFound, ContractMismatch, InvalidInput, upgrading

NEW = "test/2"


def embedder(dimension=8):
    """A model of sorts: the vector of a crop is drawn with the crop as its seed."""

    def embed(crops):
        drawn = [np.random.default_rng(list(crop)).standard_normal(dimension) for crop in crops]
        return np.array(drawn, dtype=np.float32)

    return embed


def enrol(gallery, make, count, start=0):
    new = [
        make.face(vector, crop=b"crop %d" % (start + i)) for i, vector in enumerate(make.unit(count, seed=start))
    ]
    return gallery.faces.add("a", "people", new, contract=make.contract)


def test_faces_and_users_move(gallery, workshop, make):
    faces = enrol(gallery, make, 300)
    ids = [face.face_id for face in faces]
    gallery.faces.delete("a", "people", ids[100:110])
    gallery.users.create("a", "people", "anna")
    gallery.users.associate("a", "people", "anna", ids[:2], min_score=-1)
    outcome = gallery.upgrade("a", "people", to=NEW, dimension=8, embed=embedder())
    assert (outcome.moved, outcome.contract, outcome.faces, outcome.without_crop) == (True, NEW, 290, 0)
    for _ in range(2):
        collection = gallery.collections.describe("a", "people")
        assert (collection.contract, collection.dimension, collection.faces) == (NEW, 8, 290)
        probes = embedder()([b"crop 7", b"crop 250"])
        found = gallery.search.faces("a", "people", probes, contract=NEW, k=1, min_score=0.99)
        assert [matches[0].face.face_id for matches in found] == [ids[7], ids[250]]
        assert found[0][0].face.contract == NEW
        users = gallery.search.users_like_face("a", "people", ids[0], k=1, min_score=0.3)
        assert users[0].user.user_id == "anna"
        with pytest.raises(ContractMismatch):
            gallery.search.faces("a", "people", make.unit(1), contract=make.contract, k=1, min_score=0)
        gallery.close()
        gallery = workshop.open()
    again = gallery.upgrade("a", "people", to=NEW, dimension=8, embed=embedder())
    assert (again.moved, again.contract) == (False, NEW)
    gallery.faces.add("a", "people", [make.face(probes[0])], contract=NEW)
    assert gallery.faces.delete("a", "people", ids[200:205]).deleted == tuple(ids[200:205])


def test_a_face_without_a_crop_keeps_all_where_they_are(gallery, make):
    enrol(gallery, make, 5)
    make.enrol(gallery, make.unit(2))
    outcome = gallery.upgrade("a", "people", to=NEW, dimension=8, embed=embedder())
    assert (outcome.moved, outcome.contract, outcome.without_crop) == (False, make.contract, 2)
    assert gallery.collections.describe("a", "people").contract == make.contract


def test_faces_that_come_and_go_meanwhile(gallery, make):
    faces = enrol(gallery, make, 600)
    started, go_on = threading.Event(), threading.Event()
    model = embedder()

    def slowly(crops):
        started.set()
        go_on.wait(20)
        return model(crops)

    outcome = []
    thread = threading.Thread(
        target=lambda: outcome.append(gallery.upgrade("a", "people", to=NEW, dimension=8, embed=slowly))
    )
    thread.start()
    started.wait(20)
    late = enrol(gallery, make, 10, start=1000)
    gallery.faces.delete("a", "people", [faces[0].face_id, faces[599].face_id, late[0].face_id])
    go_on.set()
    thread.join()
    assert outcome[0].faces == gallery.collections.describe("a", "people").faces == 607
    everything = gallery.search.faces_like_face("a", "people", late[5].face_id, k=999, min_score=-1)
    expected = {face.face_id for face in (*faces[1:599], *late[1:])} - {late[5].face_id}
    assert {match.face.face_id for match in everything} == expected


def templates(workshop):
    connection = sqlite3.connect(workshop.folder / "gallery.db")
    (found,) = connection.execute("SELECT count(*) FROM templates").fetchone()
    connection.close()
    return found


def test_a_face_deleted_after_it_was_embedded_leaves_no_new_vector(gallery, workshop, make):
    faces = enrol(gallery, make, 400)
    model, counts = embedder(), []

    def embed(crops):
        if len(crops) < 256:  # the second batch; the first is stored
            before = templates(workshop)
            gallery.faces.delete("a", "people", [face.face_id for face in faces[:3]])
            counts.append(before - templates(workshop))
        return model(crops)

    assert gallery.upgrade("a", "people", to=NEW, dimension=8, embed=embed).faces == 397
    assert counts == [6]  # of each the old vector and the new
    make.until(lambda: templates(workshop) == 397)


def test_it_does_not_change_over_while_a_face_has_no_new_vector(gallery, make):
    enrol(gallery, make, 3)
    core = gallery._core
    stored = core.collection("a", "people")
    move = core.writer.submit(partial(upgrading._begin, stored, NEW, 8))
    assert core.writer.submit(partial(upgrading._change_over, core, move)) is None
    assert upgrading._embed_some(core, move, embedder()) == 3
    enrol(gallery, make, 1, start=9)
    assert core.writer.submit(partial(upgrading._change_over, core, move)) is None
    assert upgrading._embed_some(core, move, embedder()) == 1
    assert core.writer.submit(partial(upgrading._change_over, core, move)).faces == 4


def test_a_move_that_was_cut_off_is_erased_when_the_gallery_is_next_opened(gallery, workshop, make):
    enrol(gallery, make, 30)
    core = gallery._core
    move = core.writer.submit(partial(upgrading._begin, core.collection("a", "people"), NEW, 8))
    upgrading._embed_some(core, move, embedder())
    gallery.close()
    assert templates(workshop) == 60
    gallery = workshop.open()
    make.until(lambda: templates(workshop) == 30)
    (found,) = gallery.search.faces("a", "people", make.unit(1), contract=make.contract, k=99, min_score=-1)
    assert len(found) == 30


@pytest.mark.parametrize(
    ("embed", "error"),
    [
        (lambda crops: np.ones((len(crops), 7)), InvalidInput),
        (lambda crops: np.ones((len(crops) - 1, 8)), InvalidInput),
        (lambda crops: np.full((len(crops), 8), np.nan), InvalidInput),
        (lambda crops: 1 / 0, ZeroDivisionError),
    ],
)
def test_a_failing_model_changes_nothing(gallery, workshop, make, embed, error):
    enrol(gallery, make, 5)
    with pytest.raises(error):
        gallery.upgrade("a", "people", to=NEW, dimension=8, embed=embed)
    (found,) = gallery.search.faces("a", "people", make.unit(1), contract=make.contract, k=9, min_score=-1)
    assert len(found) == 5
    assert gallery.upgrade("a", "people", to=NEW, dimension=8, embed=embedder()).moved


def test_a_collection_deleted_meanwhile(gallery, make):
    enrol(gallery, make, 5)

    def embed(crops):
        gallery.collections.delete("a", "people")
        return embedder()(crops)

    with pytest.raises(CollectionNotFound):
        gallery.upgrade("a", "people", to=NEW, dimension=8, embed=embed)
