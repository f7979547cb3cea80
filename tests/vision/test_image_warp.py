from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from candid.vision import image_warp
from candid.vision.image_warp import apply, cut_square


def plane(height: int, width: int) -> np.ndarray:
    """Red and green grow evenly, so that a place can be read off its colours."""
    y, x = np.mgrid[:height, :width] + 0.5
    return np.stack([x * 255 / width, y * 255 / height, 0 * x], axis=2).astype(np.uint8)


@given(
    angle=st.floats(-3.2, 3.2),
    scale=st.floats(0.3, 6.0),
    x=st.integers(180, 220),
    y=st.integers(180, 220),
)
@settings(max_examples=80, deadline=None)
def test_each_pixel_shows_its_place(angle: float, scale: float, x: int, y: int) -> None:
    size = 30
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = np.column_stack([turn, np.array([x, y]) - turn @ [size / 2, size / 2]])
    seen = cut_square(plane(400, 400), matrix, size=size)
    columns, rows = np.meshgrid(np.arange(size) + 0.5, np.arange(size) + 0.5)
    places = apply(matrix, np.stack([columns, rows], axis=-1))
    # The outermost pixels blend with what lies beyond.
    inside = ((places > 4 * scale) & (places < 400 - 4 * scale)).all(axis=-1)
    expected = places * 255 / 400
    assert np.abs(seen[..., :2].astype(float) - expected)[inside].max(initial=0) < 2.5


def test_shrinking_does_not_alias() -> None:
    stripes = np.tile(np.array([0, 255], np.uint8)[None, :, None], (300, 150, 3))
    matrix = np.array([[6.0, 0, 0], [0, 6.0, 0]])
    assert np.abs(cut_square(stripes, matrix, size=40).astype(int) - 127).max() <= 2


@pytest.mark.parametrize("shift", [-5000.0, 5000.0])
@pytest.mark.parametrize("scale", [1.0, 9.0])
def test_what_lies_beyond_the_image_is_black(shift: float, scale: float) -> None:
    matrix = np.array([[scale, 0, shift], [0, scale, shift]])
    assert not cut_square(np.full((50, 60, 3), 9, np.uint8), matrix, size=20).any()


def test_or_like_the_edge() -> None:
    matrix = np.array([[1.0, 0, -10], [0, 1.0, -10]])
    seen = cut_square(np.full((50, 60, 3), 9, np.uint8), matrix, size=20, repeat_edge=True)
    assert (seen == 9).all()


@given(st.floats(-3.2, 3.2), st.floats(0.1, 40), *[st.floats(-900, 900)] * 2, st.integers(1, 200))
def test_the_part_that_is_seen_is_that_of_the_four_corners(
    angle: float, scale: float, x: float, y: float, size: int
) -> None:
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = np.column_stack([turn, [x, y]])
    corners = apply(matrix, np.array([[0, 0], [size, 0], [0, size], [size, size]], np.float64))
    low, high = corners.min(axis=0) - 2 * scale, corners.max(axis=0) + 2 * scale
    left, top, right, bottom = image_warp._seen(np.zeros((300, 400, 3), np.uint8), matrix, size)
    for sides, exact in (((left, top), np.floor(low)), ((right, bottom), np.ceil(high))):
        # A side that lies on a whole pixel but for rounding may fall to either side of it.
        assert (np.abs(np.array(sides) - np.clip(exact, 0, [400, 300])) <= 1).all()
    for sides, exact in (((left, top), low), ((right, bottom), high)):
        assert (np.abs(np.array(sides) - np.clip(exact, 0, [400, 300])) < 1 + 1e-6).all()
