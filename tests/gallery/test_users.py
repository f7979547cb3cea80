"""Users: their vectors, their faces, and idempotent calls."""

import numpy as np
import pytest

from candid.gallery import (
    FaceNotFound,
    InvalidInput,
    Once,
    Reason,
    TokenMismatch,
    UserExists,
    UserNotFound,
    UserStatus,
)

TOKEN = Once(operation="CreateUser", token="t", digest=b"1")


@pytest.fixture
def people(workshop, make):
    """Six faces: three near one direction, three near another."""
    gallery, _, _ = workshop.filled(1)
    centres = np.zeros((6, 16), dtype=np.float32)
    centres[:3, 0] = centres[3:, 1] = 1
    vectors = centres + np.random.default_rng(3).normal(0, 0.02, (6, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    faces = make.enrol(gallery, vectors)
    for user in ("anna", "ben"):
        gallery.users.create("a", "people", user)
    return gallery, [face.face_id for face in faces], vectors


def test_a_user_is_found_by_the_mean_of_its_faces(people):
    gallery, ids, vectors = people
    outcome = gallery.users.associate("a", "people", "anna", ids[:3], min_score=0.9)
    assert outcome.associated == tuple(ids[:3])
    assert outcome.status is UserStatus.ACTIVE
    gallery.users.associate("a", "people", "ben", ids[3:], min_score=0.9)
    mean = vectors[:3].mean(axis=0)
    mean /= np.linalg.norm(mean)
    (found,) = gallery.search.users("a", "people", [vectors[0]], contract="test/1", k=5, min_score=0.5)
    assert [match.user.user_id for match in found] == ["anna"]
    assert found[0].score == pytest.approx(float(mean @ vectors[0]), abs=1e-6)
    assert found[0].user.faces == 3
    by_face = gallery.search.users_like_face("a", "people", ids[0], k=5, min_score=0.5)
    assert by_face == found
    others = gallery.search.users_like_user("a", "people", "anna", k=5, min_score=-1)
    assert [match.user.user_id for match in others] == ["ben"]


def test_faces_unlike_the_user_are_refused(people):
    gallery, ids, vectors = people
    outcome = gallery.users.associate("a", "people", "anna", [ids[0], ids[3], ids[1]], min_score=0.8)
    assert outcome.associated == (ids[0], ids[1])
    (refusal,) = outcome.refused
    assert (refusal.face_id, refusal.reasons) == (ids[3], (Reason.LOW_MATCH_CONFIDENCE,))
    assert refusal.score == pytest.approx(float(vectors[0] @ vectors[3]), abs=1e-6)


def test_why_faces_are_refused(people):
    gallery, ids, _ = people
    gallery.users.associate("a", "people", "ben", [ids[3]], min_score=-1)
    outcome = gallery.users.associate("a", "people", "anna", [ids[0], ids[3], "nobody", ids[0]], min_score=-1)
    assert outcome.associated == (ids[0],)
    assert [(refusal.face_id, refusal.reasons, refusal.user_id) for refusal in outcome.refused] == [
        (ids[3], (Reason.ASSOCIATED_TO_A_DIFFERENT_USER,), "ben"),
        ("nobody", (Reason.FACE_NOT_FOUND,), None),
    ]
    again = gallery.users.associate("a", "people", "anna", [ids[0]], min_score=-1)
    assert (again.associated, again.refused, again.status) == ((), (), UserStatus.ACTIVE)

    outcome = gallery.users.disassociate("a", "people", "anna", [ids[3], ids[0], "nobody", ids[1]])
    assert outcome.disassociated == (ids[0],)
    assert outcome.status is UserStatus.CREATED
    assert [(refusal.face_id, refusal.reasons, refusal.user_id) for refusal in outcome.refused] == [
        (ids[3], (Reason.ASSOCIATED_TO_A_DIFFERENT_USER,), "ben"),
        ("nobody", (Reason.FACE_NOT_FOUND,), None),
    ]


def test_a_user_has_so_many_faces_and_no_more(workshop):
    gallery, faces, _ = workshop.filled(6, faces_a_user=4)
    ids = [face.face_id for face in faces]
    gallery.users.create("a", "people", "anna")
    outcome = gallery.users.associate("a", "people", "anna", ids, min_score=-1)
    assert outcome.associated == tuple(ids[:4])
    assert [(refusal.face_id, refusal.reasons) for refusal in outcome.refused] == [(ids[4], ()), (ids[5], ())]


def test_a_user_without_faces_is_found_by_nobody(people):
    gallery, ids, vectors = people
    gallery.users.associate("a", "people", "anna", ids[:1], min_score=-1)
    gallery.users.disassociate("a", "people", "anna", ids[:1])
    (found,) = gallery.search.users("a", "people", vectors[:1], contract="test/1", k=5, min_score=-1)
    assert found == ()
    assert gallery.search.users_like_user("a", "people", "anna", k=5, min_score=-1) == ()


def test_deleting_a_user_frees_its_faces(people):
    gallery, ids, _ = people
    gallery.users.associate("a", "people", "anna", ids[:2], min_score=-1)
    assert gallery.faces.delete("a", "people", ids[:1]).deleted == ()
    gallery.users.delete("a", "people", "anna")
    assert gallery.search.users_like_face("a", "people", ids[0], k=5, min_score=-1) == ()
    assert gallery.faces.list("a", "people", limit=1, face_ids=ids[:1]).items[0].user_id is None
    assert gallery.faces.delete("a", "people", ids[:1]).deleted == (ids[0],)
    assert gallery.collections.describe("a", "people").users == 1


def test_listing_users(people):
    gallery, ids, _ = people
    gallery.users.associate("a", "people", "ben", ids[:2], min_score=-1)
    for name in ("carl", "aaron"):
        gallery.users.create("a", "people", name)
    page = gallery.users.list("a", "people", limit=3)
    assert [(user.user_id, user.status, user.faces) for user in page.items] == [
        ("anna", UserStatus.CREATED, 0),
        ("ben", UserStatus.ACTIVE, 2),
        ("carl", UserStatus.CREATED, 0),
    ]
    page = gallery.users.list("a", "people", limit=3, token=page.token)
    assert ([user.user_id for user in page.items], page.token) == (["aaron"], None)


def test_errors(people):
    gallery, ids, _ = people
    with pytest.raises(UserExists, match="anna already exists"):
        gallery.users.create("a", "people", "anna")
    with pytest.raises(InvalidInput):
        gallery.users.create("a", "people", "an na")
    for call in (
        lambda: gallery.users.delete("a", "people", "carl"),
        lambda: gallery.users.associate("a", "people", "carl", ids, min_score=0),
        lambda: gallery.users.disassociate("a", "people", "carl", ids),
        lambda: gallery.search.users_like_user("a", "people", "carl", k=1, min_score=0),
    ):
        with pytest.raises(UserNotFound, match="carl"):
            call()
    with pytest.raises(FaceNotFound):
        gallery.search.users_like_face("a", "people", "nobody", k=1, min_score=0)


def test_the_same_token_gives_the_same_outcome(people, workshop):
    gallery, ids, _ = people
    assert gallery.users.create("a", "people", "carl", once=TOKEN) is True
    assert gallery.users.create("a", "people", "carl", once=TOKEN) is False  # no UserExists
    associate = Once(operation="AssociateFaces", token="t", digest=b"2")
    first = gallery.users.associate("a", "people", "anna", [*ids, "nobody"], min_score=0.9, once=associate)
    assert first.associated
    assert first.refused
    gallery.users.disassociate("a", "people", "anna", ids[:1])
    again = gallery.users.associate("a", "people", "anna", [*ids, "nobody"], min_score=0.9, once=associate)
    assert again == first
    assert gallery.collections.describe("a", "people").users == 3
    disassociate = Once(operation="DisassociateFaces", token="t", digest=b"3")
    first = gallery.users.disassociate("a", "people", "anna", ids, once=disassociate)
    assert gallery.users.disassociate("a", "people", "anna", ids, once=disassociate) == first
    delete = Once(operation="DeleteUser", token="t", digest=b"4")
    for _ in range(2):
        gallery.users.delete("a", "people", "carl", once=delete)

    with pytest.raises(TokenMismatch):
        gallery.users.create("a", "people", "dora", once=Once(operation="CreateUser", token="t", digest=b"9"))
    gallery.close()
    gallery = workshop.open()
    gallery.users.create("a", "people", "carl", once=TOKEN)  # remembered over a restart
    assert gallery.collections.describe("a", "people").users == 2
    workshop.clock.now += 24 * 3600
    gallery.users.create("a", "people", "carl", once=TOKEN)  # and forgotten after a day
    assert gallery.collections.describe("a", "people").users == 3


def test_a_call_that_failed_is_not_remembered(people):
    gallery, _, _ = people
    with pytest.raises(UserExists):
        gallery.users.create("a", "people", "anna", once=TOKEN)
    gallery.users.delete("a", "people", "anna")
    gallery.users.create("a", "people", "anna", once=TOKEN)
