"""Calls at the same time to a real server: what was answered is seen, and only one of two can win."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

Call = Callable[[], Any]
ROUNDS = 5


def outcome(call: Call) -> Any:
    """What a call came to: its reply without metadata, or the name of its error."""
    try:
        reply = call()
    except ClientError as error:
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 400
        return error.response["Error"]["Code"]
    return {key: value for key, value in reply.items() if key != "ResponseMetadata"}


def at_once(calls: Sequence[Call]) -> list[Any]:
    """The outcomes of calls that are let loose together."""
    barrier = threading.Barrier(len(calls))

    def run(call: Call) -> Any:
        barrier.wait()
        return outcome(call)

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


@pytest.fixture
def face(index: Callable[..., str], astronaut: bytes) -> str:
    return index(astronaut)


def test_what_is_enrolled_is_found_by_every_later_search(
    rekognition: Any, collection: str, index: Callable[..., str], astronaut: bytes
) -> None:
    answered: list[str] = []
    done = threading.Event()

    def enrol() -> None:
        try:
            for _ in range(12):
                answered.append(index(astronaut))
        finally:
            done.set()

    def search() -> int:
        searches = 0
        while not done.is_set() or searches < 3:
            before = list(answered)
            reply = rekognition.search_faces_by_image(CollectionId=collection, Image={"Bytes": astronaut})
            found = [match["Face"]["FaceId"] for match in reply["FaceMatches"]]
            assert set(before) <= set(found)
            assert len(set(found)) == len(found)
            searches += 1
        return searches

    with ThreadPoolExecutor(3) as pool:
        enrolling, *searching = pool.submit(enrol), pool.submit(search), pool.submit(search)
        enrolling.result()
        assert all(each.result() >= 3 for each in searching)
    assert rekognition.describe_collection(CollectionId=collection)["FaceCount"] == 12


def test_what_is_deleted_is_found_by_no_later_search(
    rekognition: Any, collection: str, index: Callable[..., str], astronaut: bytes
) -> None:
    probe, *others = [index(astronaut) for _ in range(11)]
    gone: list[str] = []
    done = threading.Event()

    def delete() -> None:
        try:
            for face_id in others:
                rekognition.delete_faces(CollectionId=collection, FaceIds=[face_id])
                gone.append(face_id)
        finally:
            done.set()

    def search() -> None:
        searches = 0
        while not done.is_set() or searches < 3:
            before = list(gone)
            reply = rekognition.search_faces(CollectionId=collection, FaceId=probe)
            assert not {match["Face"]["FaceId"] for match in reply["FaceMatches"]} & set(before)
            listed = rekognition.list_faces(CollectionId=collection, FaceIds=others)["Faces"]
            assert not {face["FaceId"] for face in listed} & set(before)
            searches += 1

    with ThreadPoolExecutor(3) as pool:
        for each in [pool.submit(delete), pool.submit(search), pool.submit(search)]:
            each.result()
    assert rekognition.search_faces(CollectionId=collection, FaceId=probe)["FaceMatches"] == []


def test_a_collection_is_made_and_deleted_once_at_a_time(rekognition: Any, astronaut: bytes) -> None:
    name = f"contested-{uuid.uuid4()}"
    calls: list[Call] = [
        lambda: rekognition.create_collection(CollectionId=name),
        lambda: rekognition.delete_collection(CollectionId=name),
        lambda: rekognition.index_faces(CollectionId=name, Image={"Bytes": astronaut}),
        lambda: rekognition.search_faces_by_image(CollectionId=name, Image={"Bytes": astronaut}),
    ]
    seen: Counter[tuple[int, Any]] = Counter()
    for _ in range(ROUNDS):
        for i, result in enumerate(at_once(calls * 2)):
            seen[i % len(calls), result if isinstance(result, str) else "done"] += 1
    names = {name for _, name in seen}
    assert names <= {"done", "ResourceAlreadyExistsException", "ResourceNotFoundException"}
    there = name in rekognition.list_collections(MaxResults=4096)["CollectionIds"]
    assert seen[0, "done"] - seen[1, "done"] == int(there)
    if there:
        rekognition.delete_collection(CollectionId=name)


def test_one_of_two_users_gets_the_face(rekognition: Any, collection: str, face: str) -> None:
    users = [f"u{i}" for i in range(4)]
    for user in users:
        rekognition.create_user(CollectionId=collection, UserId=user)
    for _ in range(ROUNDS):
        results = at_once(
            [
                lambda user=user: rekognition.associate_faces(  # type: ignore[misc]
                    CollectionId=collection, UserId=user, FaceIds=[face]
                )
                for user in users
            ]
        )
        winners = [
            user for user, result in zip(users, results, strict=True) if result["AssociatedFaces"]
        ]
        (winner,) = winners
        for user, result in zip(users, results, strict=True):
            if user != winner:
                assert result["UnsuccessfulFaceAssociations"] == [
                    {"FaceId": face, "UserId": winner, "Reasons": ["ASSOCIATED_TO_A_DIFFERENT_USER"]}
                ]
                assert result["UserStatus"] == "CREATED"
        rekognition.disassociate_faces(CollectionId=collection, UserId=winner, FaceIds=[face])


def test_a_request_token_does_its_work_once(rekognition: Any, collection: str, face: str) -> None:
    user = {"CollectionId": collection, "UserId": "u"}
    token = {"ClientRequestToken": f"t-{uuid.uuid4()}"}
    assert at_once([lambda: rekognition.create_user(**user, **token)] * 8) == [{}] * 8
    results = at_once([lambda: rekognition.associate_faces(**user, **token, FaceIds=[face])] * 8)
    done = {"AssociatedFaces": [{"FaceId": face}], "UnsuccessfulFaceAssociations": [], "UserStatus": "ACTIVE"}
    assert results == [done] * 8
    # Without a token of the caller's own, boto3 makes one for each call: they are different requests.
    later = at_once([lambda: rekognition.associate_faces(**user, FaceIds=[face])] * 4)
    assert [result["AssociatedFaces"] for result in later] == [[]] * 4


def test_a_request_token_belongs_to_the_first_of_two_requests(rekognition: Any, collection: str) -> None:
    token = {"ClientRequestToken": f"t-{uuid.uuid4()}"}
    results = at_once(
        [
            lambda i=i: rekognition.create_user(  # type: ignore[misc]
                CollectionId=collection, UserId=f"u{i}", **token
            )
            for i in range(6)
        ]
    )
    assert Counter(map(str, results)) == {"{}": 1, "IdempotentParameterMismatchException": 5}
    assert len(rekognition.list_users(CollectionId=collection)["Users"]) == 1


def test_a_user_is_created_and_deleted_once(rekognition: Any, collection: str) -> None:
    user = {"CollectionId": collection, "UserId": "u"}
    for _ in range(ROUNDS):
        created = at_once([lambda: rekognition.create_user(**user)] * 4)
        assert Counter(map(str, created)) == {"{}": 1, "ConflictException": 3}
        deleted = at_once([lambda: rekognition.delete_user(**user)] * 4)
        assert Counter(map(str, deleted)) == {"{}": 1, "ResourceNotFoundException": 3}


def test_a_page_token_outlives_what_it_stood_on(
    rekognition: Any, collection: str, index: Callable[..., str], astronaut: bytes
) -> None:
    faces = [index(astronaut) for _ in range(5)]
    first = rekognition.list_faces(CollectionId=collection, MaxResults=2)
    rekognition.delete_faces(CollectionId=collection, FaceIds=faces[:3])
    added = index(astronaut)
    rest = rekognition.list_faces(CollectionId=collection, NextToken=first["NextToken"])
    assert [each["FaceId"] for each in rest["Faces"]] == [*faces[3:], added]
