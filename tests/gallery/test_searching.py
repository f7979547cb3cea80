"""Searching faces, beside an exact search with numpy."""

import threading

import numpy as np
import pytest

from candid.gallery import CollectionNotFound, ContractMismatch, FaceNotFound, InvalidInput, UserNotFound


@pytest.fixture(scope="module")
def crowd():
    """Probes and vectors with some genuine matches among many impostors."""
    random = np.random.default_rng(9)
    vectors = random.standard_normal((3000, 16)).astype(np.float32)
    vectors[::10] = vectors[0] + 0.5 * vectors[::10]
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("sealed_rows", [100, 10_000])
def test_results_are_those_of_an_exact_search(workshop, make, crowd, sealed_rows):
    gallery = workshop.open(sealed_rows=sealed_rows)
    gallery.collections.create("a", "people", contract=make.contract, dimension=16)
    faces = make.enrol(gallery, crowd)
    if sealed_rows == 100:
        make.until(lambda: 0 < gallery.status().index_bytes < crowd.nbytes // 2)
    probes = np.concatenate([crowd[:4], make.unit(4, seed=5)])
    for k, least in [(1, -1.0), (10, 0.5), (4096, 0.6), (4096, -1.0), (50, 0.999), (3, 2.0)]:
        found = gallery.search.faces("a", "people", probes, contract=make.contract, k=k, min_score=least)
        assert len(found) == len(probes)
        for matches, probe in zip(found, probes, strict=True):
            truth = crowd.astype(np.float64) @ probe
            order = [i for i in np.argsort(-truth, kind="stable") if truth[i] >= least][:k]
            assert np.allclose([match.score for match in matches], truth[order], atol=1e-6)
            by_id = {face.face_id: score for face, score in zip(faces, truth, strict=True)}
            assert all(abs(by_id[match.face.face_id] - match.score) < 1e-6 for match in matches)


def test_a_face_does_not_find_itself(workshop, make):
    gallery, faces, vectors = workshop.filled(60)
    twin = make.enrol(gallery, vectors[5:6])[0]
    found = gallery.search.faces_like_face("a", "people", faces[5].face_id, k=1, min_score=0.9)
    assert [match.face.face_id for match in found] == [twin.face_id]
    found = gallery.search.faces_like_face("a", "people", faces[6].face_id, k=1, min_score=0.99)
    assert found == ()


def test_equal_faces_come_in_the_order_of_enrolment(gallery, make):
    vector = make.unit(1)
    faces = make.enrol(gallery, np.repeat(vector, 20, axis=0))
    (found,) = gallery.search.faces("a", "people", vector, contract=make.contract, k=5, min_score=0)
    assert [match.face.face_id for match in found] == [face.face_id for face in faces[:5]]


def test_what_is_refused(gallery, make):
    search, probe = gallery.search, make.unit(1)
    options = {"contract": make.contract, "k": 1, "min_score": 0.0}
    for call in (search.faces, search.users):
        with pytest.raises(CollectionNotFound):
            call("b", "people", probe, **options)
        with pytest.raises(ContractMismatch):
            call("a", "people", probe, **(options | {"contract": "m2"}))
        for wrong in (probe[0], probe[:, :5], probe * 0, probe * np.nan, [["x"] * 16]):
            with pytest.raises(InvalidInput):
                call("a", "people", wrong, **options)
        with pytest.raises(InvalidInput, match="at least one"):
            call("a", "people", probe, **(options | {"k": 0}))
        assert call("a", "people", probe, **options) == [()]
    with pytest.raises(FaceNotFound):
        search.faces_like_face("a", "people", "00000000-0000-4000-8000-000000000000", k=1, min_score=0)
    with pytest.raises(UserNotFound):
        search.users_like_user("a", "people", "nobody", k=1, min_score=0)


def test_reads_see_every_write_that_was_answered(workshop, make):
    """Threads enrol and delete; each finds its own face at once, and never again once it is deleted."""
    gallery, _, _ = workshop.filled(0)
    failures = []

    def work(number):
        try:
            for turn in range(25):
                vector = make.unit(1, seed=1000 * number + turn)
                (face,) = make.enrol(gallery, vector)
                assert find(vector) == [face.face_id]
                listed = gallery.faces.list("a", "people", limit=1, face_ids=[face.face_id])
                assert listed.items == (face,)
                if turn % 2:
                    assert gallery.faces.delete("a", "people", [face.face_id]).deleted
                    assert find(vector) == []
        except Exception as error:
            failures.append(error)
            raise

    def find(vector):
        (found,) = gallery.search.faces("a", "people", vector, contract=make.contract, k=3, min_score=0.9999)
        return [match.face.face_id for match in found]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert gallery.collections.describe("a", "people").faces == 6 * 13


def test_a_search_beside_deletions_is_always_full(workshop, make):
    """While others are deleted, a search for the five best finds five."""
    gallery, faces, vectors = workshop.filled(400)
    done = threading.Event()

    def delete():
        for start in range(0, 380, 4):
            gallery.faces.delete("a", "people", [face.face_id for face in faces[start : start + 4]])
        done.set()

    thread = threading.Thread(target=delete)
    thread.start()
    while not done.is_set():
        (found,) = gallery.search.faces("a", "people", vectors[:1], contract=make.contract, k=5, min_score=-1)
        assert len(found) == 5
    thread.join()
