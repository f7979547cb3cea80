from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from candid.vision import Engine, Image
from candid.vision.align import TEMPLATE, align, align_faces, similarity_between
from candid.vision.image_warp import apply

NUMBERS = st.floats(-500, 500, allow_nan=False)
POINTS = st.lists(st.tuples(NUMBERS, NUMBERS), min_size=5, max_size=5).map(np.array)


@given(angle=st.floats(-3.1, 3.1), scale=st.floats(0.05, 20), x=NUMBERS, y=NUMBERS)
def test_a_similarity_is_found_again(angle: float, scale: float, x: float, y: float) -> None:
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = np.column_stack([turn, [x, y]])
    moved = apply(matrix, TEMPLATE)
    assert np.allclose(similarity_between(TEMPLATE, moved), matrix, atol=1e-6)
    there = similarity_between(TEMPLATE, moved)
    back = similarity_between(moved, TEMPLATE)
    assert np.allclose(apply(back, apply(there, TEMPLATE)), TEMPLATE, atol=1e-6)


@given(POINTS)
@settings(deadline=None)
def test_none_fits_better(points: np.ndarray) -> None:
    """Against the general solution: linear least squares over scale·cos, scale·sin and the shift."""
    x, y = TEMPLATE.T
    one, nought = np.ones(5), np.zeros(5)
    system = np.concatenate(
        [np.stack([x, -y, one, nought], axis=1), np.stack([y, x, nought, one], axis=1)]
    )
    a, b, right, down = np.linalg.lstsq(system, points.T.ravel(), rcond=None)[0]
    expected = np.array([[a, -b, right], [b, a, down]])
    assert np.allclose(similarity_between(TEMPLATE, points), expected, atol=1e-5)


@given(POINTS)
def test_it_never_mirrors(points: np.ndarray) -> None:
    assert np.linalg.det(similarity_between(TEMPLATE, points)[:, :2]) >= 0


def test_points_that_are_all_one() -> None:
    found = similarity_between(np.ones((5, 2)), TEMPLATE)
    assert np.allclose(found[:, :2], np.eye(2))
    assert np.allclose(apply(found, np.ones(2)), TEMPLATE.mean(axis=0))


def test_an_aligned_face_is_found_where_it_was_put(engine: Engine, astronaut: Image) -> None:
    face = engine.detect(astronaut, max_faces=1)[0]
    crop = align(astronaut, face.points)
    assert crop.shape == (112, 112, 3)
    # Found anew in the crop, laid into a larger picture.
    picture = np.zeros((300, 300, 3), np.uint8)
    picture[100:212, 100:212] = crop
    again = engine.detect(Image(picture), max_faces=1)[0]
    expected = apply(similarity_between(face.points, TEMPLATE), face.points)
    assert np.abs(again.points - 100 - expected).max() < 3
    assert np.abs(expected - TEMPLATE).max() < 8


def test_no_faces_give_no_crops(astronaut: Image) -> None:
    assert align_faces(astronaut, []).shape == (0, 112, 112, 3)


def test_points_far_outside_give_a_black_crop(astronaut: Image) -> None:
    assert not align(astronaut, (TEMPLATE + 1e6).astype(np.float32)).any()
