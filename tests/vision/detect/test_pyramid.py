from __future__ import annotations

import numpy as np
import pytest

from candid.vision.detect.pyramid import Level, build_pyramid, cut, level_for


def ramp(height: int, width: int) -> np.ndarray:
    """Red grows with x, green with y."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 255 / width, y * 255 / height, 0 * x], axis=2).astype(np.uint8)


def test_levels_state_their_scales() -> None:
    levels = build_pyramid(ramp(300, 400), [1.0, 0.5, 0.33, 0.1])
    assert [level.pixels.shape[:2] for level in levels] == [(300, 400), (150, 200), (99, 132), (30, 40)]
    for level in levels:
        assert level.scale_x == level.pixels.shape[1] / 400
        assert level.scale_y == level.pixels.shape[0] / 300


@pytest.mark.parametrize("scales", [[0.5], [0.1], [0.5, 0.3, 0.2, 0.1]])
def test_things_stay_where_they_are(scales: list[float]) -> None:
    level = build_pyramid(ramp(300, 400), scales)[-1]
    height, width = level.pixels.shape[:2]
    expected = ramp(300, 400).reshape(height, 300 // height, width, 400 // width, 3).mean((1, 3))
    assert np.abs(level.pixels.astype(float) - expected).max() < 3


def test_the_smallest_level_that_still_shows_enough() -> None:
    levels = build_pyramid(ramp(300, 400), [1.0, 0.5, 0.25])
    for side, scale in [(200, 0.25), (96, 0.25), (95, 0.5), (48, 0.5), (47, 1.0), (3, 1.0)]:
        assert level_for(levels, side=side, wanted=24).scale_x == scale


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_a_cut_shows_the_inside_of_the_box(scale: float) -> None:
    level = build_pyramid(ramp(300, 400), [scale])[0]
    inside = cut(level, np.array([100.0, 60, 148, 108]), size=24)
    expected = ramp(300, 400)[60:108, 100:148].reshape(24, 2, 24, 2, 3).mean((1, 3))
    assert np.abs(inside.astype(float) - expected).max() < 3


def test_beyond_the_image_is_black() -> None:
    level = Level(np.full((50, 50, 3), 200, np.uint8), 1.0, 1.0)
    part = cut(level, np.array([-20.0, -20, 20, 20]), size=20)
    assert (part[:9, :] == 0).all()
    assert (part[:, :9] == 0).all()
    assert (part[11:, 11:] == 200).all()
