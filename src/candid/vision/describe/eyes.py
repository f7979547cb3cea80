"""Eyelids and pupils, from MediaPipe's iris model.

The model sees an upright square around one eye, an eye as on the image's right; the other eye is mirrored first
(mediapipe/modules/iris_landmark/iris_landmark_left_and_right_cpu.pbtxt). The face mesh alone does not tell whether
eyes are closed: on the same photographs its lids separate open from closed eyes with an AUC of 0.82, the iris model's
with 0.99.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from candid.vision.describe.face_chip import level_turn
from candid.vision.describe.feeding import Forward, plane_batch
from candid.vision.describe.rule import Rule
from candid.vision.facts import Pixels, Points
from candid.vision.image_warp import Affine, apply, cut_square

_SIZE = 64
# Side of the square in widths of the eye: MediaPipe's scale.
_SCALE = 2.3
# Corners of the eye on the image's left and of that on its right; which of them the model wants mirrored.
_EYES = ((33, 133, True), (362, 263, False))
# The contour's first points: the lower lid from corner to corner, then the upper one.
_CORNERS = (0, 8)
_LIDS = ((3, 11), (4, 12), (5, 13))

# Fitted with classes weighted alike, on 284 faces; figures from two-fold cross-validation over persons stand in
# docs/attributes.md.
EYES_OPEN = Rule(bias=-10.70, weights={"opening": 49.75})


@dataclass(frozen=True, slots=True)
class Eyes:
    """What the model says of the two eyes of a face.

    Attributes:
        opening: height of the gap between the lids, of its width; the less open eye's.
        pupils: (x, y) in pixels of the image, the eye on the image's left first.
    """

    opening: float
    pupils: tuple[tuple[float, float], tuple[float, float]]


def measure_eyes(pixels: Pixels, meshes: Sequence[Points], iris: Forward) -> list[Eyes]:
    """Run the iris model over both eyes of all faces in one pass.

    Args:
        pixels: uint8 (height, width, 3), RGB, the image.
        meshes: of each face, float32 (468, 3), pixels.
        iris: the model: float32 (n, 3, 64, 64), RGB, 0 to 1, to contours (n, 213) and irises (n, 15).
    """
    squares = [_eye_square(mesh, inner_outer) for mesh in meshes for inner_outer in _EYES]
    crops = [cut_square(pixels, square, size=_SIZE, repeat_edge=True) for square in squares]
    contours, irises = iris(plane_batch(crops) / np.float32(255))
    openings = [_opening(contour.reshape(71, 3)) for contour in contours]
    centres = [apply(square, each[None, :2])[0] for square, each in zip(squares, irises, strict=True)]
    pupils = [(float(x), float(y)) for x, y in centres]
    return [
        Eyes(opening=min(openings[i : i + 2]), pupils=(pupils[i], pupils[i + 1]))
        for i in range(0, len(squares), 2)
    ]


def _eye_square(mesh: Points, eye: tuple[int, int, bool]) -> Affine:
    """Where each pixel of the model's square lies in the image, mirroring included."""
    first, second, mirrored = eye
    points = mesh[:, :2].astype(np.float64)
    width = max(float(np.hypot(*(points[first] - points[second]))), 1e-3)
    turn = level_turn(mesh) * (_SCALE * width / _SIZE)
    if mirrored:
        turn = turn * [-1, 1]
    middle = (points[first] + points[second]) / 2
    return np.column_stack([turn, middle - turn @ [_SIZE / 2, _SIZE / 2]])


def _opening(contour: NDArray[np.floating]) -> float:
    """The mean of three gaps between the lids, of the distance between the corners."""
    flat = contour[:, :2]
    width = float(np.hypot(*(flat[_CORNERS[0]] - flat[_CORNERS[1]])))
    gaps = [float(np.hypot(*(flat[low] - flat[high]))) for low, high in _LIDS]
    return sum(gaps) / len(gaps) / max(width, 1e-6)
