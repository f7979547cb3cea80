"""Upright squares around a face, cut from the image by its mesh."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from candid.vision.facts import Pixels, Points
from candid.vision.image_warp import Affine, cut_square

# Pixels a side of the chip that quality and the cues in the skin are measured on.
CHIP = 128
# The chip shows this many times the longer side of the mesh.
_CHIP_SCALE = 1.15


@dataclass(frozen=True, slots=True, eq=False)
class FaceChip:
    """A face, eyes level, in a square.

    Attributes:
        pixels: uint8 (CHIP, CHIP, 3), RGB.
        mesh: float32 (468, 3), pixels of the image.
        to_image: where each pixel of the chip lies in the image.
    """

    pixels: Pixels
    mesh: Points
    to_image: Affine

    @property
    def points(self) -> NDArray[np.float64]:
        """The mesh in the chip's pixels, float64 (468, 2); worked out when asked for, as few attributes need it."""
        back = np.linalg.inv(self.to_image[:, :2])
        return np.asarray((self.mesh[:, :2].astype(np.float64) - self.to_image[:, 2]) @ back.T, np.float64)


def level_turn(mesh: Points) -> NDArray[np.float64]:
    """The turn, float64 (2, 2), from a picture in which the eyes are level to the image."""
    # The corners of both eyes, in plain numbers, which are quicker than arrays of two.
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = mesh[[362, 263, 33, 133], :2].tolist()
    x, y = (ax + bx - cx - dx) / 2, (ay + by - cy - dy) / 2
    length = math.hypot(x, y)
    cos, sin = (x / length, y / length) if length > 0 else (1.0, 0.0)
    return np.array([[cos, -sin], [sin, cos]])


def upright_square(mesh: Points, *, scale: float, size: int) -> Affine:
    """Where each pixel of a square lies in the image; the eyes are level in it and the mesh is in its middle.

    Args:
        mesh: float32 (468, 3), pixels.
        scale: side of the square, in longer sides of the mesh.
        size: pixels a side of the square.
    """
    points = mesh[:, :2].astype(np.float64)
    turn = level_turn(mesh)
    level = points @ turn
    low, high = level.min(axis=0), level.max(axis=0)
    longer = max(float((high - low).max()), 1e-3)
    middle = turn @ ((low + high) / 2)
    step = scale * longer / size
    return np.column_stack([turn * step, middle - turn @ [step * size / 2, step * size / 2]])


def face_chip(pixels: Pixels, mesh: Points) -> FaceChip:
    """Cut the chip of a face.

    Args:
        pixels: uint8 (height, width, 3), RGB, the image.
        mesh: float32 (468, 3), pixels.
    """
    matrix = upright_square(mesh, scale=_CHIP_SCALE, size=CHIP)
    return FaceChip(cut_square(pixels, matrix, size=CHIP, repeat_edge=True), mesh, matrix)
