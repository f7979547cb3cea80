"""Collections through an unmodified boto3 client."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest


def error_of(call: Any, **members: Any) -> str:
    """The name of the error that a call must end with."""
    with pytest.raises(Exception) as caught:
        call(**members)
    return caught.value.response["Error"]["Code"]


def test_create_describe_list_delete(rekognition: Any) -> None:
    name = f"Ab.c_d-{uuid.uuid4()}"
    created = rekognition.create_collection(CollectionId=name, Tags={"team": "blue"})
    arn = f"arn:aws:rekognition:us-east-1:000000000000:collection/{name}"
    assert created["StatusCode"] == 200
    assert created["CollectionArn"] == arn
    described = rekognition.describe_collection(CollectionId=name)
    assert described["CollectionARN"] == arn
    assert (described["FaceCount"], described["UserCount"]) == (0, 0)
    assert described["FaceModelVersion"] == created["FaceModelVersion"]
    assert abs(described["CreationTimestamp"].timestamp() - time.time()) < 60
    assert described["CreationTimestamp"] <= datetime.now(UTC)
    pages = rekognition.get_paginator("list_collections").paginate(PaginationConfig={"PageSize": 1})
    listed = [each for page in pages for each in page["CollectionIds"]]
    assert listed.count(name) == 1
    assert rekognition.delete_collection(CollectionId=name)["StatusCode"] == 200
    assert error_of(rekognition.describe_collection, CollectionId=name) == "ResourceNotFoundException"


def test_a_name_is_taken_once(rekognition: Any, collection: str) -> None:
    with pytest.raises(rekognition.exceptions.ResourceAlreadyExistsException) as caught:
        rekognition.create_collection(CollectionId=collection)
    assert caught.value.response["Error"]["Message"] == f"The collection id: {collection} already exists"


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("describe_collection", {}),
        ("delete_collection", {}),
        ("list_faces", {}),
        ("list_users", {}),
        ("delete_faces", {"FaceIds": ["00000000-0000-4000-8000-000000000000"]}),
        ("search_faces", {"FaceId": "00000000-0000-4000-8000-000000000000"}),
        ("search_users", {"UserId": "nobody"}),
        ("create_user", {"UserId": "somebody"}),
        ("delete_user", {"UserId": "somebody"}),
        ("associate_faces", {"UserId": "u", "FaceIds": ["00000000-0000-4000-8000-000000000000"]}),
        ("disassociate_faces", {"UserId": "u", "FaceIds": ["00000000-0000-4000-8000-000000000000"]}),
    ],
)
def test_a_collection_that_is_not_there(rekognition: Any, operation: str, members: dict[str, Any]) -> None:
    call = getattr(rekognition, operation)
    assert error_of(call, CollectionId="not-there", **members) == "ResourceNotFoundException"


def test_page_tokens_are_checked(rekognition: Any) -> None:
    with pytest.raises(Exception, match="Invalid Pagination Token") as caught:
        rekognition.list_collections(NextToken="bm90IGEgdG9rZW4")
    assert caught.value.response["Error"]["Code"] == "InvalidPaginationTokenException"


def test_tags(rekognition: Any, collection: str) -> None:
    arn = rekognition.describe_collection(CollectionId=collection)["CollectionARN"]
    assert rekognition.list_tags_for_resource(ResourceArn=arn)["Tags"] == {}
    rekognition.tag_resource(ResourceArn=arn, Tags={"a": "1", "b": ""})
    rekognition.tag_resource(ResourceArn=arn, Tags={"a": "2"})
    assert rekognition.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"a": "2", "b": ""}
    rekognition.untag_resource(ResourceArn=arn, TagKeys=["b", "not there"])
    assert rekognition.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"a": "2"}
    rekognition.tag_resource(ResourceArn=arn, Tags={f"k{i}": "v" for i in range(199)})
    assert error_of(rekognition.tag_resource, ResourceArn=arn, Tags={"one": "more"}) in {
        "ServiceQuotaExceededException",
        "LimitExceededException",
    }


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:rekognition:us-east-1:000000000000:collection/not-there",
        "arn:aws:rekognition:us-east-1:111111111111:collection/another-account",
        "arn:aws:rekognition:eu-west-1:000000000000:collection/another-region",
        "arn:aws:s3:::a-bucket-is-no-collection",
        "this is no resource name at all",
    ],
)
def test_tags_of_nothing(rekognition: Any, arn: str) -> None:
    assert error_of(rekognition.list_tags_for_resource, ResourceArn=arn) == "ResourceNotFoundException"
