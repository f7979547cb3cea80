from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from candid.vision import DetectedFace, Landmark
from candid.vision.describe.landmarks import MESH_POINTS, landmarks_of

# From the reply that Amazon's developer guide prints for DetectFaces: a landmark's place, in distances of the eyes to
# the right of their middle, and in distances from eyes to mouth below it. The face there is turned by -11 and -5
# degrees, so the astronaut's can only be near.
# https://docs.aws.amazon.com/rekognition/latest/dg/faces-detect-images.html
PRINTED = {
    Landmark.UPPER_JAWLINE_LEFT: (-1.09, -0.02),
    Landmark.UPPER_JAWLINE_RIGHT: (1.16, -0.03),
    Landmark.MID_JAWLINE_LEFT: (-0.86, 1.05),
    Landmark.MID_JAWLINE_RIGHT: (0.94, 1.04),
    Landmark.CHIN_BOTTOM: (0.01, 1.67),
    Landmark.MOUTH_UP: (-0.01, 0.88),
    Landmark.MOUTH_DOWN: (0.00, 1.17),
    Landmark.NOSE: (-0.02, 0.55),
    Landmark.NOSE_LEFT: (-0.19, 0.66),
    Landmark.NOSE_RIGHT: (0.18, 0.64),
    Landmark.LEFT_EYE_BROW_LEFT: (-0.89, -0.23),
    Landmark.LEFT_EYE_BROW_UP: (-0.60, -0.34),
    Landmark.LEFT_EYE_BROW_RIGHT: (-0.31, -0.29),
    Landmark.RIGHT_EYE_BROW_LEFT: (0.28, -0.29),
    Landmark.RIGHT_EYE_BROW_UP: (0.59, -0.35),
    Landmark.RIGHT_EYE_BROW_RIGHT: (0.90, -0.24),
    Landmark.LEFT_EYE_LEFT: (-0.67, -0.01),
    Landmark.LEFT_EYE_RIGHT: (-0.30, 0.01),
    Landmark.LEFT_EYE_UP: (-0.50, -0.05),
    Landmark.LEFT_EYE_DOWN: (-0.50, 0.04),
}


def test_every_type_has_points() -> None:
    assert set(MESH_POINTS) == set(Landmark)
    assert len(MESH_POINTS) == 30
    assert all(0 <= point < 468 for points in MESH_POINTS.values() for point in points)


def test_left_is_left_for_the_viewer(face: DetectedFace) -> None:
    found = landmarks_of(face.mesh)
    for left, right in (
        (Landmark.EYE_LEFT, Landmark.EYE_RIGHT),
        (Landmark.MOUTH_LEFT, Landmark.MOUTH_RIGHT),
        (Landmark.NOSE_LEFT, Landmark.NOSE_RIGHT),
        (Landmark.LEFT_EYE_LEFT, Landmark.LEFT_EYE_RIGHT),
        (Landmark.RIGHT_EYE_LEFT, Landmark.RIGHT_EYE_RIGHT),
        (Landmark.LEFT_EYE_BROW_LEFT, Landmark.LEFT_EYE_BROW_RIGHT),
        (Landmark.LEFT_PUPIL, Landmark.RIGHT_PUPIL),
        (Landmark.UPPER_JAWLINE_LEFT, Landmark.UPPER_JAWLINE_RIGHT),
    ):
        assert found[left][0] < found[right][0], (left, right)


# Read off the enlarged picture.
SEEN = {
    Landmark.EYE_LEFT: (202, 101),
    Landmark.EYE_RIGHT: (246, 103),
    Landmark.LEFT_EYE_LEFT: (193, 101),
    Landmark.RIGHT_EYE_RIGHT: (258, 105),
    Landmark.MOUTH_LEFT: (203, 140),
    Landmark.MOUTH_RIGHT: (246, 140),
    Landmark.MOUTH_DOWN: (222, 153),
    Landmark.CHIN_BOTTOM: (225, 178),
    Landmark.LEFT_EYE_BROW_LEFT: (189, 90),
    Landmark.RIGHT_EYE_BROW_RIGHT: (260, 93),
}


@pytest.mark.parametrize("kind", SEEN, ids=str)
def test_they_lie_where_a_person_sees_them(face: DetectedFace, kind: Landmark) -> None:
    assert landmarks_of(face.mesh)[kind] == pytest.approx(SEEN[kind], abs=6)


@pytest.mark.parametrize("kind", PRINTED, ids=str)
def test_a_real_face_has_them_where_amazons_example_has(face: DetectedFace, kind: Landmark) -> None:
    found = {name: np.array(at) for name, at in landmarks_of(face.mesh).items()}
    eyes = (found[Landmark.EYE_LEFT] + found[Landmark.EYE_RIGHT]) / 2
    mouth = (found[Landmark.MOUTH_LEFT] + found[Landmark.MOUTH_RIGHT]) / 2
    across = found[Landmark.EYE_RIGHT][0] - found[Landmark.EYE_LEFT][0]
    at = (found[kind] - eyes) / [across, mouth[1] - eyes[1]]
    # Her smile lifts the mouth, by which heights are measured: what lies below it seems lower.
    assert at == pytest.approx(PRINTED[kind], abs=0.25 if PRINTED[kind][1] < 1 else 0.4)


@given(st.floats(0.1, 10), st.floats(-1000, 1000), st.floats(-1000, 1000))
def test_they_move_with_the_mesh(face: DetectedFace, scale: float, right: float, down: float) -> None:
    moved = (face.mesh * scale + [right, down, 0]).astype(np.float32)
    for kind, (x, y) in landmarks_of(face.mesh).items():
        assert landmarks_of(moved)[kind] == pytest.approx((x * scale + right, y * scale + down), abs=0.05)
