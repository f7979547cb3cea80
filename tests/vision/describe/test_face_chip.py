from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from candid.vision import DetectedFace, Image
from candid.vision.describe.face_chip import CHIP, FaceChip, face_chip, upright_square
from candid.vision.image_warp import apply


def test_the_eyes_are_level_and_the_face_is_inside(chip: FaceChip) -> None:
    left, right = chip.points[[33, 133]].mean(axis=0), chip.points[[362, 263]].mean(axis=0)
    assert left[1] == pytest.approx(right[1], abs=1e-3)
    assert left[0] < right[0]
    assert chip.points.min() > 0
    assert chip.points.max() < CHIP
    assert chip.pixels.shape == (CHIP, CHIP, 3)


@given(st.floats(0.5, 2), st.integers(16, 256))
def test_the_middle_of_the_square_is_the_middle_of_the_face(face: DetectedFace, scale: float, size: int) -> None:
    matrix = upright_square(face.mesh, scale=scale, size=size)
    middle = apply(matrix, np.array([size / 2, size / 2]))
    low, high = face.mesh[:, :2].min(axis=0), face.mesh[:, :2].max(axis=0)
    # The face is nearly upright, so the middle of its upright extent is close to that of its level one.
    assert middle == pytest.approx((low + high) / 2, abs=3)
    step = np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    assert step * size == pytest.approx(scale * (high - low).max(), rel=0.1)


def test_a_pixel_of_the_chip_is_the_pixel_of_the_image(astronaut: Image, face: DetectedFace) -> None:
    # Paint a spot on the image where the mesh has the tip of the nose; it must appear there in the chip.
    x, y = (int(v) for v in face.mesh[4, :2])
    pixels = np.zeros_like(astronaut.pixels)
    pixels[y - 1 : y + 2, x - 1 : x + 2] = 255
    chip = face_chip(pixels, face.mesh)
    lit = np.argwhere(chip.pixels[..., 0] > 200).mean(axis=0)[::-1]
    assert lit + 0.5 == pytest.approx(chip.points[4], abs=1.5)


@pytest.mark.parametrize("spoilt", [np.zeros((468, 3)), np.full((468, 3), 1e6), np.full((468, 3), -1e6)])
def test_a_mesh_without_extent_or_far_outside_gives_a_chip(astronaut: Image, spoilt: np.ndarray) -> None:
    assert face_chip(astronaut.pixels, spoilt.astype(np.float32)).pixels.shape == (CHIP, CHIP, 3)
