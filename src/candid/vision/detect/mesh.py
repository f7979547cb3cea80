"""MediaPipe's face mesh: 468 points of a face, and whether there is a face at all.

Model card "MediaPipe Face Mesh", 2020; the crop follows MediaPipe's `face_landmark_front` graph: a square
half as wide again as the face, turned so that the eyes are level.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from candid.vision.detect.candidates import Candidates, Floats
from candid.vision.facts import Image
from candid.vision.image_warp import Affine, apply, cut_square
from candid.vision.runtime import Runner
from candid.vision.runtime.layout import to_input

SIDE = 192
_WIDENED = 1.5
_POINTS = 468
# A crop whose eyes are further from level, in degrees, is cut again, at most so many times.
_TILT, _REPEATS = 10.0, 2
# Contours of the eye on the image's left and on its right, tip of the nose, and corners of the mouth, from
# MediaPipe's canonical face model. Eyes are given by the mean of their contours, which moves less with a
# blink than a pupil does.
LEFT_EYE = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
RIGHT_EYE = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)
LEFT_CORNER, RIGHT_CORNER = 61, 291
# The tip of the nose of embedders' templates lies halfway between the mesh's tip (4) and the point below it
# (1).
NOSE_TIP = (1, 4)
# The five as weights of the mesh's points, (5, 468). Double precision, so that a mean is exact to the last bit that
# a pixel coordinate has.
_FIVE = np.zeros((5, _POINTS))
for _row, _part in enumerate((LEFT_EYE, RIGHT_EYE, NOSE_TIP, (LEFT_CORNER,), (RIGHT_CORNER,))):
    _FIVE[_row, _part] = 1 / len(_part)


@dataclass(frozen=True, slots=True, eq=False)
class Meshes:
    """Meshes of n faces.

    Attributes:
        points: float32 (n, 468, 3), pixels of the image; z in the scale of x, away from the camera.
        presence: float32 (n,), logit of a face being there.
    """

    points: Floats
    presence: Floats

    def boxes(self) -> Floats:
        """The extent of each mesh, forehead to chin: float32 (n, 4): left, top, right, bottom."""
        flat = self.points[:, :, :2]
        return np.concatenate([flat.min(axis=1), flat.max(axis=1)], axis=1)

    def five(self) -> Floats:
        """Eyes, nose tip and mouth corners: float32 (n, 5, 2)."""
        return np.asarray(_FIVE @ self.points[:, :, :2], np.float32)


def squares(boxes: Floats, points: Floats) -> list[Affine]:
    """For each face, from the pixels of its upright crop to the image's.

    Args:
        boxes: (n, 4): left, top, right, bottom.
        points: (n, 5, 2); the line through the eyes becomes level.
    """
    found = []
    for box, five in zip(boxes.astype(np.float64), points.astype(np.float64), strict=True):
        eyes = five[1] - five[0]
        length = float(np.hypot(*eyes))
        cosine, sine = eyes / length if length > 0 else (1.0, 0.0)
        step = max(box[2] - box[0], box[3] - box[1]) * _WIDENED / SIDE
        turn = np.array([[cosine, -sine], [sine, cosine]]) * step
        centre = (box[:2] + box[2:]) / 2
        found.append(np.column_stack([turn, centre - turn @ [SIDE / 2, SIDE / 2]]))
    return found


def _tilt(led: Floats, found: Floats) -> Floats:
    """Degrees between two lines through the eyes, (n,), from points (n, 5, 2)."""
    lines = [(five[:, 1] - five[:, 0]).astype(np.float64) @ [1, 1j] for five in (led, found)]
    return np.abs(np.rad2deg(np.angle(lines[1] * np.conj(lines[0])))).astype(np.float32)


class FaceMesh:
    """The mesh model."""

    def __init__(self, runner: Runner) -> None:
        """A mesh over the model `face-mesh`, whose input is RGB from 0 to 1."""
        self._runner = runner

    def measure(self, image: Image, candidates: Candidates) -> Meshes:
        """The mesh of each candidate, in one batch.

        A detector's points lead the turn of the crop, and are sometimes far off when a head lies on its
        side. A mesh whose eyes are not level in its crop is measured again with its own points, and the
        surer of the two stays.
        """
        found = self._measure(image, candidates)
        for _ in range(_REPEATS):
            again = np.flatnonzero(_tilt(candidates.points, found.five()) > _TILT)
            if not len(again):
                break
            part = Candidates(found.boxes()[again], candidates.scores[again], found.five()[again])
            anew = self._measure(image, part)
            better = anew.presence > found.presence[again]
            if not better.any():
                break
            points, presence, led = found.points.copy(), found.presence.copy(), candidates.points.copy()
            points[again[better]] = anew.points[better]
            presence[again[better]] = anew.presence[better]
            led[again] = part.points
            found, candidates = Meshes(points, presence), Candidates(candidates.boxes, candidates.scores, led)
        return found

    def _measure(self, image: Image, candidates: Candidates) -> Meshes:
        if not len(candidates):
            return Meshes(np.empty((0, _POINTS, 3), np.float32), np.empty(0, np.float32))
        to_image = squares(candidates.boxes, candidates.points)
        crops = np.empty((len(to_image), SIDE, SIDE, 3), np.uint8)
        for i, matrix in enumerate(to_image):
            crops[i] = cut_square(image.pixels, matrix, size=SIDE, repeat_edge=True)
        mesh, presence = self._runner.run_rows(to_input(crops, mean=0.0, scale=1 / 255, last=False))
        local = mesh.reshape(-1, _POINTS, 3).astype(np.float64)
        placed = np.empty(local.shape, np.float32)
        for i, matrix in enumerate(to_image):
            placed[i, :, :2] = apply(matrix, local[i, :, :2])
            placed[i, :, 2] = local[i, :, 2] * np.sqrt(np.linalg.det(matrix[:, :2]))
        return Meshes(placed, presence.reshape(-1))
