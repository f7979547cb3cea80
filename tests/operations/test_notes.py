"""What each operation notes for the log: the collection, counts, what was stored, enrolled and erased."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from tests.operations.inprocess import ACCOUNT, REGION, InProcess

from candid.operations.notes import Notes
from candid.operations.registry import Caller, offered

NOBODY = "00000000-0000-4000-8000-000000000000"


@dataclass
class Desk:
    """Calls operations in the real rooms and keeps what they note."""

    inside: InProcess
    name: str = field(default_factory=lambda: f"notes-{uuid.uuid4()}")

    def call(self, operation: str, **request: Any) -> tuple[Notes, dict[str, Any]]:
        notes = Notes()
        reply = offered()[operation].function(Caller(ACCOUNT, REGION, notes), request, self.inside.rooms)
        return notes, reply

    def of(self, operation: str, **request: Any) -> Notes:
        """The notes of a call on this desk's collection."""
        return self.call(operation, CollectionId=self.name, **request)[0]

    def enrol(self, count: int) -> list[str]:
        size = self.inside.rooms.models.default.dim
        return self.inside.enrol(self.name, np.eye(count, size, dtype=np.float32) + 1)

    @property
    def arn(self) -> str:
        return f"arn:aws:rekognition:{REGION}:{ACCOUNT}:collection/{self.name}"


@pytest.fixture
def desk(inside: InProcess) -> Iterator[Desk]:
    made = Desk(inside)
    inside.client.create_collection(CollectionId=made.name)
    yield made
    if made.name in inside.client.list_collections()["CollectionIds"]:
        inside.client.delete_collection(CollectionId=made.name)


def noted(notes: Notes) -> dict[str, Any]:
    """What was noted, without what was not; ids as how many there are."""
    found = {
        "counts": dict(notes.counts),
        "stored": {name: change for name, change in notes.stored.items() if change},
        "enrolled": len(notes.enrolled),
        "erased": len(notes.erased),
    }
    return {name: value for name, value in found.items() if value}


def picture(data: bytes) -> dict[str, Any]:
    return {"Bytes": data}


@dataclass(frozen=True)
class Given:
    """What a case may name: a collection with two faces, a user with the first of them, and photographs."""

    desk: Desk
    faces: list[str]
    group: bytes
    empty: bytes


@pytest.fixture
def given(desk: Desk, group: bytes, coffee: bytes) -> Given:
    faces = desk.enrol(2)
    desk.of("CreateUser", UserId="u")
    desk.of("AssociateFaces", UserId="u", FaceIds=faces[:1], UserMatchThreshold=0)
    return Given(desk, faces, group, coffee)


Case = tuple[str, Callable[[Given], dict[str, Any]], dict[str, Any]]
IN_COLLECTION: list[Case] = [
    ("DescribeCollection", lambda g: {}, {}),
    ("DeleteCollection", lambda g: {}, {"counts": {"faces": 2, "users": 1}, "stored": {"faces": -2, "users": -1}}),
    ("ListFaces", lambda g: {}, {"counts": {"listed": 2}}),
    ("ListFaces", lambda g: {"MaxResults": 1}, {"counts": {"listed": 1}}),
    ("ListFaces", lambda g: {"UserId": "u"}, {"counts": {"listed": 1}}),
    ("DeleteFaces", lambda g: {"FaceIds": [g.faces[1]]}, {"stored": {"faces": -1}, "erased": 1}),
    ("DeleteFaces", lambda g: {"FaceIds": [g.faces[1], NOBODY]}, {"stored": {"faces": -1}, "erased": 1}),
    ("DeleteFaces", lambda g: {"FaceIds": [g.faces[1]] * 2}, {"stored": {"faces": -1}, "erased": 1}),
    ("DeleteFaces", lambda g: {"FaceIds": [NOBODY]}, {}),
    ("DeleteFaces", lambda g: {"FaceIds": g.faces[:1]}, {}),  # a user's stays
    ("CreateUser", lambda g: {"UserId": "v"}, {"stored": {"users": 1}}),
    ("DeleteUser", lambda g: {"UserId": "u"}, {"stored": {"users": -1}}),
    ("ListUsers", lambda g: {}, {}),
    (
        "AssociateFaces",
        lambda g: {"UserId": "u", "FaceIds": [g.faces[1], NOBODY], "UserMatchThreshold": 0.0},
        {"counts": {"associated": 1}},
    ),
    ("DisassociateFaces", lambda g: {"UserId": "u", "FaceIds": [*g.faces, NOBODY]}, {"counts": {"disassociated": 1}}),
    ("SearchFaces", lambda g: {"FaceId": g.faces[0], "FaceMatchThreshold": 0.0}, {"counts": {"matches": 1}}),
    ("SearchFaces", lambda g: {"FaceId": g.faces[0], "FaceMatchThreshold": 100.0}, {"counts": {"matches": 0}}),
    ("SearchUsers", lambda g: {"FaceId": g.faces[1], "UserMatchThreshold": 0.0}, {"counts": {"matches": 1}}),
    ("SearchUsers", lambda g: {"UserId": "u", "UserMatchThreshold": 0.0}, {"counts": {"matches": 0}}),
    (
        "SearchFacesByImage",
        lambda g: {"Image": picture(g.group), "FaceMatchThreshold": 0.0},
        {"counts": {"matches": 2}},
    ),
    (
        "SearchUsersByImage",
        lambda g: {"Image": picture(g.group), "UserMatchThreshold": 0.0},
        {"counts": {"matches": 1}},
    ),
    ("SearchUsersByImage", lambda g: {"Image": picture(g.empty)}, {"counts": {"matches": 0}}),
    (
        "IndexFaces",
        lambda g: {"Image": picture(g.group)},
        {"counts": {"found": 4, "unindexed": 0}, "stored": {"faces": 4}, "enrolled": 4},
    ),
    (
        "IndexFaces",
        lambda g: {"Image": picture(g.group), "MaxFaces": 1},
        {"counts": {"found": 4, "unindexed": 3}, "stored": {"faces": 1}, "enrolled": 1},
    ),
    ("IndexFaces", lambda g: {"Image": picture(g.empty)}, {"counts": {"found": 0, "unindexed": 0}}),
]
WITHOUT_COLLECTION: list[Case] = [
    ("DetectFaces", lambda g: {"Image": picture(g.group)}, {"counts": {"found": 4}}),
    ("DetectFaces", lambda g: {"Image": picture(g.empty)}, {"counts": {"found": 0}}),
    (
        "CompareFaces",
        lambda g: {"SourceImage": picture(g.group), "TargetImage": picture(g.group)},
        {"counts": {"compared": 4, "matches": 1}},
    ),
    ("ListCollections", lambda g: {}, {}),
]
OF_AN_ARN: list[Case] = [
    ("TagResource", lambda g: {"Tags": {"a": "1"}}, {}),
    ("UntagResource", lambda g: {"TagKeys": ["a"]}, {}),
    ("ListTagsForResource", lambda g: {}, {}),
]


def names(case: object) -> str | None:
    return case if isinstance(case, str) else None


@pytest.mark.parametrize(("operation", "request_", "expected"), IN_COLLECTION, ids=names)
def test_what_is_noted_of_a_collections_call(given: Given, operation: str, request_: Any, expected: Any) -> None:
    notes = given.desk.of(operation, **request_(given))
    assert (notes.collection, noted(notes)) == (given.desk.name, expected)


@pytest.mark.parametrize(("operation", "request_", "expected"), WITHOUT_COLLECTION, ids=names)
def test_what_is_noted_without_a_collection(given: Given, operation: str, request_: Any, expected: Any) -> None:
    notes, _ = given.desk.call(operation, **request_(given))
    assert (notes.collection, noted(notes)) == (None, expected)


@pytest.mark.parametrize(("operation", "request_", "expected"), OF_AN_ARN, ids=names)
def test_what_is_noted_of_a_call_with_an_arn(given: Given, operation: str, request_: Any, expected: Any) -> None:
    notes, _ = given.desk.call(operation, ResourceArn=given.desk.arn, **request_(given))
    assert (notes.collection, noted(notes)) == (given.desk.name, expected)


def test_a_new_collection_is_noted(desk: Desk) -> None:
    other = Desk(desk.inside)
    notes = other.of("CreateCollection", Tags={"a": "b"})
    assert (notes.collection, noted(notes)) == (other.name, {})
    other.of("DeleteCollection")


def test_every_operation_stands_in_a_table() -> None:
    cases = {operation for operation, _, _ in (*IN_COLLECTION, *WITHOUT_COLLECTION, *OF_AN_ARN)}
    assert cases | {"CreateCollection"} == set(offered())


def test_the_faces_of_the_reply_are_those_that_are_noted(desk: Desk, group: bytes) -> None:
    notes, reply = desk.call("IndexFaces", CollectionId=desk.name, Image=picture(group))
    assert list(notes.enrolled) == [record["Face"]["FaceId"] for record in reply["FaceRecords"]]
    notes, reply = desk.call("DeleteFaces", CollectionId=desk.name, FaceIds=[*notes.enrolled, NOBODY])
    assert list(notes.erased) == reply["DeletedFaces"]


@pytest.mark.parametrize(("external", "again"), [("a", 0), (None, 4)])
def test_the_same_image_under_one_name_is_enrolled_once(
    desk: Desk, group: bytes, external: str | None, again: int
) -> None:
    request = {"Image": picture(group)} | ({} if external is None else {"ExternalImageId": external})
    first, second = desk.of("IndexFaces", **request), desk.of("IndexFaces", **request)
    assert (len(first.enrolled), first.stored["faces"]) == (4, 4)
    assert (len(second.enrolled), second.stored["faces"]) == (again, again)
    assert first.counts == second.counts
    assert len(set(first.enrolled + second.enrolled)) == 4 + again


@pytest.mark.parametrize("operation", ["CreateUser", "DeleteUser"])
def test_a_call_that_is_repeated_under_its_token_changes_nothing_again(desk: Desk, operation: str) -> None:
    if operation == "DeleteUser":
        desk.of("CreateUser", UserId="u")
    request = {"UserId": "u", "ClientRequestToken": f"token-{operation}"}
    first, second = desk.of(operation, **request), desk.of(operation, **request)
    assert abs(first.stored["users"]) == 1
    assert second.stored["users"] == 0
    assert second.collection == desk.name


def test_what_is_stored_is_the_sum_of_what_was_noted(desk: Desk, group: bytes) -> None:
    total: Counter[str] = Counter()

    def call(operation: str, **request: Any) -> Notes:
        notes = desk.of(operation, **request)
        for name, change in notes.stored.items():
            total[name] += change
        held = desk.inside.rooms.gallery.collections.describe(ACCOUNT, desk.name)
        assert (total["faces"], total["users"]) == (held.faces, held.users)
        return notes

    faces = call("IndexFaces", Image=picture(group), ExternalImageId="x").enrolled
    call("IndexFaces", Image=picture(group), ExternalImageId="x")
    call("CreateUser", UserId="u", ClientRequestToken="t")
    call("CreateUser", UserId="u", ClientRequestToken="t")
    call("CreateUser", UserId="v")
    call("AssociateFaces", UserId="u", FaceIds=faces[:1])
    call("DeleteFaces", FaceIds=list(faces[:2]))
    call("DeleteUser", UserId="u")
    call("DeleteFaces", FaceIds=list(faces[:2]))
    gone = desk.of("DeleteCollection").stored
    assert total + gone == Counter()
    assert (total["faces"] + gone["faces"], total["users"] + gone["users"]) == (0, 0)


def test_a_call_that_fails_before_it_stores_anything_notes_nothing_stored(desk: Desk) -> None:
    notes = Notes()
    with pytest.raises(Exception, match="does not exist"):
        offered()["DeleteCollection"].function(
            Caller(ACCOUNT, REGION, notes), {"CollectionId": "none"}, desk.inside.rooms
        )
    assert noted(notes) == {}


def test_notes_add_up() -> None:
    notes = Notes()
    notes.count(found=2)
    notes.count(found=1, matches=0)
    notes.enrol(["a", "b"])
    notes.enrol(iter(["c"]))
    notes.erase(["a"])
    assert notes.counts == {"found": 3, "matches": 0}
    assert (notes.enrolled, notes.erased, notes.stored["faces"]) == (("a", "b", "c"), ("a",), 2)
