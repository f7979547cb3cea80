from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from candid.vision.detect.pyramid import Level, Pyramid, cut_all


def ramp(height: int, width: int) -> np.ndarray:
    """Red grows with x, green with y."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 255 / width, y * 255 / height, 0 * x], axis=2).astype(np.uint8)


def test_levels_state_their_scales() -> None:
    levels = Pyramid(ramp(300, 400), [1.0, 0.5, 0.33, 0.1]).levels()
    assert [level.pixels.shape[:2] for level in levels] == [(300, 400), (150, 200), (99, 132), (30, 40)]
    for level in levels:
        assert level.scale_x == level.pixels.shape[1] / 400
        assert level.scale_y == level.pixels.shape[0] / 300


@pytest.mark.parametrize("scales", [[0.5], [0.1], [0.5, 0.3, 0.2, 0.1]])
def test_things_stay_where_they_are(scales: list[float]) -> None:
    level = Pyramid(ramp(300, 400), scales).level(len(scales) - 1)
    height, width = level.pixels.shape[:2]
    expected = ramp(300, 400).reshape(height, 300 // height, width, 400 // width, 3).mean((1, 3))
    assert np.abs(level.pixels.astype(float) - expected).max() < 3


def slow_cut(levels: list[Level], box: np.ndarray, size: int) -> np.ndarray:
    """One box: the level chosen and the matrix written down number by number."""
    side = float(box[2] - box[0])
    fits = [level for level in levels if side * level.scale_x >= size]
    level = min(fits, key=lambda each: each.scale_x) if fits else max(levels, key=lambda each: each.scale_x)
    across = (box[2] - box[0]) * level.scale_x / size
    down = (box[3] - box[1]) * level.scale_y / size
    x = box[0] * level.scale_x + across / 2 - 0.5
    y = box[1] * level.scale_y + down / 2 - 0.5
    matrix = np.array([[across, 0, x], [0, down, y]], np.float64)
    return cv2.warpAffine(level.pixels, matrix, (size, size), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)


@given(
    st.lists(st.tuples(*[st.floats(-30, 420, width=32)] * 2, st.floats(1, 300, width=32)), max_size=8),
    st.sampled_from([24, 48]),
)
def test_cuts_are_as_one_by_one(drawn: list[tuple[float, ...]], size: int) -> None:
    levels = Pyramid(ramp(300, 400), [1.0, 0.5, 0.33, 0.1]).levels()
    boxes = np.array([(x, y, x + side, y + side) for x, y, side in drawn], np.float32).reshape(-1, 4)
    found = cut_all(levels, boxes, size=size)
    assert found.shape == (len(boxes), size, size, 3)
    for box, square in zip(boxes, found, strict=True):
        assert np.array_equal(square, slow_cut(levels, box, size))


@pytest.mark.parametrize(("side", "scale"), [(200, 0.25), (96, 0.25), (95, 0.5), (48, 0.5), (47, 1.0), (3, 1.0)])
def test_the_smallest_level_that_still_shows_enough(side: int, scale: float) -> None:
    levels = [Level(np.full((300, 400, 3), 100 * s, np.uint8), s, s) for s in (1.0, 0.5, 0.25)]
    box = np.array([[10, 10, 10 + side, 10 + side]], np.float32)
    assert cut_all(levels, box, size=24)[0, 12, 12, 0] == int(100 * scale)


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_a_cut_shows_the_inside_of_the_box(scale: float) -> None:
    levels = Pyramid(ramp(300, 400), [scale]).levels()
    (inside,) = cut_all(levels, np.array([[100, 60, 148, 108]], np.float32), size=24)
    expected = ramp(300, 400)[60:108, 100:148].reshape(24, 2, 24, 2, 3).mean((1, 3))
    assert np.abs(inside.astype(float) - expected).max() < 3


def test_beyond_the_image_is_black() -> None:
    level = Level(np.full((50, 50, 3), 200, np.uint8), 1.0, 1.0)
    (part,) = cut_all([level], np.array([[-20, -20, 20, 20]], np.float32), size=20)
    assert (part[:9, :] == 0).all()
    assert (part[:, :9] == 0).all()
    assert (part[11:, 11:] == 200).all()
