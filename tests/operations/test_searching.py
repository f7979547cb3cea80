"""Enrolling and searching real photographs through an unmodified boto3 client."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageFilter
from tests.conftest import jpeg

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def test_an_enrolled_face_is_found_at_once(
    rekognition: Any, collection: str, astronaut: bytes, group: bytes, altered: Callable[[bytes], bytes]
) -> None:
    reply = rekognition.index_faces(
        CollectionId=collection,
        Image={"Bytes": astronaut},
        ExternalImageId="a:1",
        DetectionAttributes=["ALL"],
    )
    (record,) = reply["FaceRecords"]
    face = record["Face"]
    assert UUID.fullmatch(face["FaceId"])
    assert UUID.fullmatch(face["ImageId"])
    assert face["ExternalImageId"] == "a:1"
    assert face["IndexFacesModelVersion"] == reply["FaceModelVersion"]
    assert face["BoundingBox"] == pytest.approx(record["FaceDetail"]["BoundingBox"], abs=1e-6)
    assert len(record["FaceDetail"]["Landmarks"]) == 30

    found = rekognition.search_faces_by_image(CollectionId=collection, Image={"Bytes": altered(astronaut)})
    (match,) = found["FaceMatches"]
    assert match["Face"]["FaceId"] == face["FaceId"]
    assert match["Similarity"] > 99
    assert found["SearchedFaceConfidence"] > 90
    assert found["FaceModelVersion"] == reply["FaceModelVersion"]

    rekognition.index_faces(CollectionId=collection, Image={"Bytes": group}, ExternalImageId="group")
    again = rekognition.search_faces_by_image(CollectionId=collection, Image={"Bytes": altered(astronaut)})
    assert [m["Face"]["FaceId"] for m in again["FaceMatches"]] == [face["FaceId"]]

    rekognition.delete_faces(CollectionId=collection, FaceIds=[face["FaceId"]])
    gone = rekognition.search_faces_by_image(CollectionId=collection, Image={"Bytes": astronaut})
    assert gone["FaceMatches"] == []


def test_max_faces_reports_the_rest(rekognition: Any, collection: str, group: bytes) -> None:
    everyone = rekognition.detect_faces(Image={"Bytes": group})["FaceDetails"]
    reply = rekognition.index_faces(
        CollectionId=collection, Image={"Bytes": group}, MaxFaces=1, QualityFilter="NONE"
    )
    assert len(reply["FaceRecords"]) == 1
    assert len(reply["UnindexedFaces"]) == len(everyone) - 1 >= 2
    assert {tuple(each["Reasons"]) for each in reply["UnindexedFaces"]} == {("EXCEEDS_MAX_FACES",)}
    assert rekognition.describe_collection(CollectionId=collection)["FaceCount"] == 1


def test_search_by_face_leaves_the_probe_out(
    rekognition: Any,
    collection: str,
    index: Callable[..., str],
    astronaut: bytes,
    altered: Callable[[bytes], bytes],
) -> None:
    one, other = index(astronaut), index(altered(astronaut))
    found = rekognition.search_faces(CollectionId=collection, FaceId=one)
    assert found["SearchedFaceId"] == one
    assert [match["Face"]["FaceId"] for match in found["FaceMatches"]] == [other]


def test_list_faces_in_pages(
    rekognition: Any, collection: str, index: Callable[..., str], astronaut: bytes
) -> None:
    ids = [index(astronaut, ExternalImageId=f"n{i}") for i in range(5)]
    pages = list(
        rekognition.get_paginator("list_faces").paginate(
            CollectionId=collection, PaginationConfig={"PageSize": 2}
        )
    )
    assert [len(page["Faces"]) for page in pages] == [2, 2, 1]
    assert [face["FaceId"] for page in pages for face in page["Faces"]] == ids
    chosen = rekognition.list_faces(CollectionId=collection, FaceIds=[ids[3], str(uuid.uuid4())])
    assert [face["FaceId"] for face in chosen["Faces"]] == [ids[3]]


def test_a_picture_without_a_face(rekognition: Any, collection: str, coffee: bytes) -> None:
    assert rekognition.detect_faces(Image={"Bytes": coffee})["FaceDetails"] == []
    indexed = rekognition.index_faces(CollectionId=collection, Image={"Bytes": coffee})
    assert (indexed["FaceRecords"], indexed["UnindexedFaces"]) == ([], [])
    for call in (
        lambda: rekognition.search_faces_by_image(CollectionId=collection, Image={"Bytes": coffee}),
        lambda: rekognition.compare_faces(SourceImage={"Bytes": coffee}, TargetImage={"Bytes": coffee}),
    ):
        with pytest.raises(rekognition.exceptions.InvalidParameterException) as caught:
            call()
        text = "There are no faces in the image. Should be at least 1."
        assert caught.value.response["Error"]["Message"] == text
    # The reference page of this operation says so: no error, no SearchedFace.
    users = rekognition.search_users_by_image(CollectionId=collection, Image={"Bytes": coffee})
    assert (users["UserMatches"], users["UnsearchedFaces"]) == ([], [])
    assert "SearchedFace" not in users


def test_the_faces_of_an_image_that_are_not_searched(
    rekognition: Any, collection: str, group: bytes, astronaut: bytes
) -> None:
    picture = Image.open(BytesIO(astronaut)).convert("RGB")
    blurred = jpeg(picture.filter(ImageFilter.GaussianBlur(5)))
    searched = rekognition.search_users_by_image(CollectionId=collection, Image={"Bytes": group})
    assert len(searched["UnsearchedFaces"]) == 3
    assert {tuple(each["Reasons"]) for each in searched["UnsearchedFaces"]} == {("FACE_NOT_LARGEST",)}
    areas = [
        each["BoundingBox"]["Width"] * each["BoundingBox"]["Height"]
        for each in (
            searched["SearchedFace"]["FaceDetail"],
            *(each["FaceDetails"] for each in searched["UnsearchedFaces"]),
        )
    ]
    assert areas == sorted(areas, reverse=True)
    poor = rekognition.search_users_by_image(
        CollectionId=collection, Image={"Bytes": blurred}, QualityFilter="HIGH"
    )
    assert "SearchedFace" not in poor
    assert [each["Reasons"] for each in poor["UnsearchedFaces"]] != []
    assert all("FACE_NOT_LARGEST" not in each["Reasons"] for each in poor["UnsearchedFaces"])
    for call, members in (
        (rekognition.search_faces_by_image, {"CollectionId": collection, "Image": {"Bytes": blurred}}),
        (rekognition.compare_faces, {"SourceImage": {"Bytes": blurred}, "TargetImage": {"Bytes": group}}),
    ):
        with pytest.raises(rekognition.exceptions.InvalidParameterException, match="no faces in the image"):
            call(**members, QualityFilter="HIGH")


def test_one_pair_has_one_similarity(
    rekognition: Any, collection: str, index: Callable[..., str], samples: dict[str, Path]
) -> None:
    photographs = [path.read_bytes() for _, path in sorted(samples.items())]
    faces = [index(photograph) for photograph in photographs]
    for i, photograph in enumerate(photographs[:2]):
        named: dict[str, Any] = {"CollectionId": collection, "FaceMatchThreshold": 0}
        image = {"Bytes": photograph}
        by_image = rekognition.search_faces_by_image(Image=image, **named)["FaceMatches"]
        by_face = rekognition.search_faces(FaceId=faces[i], **named)["FaceMatches"]
        assert by_image[0]["Face"]["FaceId"] == faces[i]
        assert by_image[0]["Similarity"] == 100
        told = {match["Face"]["FaceId"]: match["Similarity"] for match in by_face}
        assert {match["Face"]["FaceId"]: match["Similarity"] for match in by_image[1:]} == pytest.approx(
            told, abs=1e-3
        )
        for other, target in zip(faces, photographs, strict=True):
            if other == faces[i]:
                continue
            compared = rekognition.compare_faces(
                SourceImage=image, TargetImage={"Bytes": target}, SimilarityThreshold=0
            )["FaceMatches"]
            # The enrolled face is the largest.
            boxes = [match["Face"]["BoundingBox"] for match in compared]
            largest = max(range(len(boxes)), key=lambda at: boxes[at]["Width"] * boxes[at]["Height"])
            assert compared[largest]["Similarity"] == pytest.approx(told[other], abs=1e-3)


def test_the_same_photograph_reaches_a_threshold_of_100(
    rekognition: Any, collection: str, index: Callable[..., str], astronaut: bytes
) -> None:
    face, image = index(astronaut), {"Bytes": astronaut}
    found = rekognition.search_faces_by_image(CollectionId=collection, Image=image, FaceMatchThreshold=100)
    assert [match["Face"]["FaceId"] for match in found["FaceMatches"]] == [face]
    compared = rekognition.compare_faces(SourceImage=image, TargetImage=image, SimilarityThreshold=100)
    assert [match["Similarity"] for match in compared["FaceMatches"]] == [100]


def test_users(
    rekognition: Any,
    collection: str,
    index: Callable[..., str],
    astronaut: bytes,
    group: bytes,
    altered: Callable[[bytes], bytes],
) -> None:
    mine, mine_too, other = index(astronaut), index(altered(astronaut)), index(group)
    rekognition.create_user(CollectionId=collection, UserId="u:1", ClientRequestToken="t1")
    rekognition.create_user(CollectionId=collection, UserId="u:1", ClientRequestToken="t1")
    with pytest.raises(rekognition.exceptions.ConflictException):
        rekognition.create_user(CollectionId=collection, UserId="u:1")
    with pytest.raises(rekognition.exceptions.IdempotentParameterMismatchException):
        rekognition.create_user(CollectionId=collection, UserId="u:2", ClientRequestToken="t1")
    assert rekognition.list_users(CollectionId=collection)["Users"] == [
        {"UserId": "u:1", "UserStatus": "CREATED"}
    ]

    missing = str(uuid.uuid4())
    reply = rekognition.associate_faces(
        CollectionId=collection, UserId="u:1", FaceIds=[mine, missing, other, mine_too]
    )
    assert reply["UserStatus"] == "ACTIVE"
    assert {each["FaceId"] for each in reply["AssociatedFaces"]} >= {mine, mine_too}
    refused = {each["FaceId"]: each["Reasons"] for each in reply["UnsuccessfulFaceAssociations"]}
    assert refused[missing] == ["FACE_NOT_FOUND"]
    assert refused[other] == ["LOW_MATCH_CONFIDENCE"]

    probe = {"Bytes": altered(astronaut)}
    by_image = rekognition.search_users_by_image(CollectionId=collection, Image=probe)
    assert [match["User"]["UserId"] for match in by_image["UserMatches"]] == ["u:1"]
    assert by_image["UserMatches"][0]["Similarity"] > 99
    by_face = rekognition.search_users(CollectionId=collection, FaceId=mine)
    assert [match["User"]["UserId"] for match in by_face["UserMatches"]] == ["u:1"]
    assert rekognition.search_users(CollectionId=collection, UserId="u:1")["UserMatches"] == []
    listed = rekognition.list_faces(CollectionId=collection, UserId="u:1")["Faces"]
    assert {face["FaceId"] for face in listed} == {mine, mine_too}
    assert {face["UserId"] for face in listed} == {"u:1"}

    deletion = rekognition.delete_faces(CollectionId=collection, FaceIds=[mine, other, missing])
    assert deletion["DeletedFaces"] == [other]
    reasons = {each["FaceId"]: each["Reasons"] for each in deletion["UnsuccessfulFaceDeletions"]}
    assert reasons == {mine: ["ASSOCIATED_TO_AN_EXISTING_USER"], missing: ["FACE_NOT_FOUND"]}

    freed = rekognition.disassociate_faces(CollectionId=collection, UserId="u:1", FaceIds=[mine])
    assert [each["FaceId"] for each in freed["DisassociatedFaces"]] == [mine]
    rekognition.delete_user(CollectionId=collection, UserId="u:1")
    with pytest.raises(rekognition.exceptions.ResourceNotFoundException):
        rekognition.delete_user(CollectionId=collection, UserId="u:1")
    assert rekognition.describe_collection(CollectionId=collection)["FaceCount"] == 2


def test_a_repeated_call_enrols_nobody_twice(rekognition: Any, collection: str, group: bytes) -> None:
    def enrol(**members: Any) -> list[str]:
        reply = rekognition.index_faces(
            CollectionId=collection, Image={"Bytes": group}, QualityFilter="NONE", **members
        )
        return [record["Face"]["FaceId"] for record in reply["FaceRecords"]]

    first = enrol(ExternalImageId="group", MaxFaces=2)
    again = enrol(ExternalImageId="group")
    assert again[:2] == first
    assert len(set(again)) == 4
    assert enrol(ExternalImageId="group") == again
    assert rekognition.describe_collection(CollectionId=collection)["FaceCount"] == 4
    assert not set(enrol(ExternalImageId="another")) & set(again)
    assert not set(enrol()) & set(enrol())
