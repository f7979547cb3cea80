from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from candid.vision import DetectedFace, Image
from candid.vision.describe.face_chip import CHIP, FaceChip, face_chip
from candid.vision.describe.quality import quality_of


def blurred(chip: FaceChip, sigma: float) -> np.ndarray:
    return np.asarray(cv2.GaussianBlur(chip.pixels, (0, 0), sigma))


def dimmed(chip: FaceChip, gain: float) -> np.ndarray:
    return np.clip(chip.pixels * gain, 0, 255).astype(np.uint8)


@given(st.floats(0.4, 6), st.floats(1.15, 2))
def test_more_blur_is_less_sharp(chip: FaceChip, sigma: float, more: float) -> None:
    less, much = quality_of(blurred(chip, sigma)), quality_of(blurred(chip, sigma * more))
    assert much.sharpness <= less.sharpness < quality_of(chip.pixels).sharpness
    assert much.sharpness < less.sharpness or less.sharpness < 2  # so blurred that only rounding is left
    assert much.brightness == pytest.approx(less.brightness, abs=3)


@given(st.floats(0.05, 0.95))
def test_a_darker_face_is_less_bright(chip: FaceChip, gain: float) -> None:
    full = quality_of(chip.pixels)
    dim = quality_of(dimmed(chip, gain))
    assert dim.brightness == pytest.approx(full.brightness * gain, abs=0.5)
    if gain > 0.3:
        assert dim.sharpness == pytest.approx(full.sharpness, abs=3)


@given(st.integers(0, 255))
def test_a_flat_chip_has_its_brightness_and_no_sharpness(level: int) -> None:
    quality = quality_of(np.full((CHIP, CHIP, 3), level, np.uint8))
    assert quality.brightness == pytest.approx(level / 2.55)
    assert quality.sharpness == pytest.approx(0, abs=1e-6)


@given(st.binary(min_size=48, max_size=48))
def test_both_stay_within_their_scale(seed: bytes) -> None:
    noise = np.frombuffer(seed, np.uint8).reshape(4, 4, 3)
    quality = quality_of(np.tile(noise, (CHIP // 4, CHIP // 4, 1)))
    assert 0 <= quality.brightness <= 100
    assert 0 <= quality.sharpness <= 100


@pytest.mark.parametrize("scale", [1.5, 2, 4])
def test_an_enlarged_photograph_keeps_its_quality(
    astronaut: Image, face: DetectedFace, chip: FaceChip, scale: float
) -> None:
    large = cv2.resize(astronaut.pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    quality = quality_of(face_chip(np.asarray(large), (face.mesh * scale).astype(np.float32)).pixels)
    before = quality_of(chip.pixels)
    assert quality.brightness == pytest.approx(before.brightness, abs=1)
    assert quality.sharpness == pytest.approx(before.sharpness, abs=15)
