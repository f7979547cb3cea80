"""Two customers of one server: neither sees, changes or learns of what is the other's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from botocore.exceptions import ClientError
from tests.operations.inprocess import ACCOUNT, OTHER_ACCOUNT, REGION, InProcess

NAME = "same-name"


def error_of(call: Any, **members: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**members)
    return str(caught.value.response["Error"]["Code"])


@dataclass(frozen=True)
class Both:
    """A collection of one name in both accounts; only the first has faces and a user."""

    mine: Any
    theirs: Any
    faces: list[str]


@pytest.fixture
def both(inside: InProcess) -> Iterator[Both]:
    for client in (inside.client, inside.other):
        client.create_collection(CollectionId=NAME)
    size = inside.rooms.models.default.dim
    faces = inside.enrol(NAME, np.eye(3, size, dtype=np.float32) + 1)
    inside.client.create_user(CollectionId=NAME, UserId="u", ClientRequestToken="t")
    inside.client.associate_faces(CollectionId=NAME, UserId="u", FaceIds=faces[:1], UserMatchThreshold=0)
    yield Both(inside.client, inside.other, faces)
    for client in (inside.client, inside.other):
        client.delete_collection(CollectionId=NAME)


def test_collections_of_one_name_are_two(both: Both) -> None:
    assert both.mine.describe_collection(CollectionId=NAME)["FaceCount"] == 3
    described = both.theirs.describe_collection(CollectionId=NAME)
    assert (described["FaceCount"], described["UserCount"]) == (0, 0)
    assert described["CollectionARN"].split(":")[4] == OTHER_ACCOUNT
    assert both.theirs.list_collections()["CollectionIds"] == [NAME]
    assert both.theirs.list_faces(CollectionId=NAME, FaceIds=both.faces)["Faces"] == []
    assert both.theirs.list_users(CollectionId=NAME)["Users"] == []


def test_ids_of_faces_and_users_are_worth_nothing_elsewhere(both: Both) -> None:
    theirs, face = both.theirs, both.faces[0]
    assert error_of(theirs.search_faces, CollectionId=NAME, FaceId=face) == "InvalidParameterException"
    assert error_of(theirs.search_users, CollectionId=NAME, FaceId=face) == "InvalidParameterException"
    assert error_of(theirs.search_users, CollectionId=NAME, UserId="u") == "ResourceNotFoundException"
    theirs.create_user(CollectionId=NAME, UserId="v")
    reply = theirs.associate_faces(CollectionId=NAME, UserId="v", FaceIds=both.faces)
    reasons = [(each["Reasons"], each.get("UserId")) for each in reply["UnsuccessfulFaceAssociations"]]
    assert reasons == [(["FACE_NOT_FOUND"], None)] * 3
    deletion = theirs.delete_faces(CollectionId=NAME, FaceIds=both.faces)
    assert deletion["DeletedFaces"] == []
    assert all(set(each) == {"FaceId", "Reasons"} for each in deletion["UnsuccessfulFaceDeletions"])
    assert both.mine.describe_collection(CollectionId=NAME)["FaceCount"] == 3


def test_tokens_are_worth_nothing_elsewhere(both: Both) -> None:
    page = both.mine.list_faces(CollectionId=NAME, MaxResults=1)["NextToken"]
    error = error_of(both.theirs.list_faces, CollectionId=NAME, NextToken=page)
    assert error == "InvalidPaginationTokenException"
    both.theirs.create_user(CollectionId=NAME, UserId="v", ClientRequestToken="t")
    assert [user["UserId"] for user in both.theirs.list_users(CollectionId=NAME)["Users"]] == ["v"]


def test_names_of_resources_are_worth_nothing_elsewhere(both: Both) -> None:
    arn = f"arn:aws:rekognition:{REGION}:{ACCOUNT}:collection/{NAME}"
    both.mine.tag_resource(ResourceArn=arn, Tags={"a": "1"})
    for call, members in (
        (both.theirs.list_tags_for_resource, {}),
        (both.theirs.tag_resource, {"Tags": {"a": "2"}}),
        (both.theirs.untag_resource, {"TagKeys": ["a"]}),
    ):
        assert error_of(call, ResourceArn=arn, **members) == "ResourceNotFoundException"
    assert both.mine.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"a": "1"}


def test_deleting_a_collection_leaves_its_namesake(both: Both) -> None:
    both.theirs.delete_collection(CollectionId=NAME)
    assert both.mine.describe_collection(CollectionId=NAME)["FaceCount"] == 3
    assert len(both.mine.search_faces(CollectionId=NAME, FaceId=both.faces[0])["FaceMatches"]) == 2
    both.theirs.create_collection(CollectionId=NAME)
