"""DetectFaces and CompareFaces on real photographs through an unmodified boto3 client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


def test_the_default_members(rekognition: Any, astronaut: bytes) -> None:
    (face,) = rekognition.detect_faces(Image={"Bytes": astronaut})["FaceDetails"]
    assert set(face) == {"BoundingBox", "Confidence", "Landmarks", "Pose", "Quality"}
    assert {mark["Type"] for mark in face["Landmarks"]} == {
        "eyeLeft",
        "eyeRight",
        "mouthLeft",
        "mouthRight",
        "nose",
    }
    # Where the face is in skimage's astronaut, 512 × 512, by eye.
    box = face["BoundingBox"]
    assert 0.30 < box["Left"] + box["Width"] / 2 < 0.55
    assert 0.12 < box["Top"] + box["Height"] / 2 < 0.34
    assert 0.10 < box["Width"] < 0.30
    assert face["Confidence"] > 90
    assert abs(face["Pose"]["Roll"]) < 20
    marks = {mark["Type"]: (mark["X"], mark["Y"]) for mark in face["Landmarks"]}
    assert marks["eyeLeft"][0] < marks["nose"][0] < marks["eyeRight"][0]
    assert marks["eyeLeft"][1] < marks["nose"][1] < marks["mouthLeft"][1]


def test_all_members_that_are_measured(rekognition: Any, astronaut: bytes) -> None:
    (face,) = rekognition.detect_faces(Image={"Bytes": astronaut}, Attributes=["ALL"])["FaceDetails"]
    assert len({mark["Type"] for mark in face["Landmarks"]}) == 30
    assert face["AgeRange"]["Low"] <= face["AgeRange"]["High"]
    assert face["Smile"]["Value"] is True
    assert face["Gender"]["Value"] == "Female"


@pytest.mark.parametrize("attribute", ["AGE_RANGE", "SMILE"])
def test_one_attribute(rekognition: Any, astronaut: bytes, attribute: str) -> None:
    member = {"AGE_RANGE": "AgeRange", "SMILE": "Smile"}[attribute]
    (face,) = rekognition.detect_faces(Image={"Bytes": astronaut}, Attributes=[attribute])["FaceDetails"]
    assert member in face
    assert set(face) == {"BoundingBox", "Confidence", "Landmarks", "Pose", "Quality", member}


def test_faces_come_largest_first(rekognition: Any, group: bytes) -> None:
    faces = rekognition.detect_faces(Image={"Bytes": group})["FaceDetails"]
    areas = [face["BoundingBox"]["Width"] * face["BoundingBox"]["Height"] for face in faces]
    assert len(areas) == 4
    assert areas == sorted(areas, reverse=True)


def test_compare_faces(
    rekognition: Any, astronaut: bytes, group: bytes, altered: Callable[[bytes], bytes]
) -> None:
    same = rekognition.compare_faces(
        SourceImage={"Bytes": astronaut}, TargetImage={"Bytes": altered(astronaut)}
    )
    assert same["FaceMatches"][0]["Similarity"] > 99
    assert same["UnmatchedFaces"] == []
    others = rekognition.compare_faces(SourceImage={"Bytes": astronaut}, TargetImage={"Bytes": group})
    assert others["FaceMatches"] == []
    assert len(others["UnmatchedFaces"]) == 4
    everyone = rekognition.compare_faces(
        SourceImage={"Bytes": astronaut}, TargetImage={"Bytes": group}, SimilarityThreshold=0
    )
    similarities = [match["Similarity"] for match in everyone["FaceMatches"]]
    assert len(similarities) == 4
    assert similarities == sorted(similarities, reverse=True)
    assert similarities[0] < 80


def test_orientation_is_applied(
    rekognition: Any, astronaut: bytes, turned: Callable[[bytes, int], bytes]
) -> None:
    upright = rekognition.detect_faces(Image={"Bytes": astronaut})["FaceDetails"][0]["BoundingBox"]
    for orientation in range(1, 9):
        (face,) = rekognition.detect_faces(Image={"Bytes": turned(astronaut, orientation)})["FaceDetails"]
        assert face["BoundingBox"] == pytest.approx(upright, abs=0.02)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"no image", "no JPEG and no PNG"),
        (b"GIF89a" + bytes(99), "no JPEG and no PNG"),
        (b"\xff\xd8\xff\xe0" + bytes(99), "JPEG"),
        (b"\x89PNG\r\n\x1a\n" + bytes(99), "PNG"),
    ],
)
def test_what_is_no_image_is_told_in_amazons_words_and_ours(rekognition: Any, data: bytes, why: str) -> None:
    with pytest.raises(rekognition.exceptions.InvalidImageFormatException) as caught:
        rekognition.detect_faces(Image={"Bytes": data})
    text = caught.value.response["Error"]["Message"]
    assert text.startswith("Request has invalid image format")
    assert why in text
