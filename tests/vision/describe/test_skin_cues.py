from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from candid.vision.describe.face_chip import FaceChip
from candid.vision.describe.skin_cues import BEARD, EYEGLASSES, MUSTACHE, skin_cues


def darkened(chip: FaceChip, points: list[int], *, gain: float, radius: int) -> FaceChip:
    """The chip with dark blobs around points of the mesh."""
    mask = np.zeros(chip.pixels.shape[:2], np.uint8)
    for x, y in chip.points[points]:
        cv2.circle(mask, (int(x), int(y)), radius, 1, -1)
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 1)[..., None]
    return replace(chip, pixels=(chip.pixels * (1 - soft * (1 - gain))).astype(np.uint8))


def framed(chip: FaceChip) -> FaceChip:
    """The chip with a dark frame drawn around both eyes and over the bridge."""
    pixels = chip.pixels.copy()
    left, right = chip.points[[33, 133]].mean(axis=0), chip.points[[362, 263]].mean(axis=0)
    radius = int((right - left)[0] * 0.38)
    for eye in (left, right):
        cv2.circle(pixels, (int(eye[0]), int(eye[1]) + 2), radius, (20, 20, 20), 2)
    bridge = int(chip.points[6, 1])
    cv2.line(pixels, (int(left[0]) + radius, bridge), (int(right[0]) - radius, bridge), (20, 20, 20), 2)
    return replace(chip, pixels=pixels)


def test_a_drawn_mustache_is_seen(chip: FaceChip) -> None:
    hairy = darkened(chip, [164, 167, 393, 165, 391, 92, 322], gain=0.4, radius=4)
    assert not MUSTACHE.judge(skin_cues(chip)).value
    assert MUSTACHE.judge(skin_cues(hairy)).value


def test_a_drawn_beard_is_seen(chip: FaceChip) -> None:
    points = [199, 200, 175, 208, 428, 171, 396, 148, 377, 201, 421, 32, 262, 164, 167, 393, 165, 391]
    hairy = darkened(chip, points, gain=0.4, radius=6)
    assert not BEARD.judge(skin_cues(chip)).value
    assert BEARD.judge(skin_cues(hairy)).value


def test_drawn_eyeglasses_are_seen(chip: FaceChip) -> None:
    assert not EYEGLASSES.judge(skin_cues(chip)).value
    assert EYEGLASSES.judge(skin_cues(framed(chip))).value


@given(st.floats(0.5, 0.95))
def test_exposure_hardly_matters(chip: FaceChip, gain: float) -> None:
    dimmed = replace(chip, pixels=(chip.pixels * gain).astype(np.uint8))
    before, after = skin_cues(chip), skin_cues(dimmed)
    assert after == pytest.approx(before, abs=0.25)
