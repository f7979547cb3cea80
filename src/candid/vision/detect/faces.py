"""Finds faces: a detector proposes, the face mesh judges and refines."""

from __future__ import annotations

import cv2
import numpy as np

from candid.vision.detect.candidates import Candidates, FaceDetector, Floats
from candid.vision.detect.confidence import confidence
from candid.vision.detect.mesh import FaceMesh, Meshes
from candid.vision.detect.nms import suppress
from candid.vision.facts import Box, DetectedFace, Image

# A candidate is a face from this confidence on (0 to 1). Above one half, since more candidates are none
# than are.
_FACE = 0.65
# Two meshes that overlap more are one face.
_SAME = 0.45
# Candidates that the mesh looks at, the likeliest first.
_MOST = 1000
# A mesh is sure of a face from this presence on (a logit). The best mesh of each of 66 upright photographs
# had 25 or more; upside down, with the eyes taken for the mouth, none had more than 11.
_SURE = 15.0
# Long side of the image that is searched turned.
_TURNED_SIDE = 320


class FaceFinder:
    """A detector and the mesh."""

    def __init__(self, detector: FaceDetector, mesh: FaceMesh) -> None:
        """Faces as `detector` proposes and `mesh` confirms them."""
        self._detector = detector
        self._mesh = mesh

    def find(self, image: Image, *, max_faces: int) -> list[DetectedFace]:
        """Faces, the largest first.

        Heads may lean by about 60 degrees. Where the mesh is sure of no face, a small copy is searched
        lying on each side and upside down, for photographs without EXIF orientation whose faces take 6 % of
        the long side.

        Args:
            image: where to look.
            max_faces: at most so many, the largest.
        """
        faces, presence = self._judge(image, self._detector.find(image))
        if presence < _SURE:
            turned = [self._judge(image, self._find_turned(image, turns)) for turns in (1, 2, 3)]
            best, presence = max(turned, key=lambda found: found[1])
            if presence >= _SURE:
                faces = best
        faces.sort(key=lambda face: -face.box.width * face.box.height)
        return faces[:max_faces]

    def _judge(self, image: Image, candidates: Candidates) -> tuple[list[DetectedFace], float]:
        """Those candidates that are faces, and the highest presence among them."""
        if len(candidates) > _MOST:
            candidates = candidates.take(np.argsort(-candidates.scores, kind="stable")[:_MOST])
        meshes = self._mesh.measure(image, candidates)
        sure = confidence(candidates.scores, meshes.presence)
        # Where the mesh doubts, as with faces that the image's edge cuts, the detector's view is the better.
        doubts = meshes.presence < 0
        boxes = np.where(doubts[:, None], candidates.boxes, meshes.boxes())
        points = np.where(doubts[:, None, None], candidates.points, meshes.five())
        faces = np.flatnonzero(sure >= _FACE)
        stay = faces[suppress(boxes[faces], sure[faces], threshold=_SAME)]
        found = [_face(boxes[i], sure[i], points[i], meshes, i) for i in stay.tolist()]
        return found, float(meshes.presence[stay].max(initial=-np.inf))

    def _find_turned(self, image: Image, turns: int) -> Candidates:
        """Candidates in a small copy that is turned counter-clockwise, in pixels of the upright image."""
        shrink = min(1.0, _TURNED_SIDE / max(image.width, image.height))
        size = (max(round(image.width * shrink), 1), max(round(image.height * shrink), 1))
        small = cv2.resize(image.pixels, size, interpolation=cv2.INTER_AREA)
        turned = Image(np.ascontiguousarray(np.rot90(small, turns)))
        found = self._detector.find(turned)
        scale = np.array([image.width / size[0], image.height / size[1]])
        points = turn_back(found.points, turns, size) * scale
        corners = turn_back(found.boxes.reshape(-1, 2, 2), turns, size) * scale
        boxes = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
        return Candidates(boxes.astype(np.float32), found.scores, points.astype(np.float32))


def turn_back(points: Floats, turns: int, size: tuple[int, int]) -> Floats:
    """Where points of an image that `np.rot90` turned lie in the original.

    Args:
        points: (…, 2).
        turns: quarter turns counter-clockwise, 0 to 3.
        size: width and height of the original.
    """
    x, y = points[..., 0], points[..., 1]
    width, height = size
    back = {0: (x, y), 1: (width - y, x), 2: (width - x, height - y), 3: (y, height - x)}[turns]
    return np.stack(back, axis=-1)


def _face(box: Floats, sure: np.float32, points: Floats, meshes: Meshes, i: int) -> DetectedFace:
    left, top, right, bottom = (float(side) for side in box)
    return DetectedFace(
        box=Box(left, top, right - left, bottom - top),
        confidence=100 * float(sure),
        points=np.ascontiguousarray(points),
        mesh=meshes.points[i],
    )
