"""A photograph of more faces than an operation looks at."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
import skimage.data

ACROSS, DOWN = 11, 10


@pytest.fixture(scope="module")
def crowd() -> bytes:
    """The astronaut's face 110 times, the later ones a little smaller."""
    face = cv2.resize(skimage.data.astronaut()[:220, 120:320, ::-1], (150, 165))
    smaller = cv2.copyMakeBorder(cv2.resize(face, (136, 150)), 0, 15, 0, 14, cv2.BORDER_REPLICATE)
    rows = [np.hstack([face] * ACROSS)] * (DOWN - 1) + [np.hstack([face] + [smaller] * (ACROSS - 1))]
    return cv2.imencode(".jpg", np.vstack(rows))[1].tobytes()


def test_the_100_largest_faces_are_detected_and_enrolled(
    rekognition: Any, collection: str, crowd: bytes
) -> None:
    image = {"Bytes": crowd}
    detected = rekognition.detect_faces(Image=image)["FaceDetails"]
    assert len(detected) == 100
    reply = rekognition.index_faces(CollectionId=collection, Image=image, QualityFilter="NONE")
    assert [record["FaceDetail"]["BoundingBox"] for record in reply["FaceRecords"]] == [
        face["BoundingBox"] for face in detected
    ]
    assert [each["Reasons"] for each in reply["UnindexedFaces"]] == [["EXCEEDS_MAX_FACES"]] * 10
    # The ten smaller ones stand in the last row, after its first face.
    for each in reply["UnindexedFaces"]:
        box = each["FaceDetail"]["BoundingBox"]
        assert box["Top"] > 1 - 1 / DOWN
        assert box["Left"] + box["Width"] / 2 > 1 / ACROSS
    assert rekognition.describe_collection(CollectionId=collection)["FaceCount"] == 100


def test_the_source_is_compared_with_the_100_largest_faces(rekognition: Any, crowd: bytes) -> None:
    reply = rekognition.compare_faces(SourceImage={"Bytes": crowd}, TargetImage={"Bytes": crowd})
    assert len(reply["FaceMatches"]) + len(reply["UnmatchedFaces"]) == 100
