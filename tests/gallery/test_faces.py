"""Enrolling, listing and deleting faces."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from candid.gallery import (
    CollectionNotFound,
    ContractMismatch,
    FaceBox,
    InvalidInput,
    InvalidPageToken,
    LimitExceeded,
    Reason,
    UserNotFound,
)
from candid.gallery.facerows import face_id_bytes, face_id_text

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def test_what_is_stored_of_a_face(gallery, make):
    new = make.face(make.unit(1)[0], external_image_id="photo:1", confidence=98.25)
    (face,) = gallery.faces.add("a", "people", [new], contract=make.contract)
    assert UUID.fullmatch(face.face_id)
    assert (face.box, face.confidence, face.image_id) == (new.box, 98.25, new.image_id)
    assert (face.external_image_id, face.user_id, face.contract) == ("photo:1", None, make.contract)
    assert gallery.faces.list("a", "people", limit=1).items == (face,)


@pytest.mark.parametrize(
    ("vector", "message"),
    [
        (np.zeros(16), "length zero"),
        (np.full(16, np.nan), "not finite"),
        (np.full(16, np.inf), "not finite"),
        (np.ones(15), "shape"),
        (np.ones((1, 16)), "shape"),
    ],
)
def test_vectors_that_are_refused_with_all_beside_them(gallery, make, vector, message):
    good = make.face(make.unit(1)[0])
    with pytest.raises(InvalidInput, match=message):
        gallery.faces.add("a", "people", [good, make.face(vector)], contract=make.contract)
    assert gallery.collections.describe("a", "people").faces == 0


def test_other_contracts_and_collections_are_refused(gallery, make):
    new = [make.face(make.unit(1)[0])]
    with pytest.raises(ContractMismatch, match="m2"):
        gallery.faces.add("a", "people", new, contract="m2")
    with pytest.raises(CollectionNotFound):
        gallery.faces.add("b", "people", new, contract=make.contract)


def test_the_length_of_a_vector_does_not_matter(gallery, make):
    vector = make.unit(1)[0]
    make.enrol(gallery, np.stack([vector * 1000, vector / 1000]))
    (found,) = gallery.search.faces("a", "people", [vector * 3], contract=make.contract, k=5, min_score=0.9)
    assert [match.score for match in found] == pytest.approx([1, 1])


def test_a_collection_has_a_limit(workshop, make):
    gallery, _, _ = workshop.filled(8, faces_a_collection=10)
    with pytest.raises(LimitExceeded):
        make.enrol(gallery, make.unit(3))
    assert gallery.collections.describe("a", "people").faces == 8
    make.enrol(gallery, make.unit(2))


def test_no_faces_are_no_error(gallery, make):
    assert gallery.faces.add("a", "people", [], contract=make.contract) == ()


@pytest.mark.parametrize("limit", [1, 7, 60, 61])
def test_pages_in_the_order_of_enrolment(workshop, limit):
    gallery, faces, _ = workshop.filled(60)
    found, token = (), None
    while True:
        page = gallery.faces.list("a", "people", limit=limit, token=token)
        assert 1 <= len(page.items) <= limit
        found += page.items
        token = page.token
        if token is None:
            break
    assert found == faces


def test_listing_with_filters(workshop):
    gallery, faces, _ = workshop.filled(20)
    ids = [face.face_id for face in faces]
    gallery.users.create("a", "people", "anna")
    gallery.users.associate("a", "people", "anna", [ids[4], ids[2], ids[9]], min_score=-1)

    def listed(**filters):
        return [face.face_id for face in gallery.faces.list("a", "people", limit=10, **filters).items]

    assert listed(user_id="anna") == [ids[2], ids[4], ids[9]]
    assert listed(face_ids=[ids[7], "nothing", ids[4], ids[7]]) == [ids[4], ids[7]]
    assert listed(user_id="anna", face_ids=[ids[7], ids[4]]) == [ids[4]]
    assert listed(face_ids=[]) == []
    with pytest.raises(UserNotFound, match="ben"):
        listed(user_id="ben")

    page = gallery.faces.list("a", "people", limit=2, user_id="anna")
    assert page.items[0].user_id == "anna"
    rest = gallery.faces.list("a", "people", limit=2, user_id="anna", token=page.token)
    assert [face.face_id for face in rest.items] == [ids[9]]
    with pytest.raises(InvalidPageToken):
        gallery.faces.list("a", "people", limit=2, token=page.token)


def test_deleting(workshop):
    gallery, faces, _ = workshop.filled(50)
    ids = [face.face_id for face in faces]
    gallery.users.create("a", "people", "anna")
    gallery.users.associate("a", "people", "anna", [ids[1]], min_score=-1)
    gallery.collections.create("a", "other", contract="m", dimension=4)
    wanted = [ids[3], "nothing", ids[1], ids[0], ids[3], ids[0].upper()]
    outcome = gallery.faces.delete("a", "people", wanted)
    assert outcome.deleted == (ids[3], ids[0])
    assert [(refusal.face_id, refusal.reasons, refusal.user_id) for refusal in outcome.refused] == [
        ("nothing", (Reason.FACE_NOT_FOUND,), None),
        (ids[1], (Reason.ASSOCIATED_TO_AN_EXISTING_USER,), "anna"),
        (ids[0].upper(), (Reason.FACE_NOT_FOUND,), None),
    ]
    assert gallery.faces.delete("a", "other", ids).deleted == ()
    left = [face.face_id for face in gallery.faces.list("a", "people", limit=100).items]
    assert left == [ids[1], ids[2], *ids[4:]]
    assert gallery.collections.describe("a", "people").faces == 48


@given(st.binary(min_size=16, max_size=16))
def test_face_ids_have_one_text_each(raw):
    text = face_id_text(raw)
    assert face_id_bytes(text) == raw
    for other in (text.upper(), text.replace("-", ""), "{" + text + "}", text + "0", text[:-1], text + "\n"):
        assert other == text or face_id_bytes(other) is None


def test_the_same_image_under_the_same_name_is_enrolled_once(gallery, make):
    vectors = make.unit(3, seed=5)
    named = {"external_image_id": "n", "image_digest": b"d" * 32}
    boxes = [FaceBox(0.1 * i, 0.1, 0.05, 0.05) for i in range(3)]
    faces = [
        replace(make.face(vector), box=box, **named)
        for vector, box in zip(vectors, boxes, strict=True)
    ]
    first = gallery.faces.add("a", "people", faces[:2], contract=make.contract)
    moved = replace(faces[0], box=FaceBox(1e-6, 0.1, 0.05, 0.05))
    second = gallery.faces.add("a", "people", [moved, faces[2]], contract=make.contract)
    assert second[0] == first[0]
    assert second[1].face_id not in {face.face_id for face in first}
    assert gallery.collections.describe("a", "people").faces == 3
    (found,) = gallery.search.faces("a", "people", vectors[:1], contract=make.contract, k=5, min_score=0.99)
    assert [match.face.face_id for match in found] == [first[0].face_id]

    for changes in ({"external_image_id": "m"}, {"image_digest": b"e" * 32}, {"external_image_id": None}):
        other = replace(faces[0], **changes)
        (stored,) = gallery.faces.add("a", "people", [other], contract=make.contract)
        assert stored.face_id != first[0].face_id
    gallery.collections.create("a", "elsewhere", contract=make.contract, dimension=16)
    (elsewhere,) = gallery.faces.add("a", "elsewhere", faces[:1], contract=make.contract)
    assert elsewhere.face_id != first[0].face_id

    gallery.faces.delete("a", "people", [first[0].face_id])
    (anew,) = gallery.faces.add("a", "people", faces[:1], contract=make.contract)
    assert anew.face_id != first[0].face_id
