"""How the head is turned, and the face as it would be seen from straight ahead."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from candid.vision.describe.canonical_face import STABLE_FACE, STABLE_POINTS
from candid.vision.facts import Points, Pose

Vectors = NDArray[np.float64]

_CENTRE = STABLE_FACE.mean(axis=0)
_CENTRED = STABLE_FACE - _CENTRE
_SPREAD = float((_CENTRED**2).sum())


@dataclass(frozen=True, slots=True, eq=False)
class FaceFrame:
    """The similarity that takes the canonical face to a face in an image.

    Attributes:
        rotation: float64 (3, 3), proper; a vector of the canonical face becomes `rotation @ vector`.
        scale: pixels a unit of the canonical face.
        origin: float64 (3,), where the centre of the canonical face's stable points lies, pixels.
    """

    rotation: Vectors
    scale: float
    origin: Vectors

    def straightened(self, mesh: Points) -> Vectors:
        """The mesh, float64 (468, 3), in the units and axes of the canonical face."""
        return np.asarray((mesh - self.origin) @ self.rotation / self.scale + _CENTRE, np.float64)

    @property
    def pose(self) -> Pose:
        """The turn as Amazon counts it.

        Signs read off the replies printed in Amazon's developer guide: yaw grows as the nose moves to the image's
        right, pitch grows as the face looks up, roll grows as the head tilts clockwise for the viewer. The turn is
        taken apart as roll · yaw · pitch, so that turning the image changes the roll and nothing else.
        """
        r = self.rotation
        return Pose(
            roll=float(np.degrees(np.arctan2(r[1, 0], r[0, 0]))),
            yaw=float(np.degrees(np.arcsin(np.clip(r[2, 0], -1, 1)))),
            pitch=float(np.degrees(np.arctan2(-r[2, 1], r[2, 2]))),
        )


def fit_frame(mesh: Points) -> FaceFrame:
    """Fit the canonical face to a mesh: the least squares solution of Umeyama (1991), doi 10.1109/34.88573.

    Args:
        mesh: float32 (468, 3), pixels, as in `DetectedFace`.
    """
    seen = mesh[STABLE_POINTS].astype(np.float64)
    origin = seen.mean(axis=0)
    covariance = (seen - origin).T @ _CENTRED
    left, values, right = np.linalg.svd(covariance)
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    scale = float((values * signs).sum()) / _SPREAD
    return FaceFrame(rotation=(left * signs) @ right, scale=max(scale, 1e-6), origin=origin)
