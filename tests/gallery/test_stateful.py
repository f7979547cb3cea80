"""The gallery beside a plainly right one: a dictionary of vectors, compared one with another.

Whatever is done in whatever order, with the index compressed, evicted or read again after reopening,
both give the same answers.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from candid.gallery import FaceBox, Limits, NewFace, Reason, UserStatus, open_gallery

DIMENSION = 8
MOST_OF_A_USER = 4
LIMITS = Limits(sealed_rows=6, rescored_rows=10_000, faces_a_user=MOST_OF_A_USER, warm_bytes=20_000)
TOLERANCE = 1e-5


def vectors_of(seed: int, count: int) -> np.ndarray:
    """Vectors of few distinct directions, so that near ties and duplicates occur."""
    random = np.random.default_rng(seed)
    found = random.standard_normal((count, DIMENSION)).round(1)
    found[:, 0] += 0.05
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


class Reference:
    """What a collection is: faces in order, and whose they are."""

    def __init__(self) -> None:
        self.faces: dict[str, np.ndarray] = {}
        self.owner: dict[str, str] = {}
        self.users: dict[str, list[str]] = {}

    def user_vector(self, user: str) -> np.ndarray | None:
        own = [face for face in self.faces if self.owner.get(face) == user]
        if not own:
            return None
        mean = np.mean([self.faces[face].astype(np.float64) for face in own], axis=0)
        return mean / np.linalg.norm(mean)

    def like(self, candidates: dict[str, np.ndarray], probe: np.ndarray, least: float) -> dict[str, float]:
        scores = {name: float(np.dot(vector.astype(np.float64), probe)) for name, vector in candidates.items()}
        return {name: score for name, score in scores.items() if score >= least - TOLERANCE}


def agree(found: list[tuple[str, float]], expected: dict[str, float], k: int, least: float) -> None:
    """The same names and scores, up to rounding at the edges of the result."""
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)
    assert len({name for name, _ in found}) == len(found) <= k
    for name, score in found:
        assert abs(expected[name] - score) < TOLERANCE
    surely = sorted((score for score in expected.values() if score >= least + TOLERANCE), reverse=True)
    assert len(found) >= min(k, len(surely))
    if len(found) == k:
        worst = found[-1][1]
        names = {name for name, _ in found}
        assert all(score <= worst + TOLERANCE for name, score in expected.items() if name not in names)


class GalleryMachine(RuleBasedStateMachine):
    """One collection that is used in every way, and a second one that must never be touched by it."""

    faces = Bundle("faces")
    users = Bundle("users")

    @initialize()
    def begin(self) -> None:
        memory = Path("/dev/shm")
        self.root = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
        self.gallery = self.open()
        for collection in ("people", "others"):
            self.gallery.collections.create("a", collection, contract="m", dimension=DIMENSION)
        self.reference = Reference()
        self.add_to("others", vectors_of(7, 9))

    def open(self):
        return open_gallery(self.root / "gallery", key=bytes(32), limits=LIMITS)

    def add_to(self, collection, vectors):
        new = [
            NewFace(embedding=vector, box=FaceBox(0, 0, 1, 1), confidence=90.0, image_id="i", crop=b"crop")
            for vector in vectors
        ]
        return self.gallery.faces.add("a", collection, new, contract="m")

    @rule(target=faces, seed=st.integers(0, 30), count=st.integers(1, 9))
    def add(self, seed, count):
        vectors = vectors_of(seed, count)
        stored = self.add_to("people", vectors)
        for face, vector in zip(stored, vectors, strict=True):
            self.reference.faces[face.face_id] = vector
        return multiple(*(face.face_id for face in stored))

    @rule(wanted=st.lists(faces, min_size=1, max_size=6))
    def delete(self, wanted):
        outcome = self.gallery.faces.delete("a", "people", wanted)
        distinct = list(dict.fromkeys(wanted))
        free = [face for face in distinct if face in self.reference.faces and face not in self.reference.owner]
        assert list(outcome.deleted) == free
        reasons = {refusal.face_id: refusal.reasons for refusal in outcome.refused}
        for face in distinct:
            if face not in self.reference.faces:
                assert reasons[face] == (Reason.FACE_NOT_FOUND,)
            elif face in self.reference.owner:
                assert reasons[face] == (Reason.ASSOCIATED_TO_AN_EXISTING_USER,)
        for face in free:
            del self.reference.faces[face]

    @rule(target=users, name=st.integers(0, 3))
    def create_user(self, name):
        user = f"user-{name}"
        if user not in self.reference.users:
            self.gallery.users.create("a", "people", user)
            self.reference.users[user] = []
        return user

    @rule(user=users)
    def delete_user(self, user):
        if self.reference.users.pop(user, None) is not None:
            self.gallery.users.delete("a", "people", user)
        self.reference.owner = {
            face: owner for face, owner in self.reference.owner.items() if owner != user
        }

    @rule(user=users, wanted=st.lists(faces, min_size=1, max_size=4))
    def associate(self, user, wanted):
        if user not in self.reference.users:
            return
        outcome = self.gallery.users.associate("a", "people", user, wanted, min_score=-1)
        expected = []
        for face in dict.fromkeys(wanted):
            own = sum(owner == user for owner in self.reference.owner.values())
            free = face in self.reference.faces and face not in self.reference.owner
            if free and own < MOST_OF_A_USER:
                self.reference.owner[face] = user
                expected.append(face)
        assert list(outcome.associated) == expected
        owns = user in self.reference.owner.values()
        assert outcome.status == (UserStatus.ACTIVE if owns else UserStatus.CREATED)

    @rule(user=users, wanted=st.lists(faces, min_size=1, max_size=4))
    def disassociate(self, user, wanted):
        if user not in self.reference.users:
            return
        outcome = self.gallery.users.disassociate("a", "people", user, wanted)
        own = [face for face in dict.fromkeys(wanted) if self.reference.owner.get(face) == user]
        assert list(outcome.disassociated) == own
        for face in own:
            del self.reference.owner[face]

    @rule()
    def reopen(self):
        self.gallery.close()
        self.gallery = self.open()

    @rule(
        seed=st.integers(0, 30),
        k=st.sampled_from([1, 2, 5, 100]),
        least=st.sampled_from([-1.0, 0.0, 0.5, 0.9]),
    )
    def search(self, seed, k, least):
        probe = vectors_of(seed, 1)
        (found,) = self.gallery.search.faces("a", "people", probe, contract="m", k=k, min_score=least)
        expected = self.reference.like(self.reference.faces, probe[0], least)
        agree([(match.face.face_id, match.score) for match in found], expected, k, least)
        for match in found:
            assert match.face.user_id == self.reference.owner.get(match.face.face_id)

        people = {user: self.reference.user_vector(user) for user in self.reference.users}
        known = {user: vector for user, vector in people.items() if vector is not None}
        (matches,) = self.gallery.search.users("a", "people", probe, contract="m", k=k, min_score=least)
        agree(
            [(match.user.user_id, match.score) for match in matches],
            self.reference.like(known, probe[0], least),
            k,
            least,
        )

    @rule(face=faces, k=st.sampled_from([1, 3, 50]))
    def search_like_face(self, face, k):
        if face not in self.reference.faces:
            return
        found = self.gallery.search.faces_like_face("a", "people", face, k=k, min_score=-1)
        expected = self.reference.like(self.reference.faces, self.reference.faces[face], -1)
        del expected[face]
        agree([(match.face.face_id, match.score) for match in found], expected, k, -1)

    @invariant()
    def counts(self):
        if not hasattr(self, "gallery"):
            return
        found = self.gallery.collections.describe("a", "people")
        assert (found.faces, found.users) == (len(self.reference.faces), len(self.reference.users))
        assert self.gallery.collections.describe("a", "others").faces == 9
        listed, token = [], None
        while True:
            page = self.gallery.faces.list("a", "people", limit=7, token=token)
            listed += [face.face_id for face in page.items]
            token = page.token
            if token is None:
                break
        assert listed == list(self.reference.faces)

    def teardown(self):
        if hasattr(self, "gallery"):
            self.gallery.close()
            shutil.rmtree(self.root)


TestGallery = GalleryMachine.TestCase
TestGallery.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
