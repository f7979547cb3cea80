"""Turns and scales a face so that its five points lie where an embedder expects them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from candid.vision.facts import DetectedFace, Image, Pixels, Points
from candid.vision.image_warp import Affine, cut_square

SIDE = 112
# Eyes, nose tip and mouth corners in a crop of 112 × 112, on which ArcFace and its relatives are trained.
# Deng et al., "ArcFace: Additive Angular Margin Loss for Deep Face Recognition", 2019; published with
# InsightFace.
TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)


def similarity_between(source: NDArray[np.floating], target: NDArray[np.floating]) -> Affine:
    """The turn, scale and shift that bring points closest to others, in the least squares sense.

    Umeyama, "Least-squares estimation of transformation parameters between two point patterns", 1991, for
    the plane, where the best turn and scale together are one complex number. It never mirrors.

    Args:
        source: (n, 2).
        target: (n, 2).

    Returns:
        float64 (2, 3); the shift alone, with scale 1, where all source points are the same.
    """
    a = np.asarray(source, np.float64) @ [1, 1j]
    b = np.asarray(target, np.float64) @ [1, 1j]
    centred = a - a.mean()
    spread = float(np.vdot(centred, centred).real)
    factor = complex(np.vdot(centred, b - b.mean()) / spread) if spread > 0 else 1 + 0j
    shift = complex(b.mean() - factor * a.mean())
    return np.array([[factor.real, -factor.imag, shift.real], [factor.imag, factor.real, shift.imag]])


def align(image: Image, points: Points) -> Pixels:
    """One aligned face: uint8 (112, 112, 3), RGB; black where it reaches beyond the image.

    Args:
        image: where the face is.
        points: (5, 2), as in `DetectedFace`.
    """
    # From the template to the image, so that a face that is far too small or large still gives a finite map.
    return cut_square(image.pixels, similarity_between(TEMPLATE, points), size=SIDE)


def align_faces(image: Image, faces: Sequence[DetectedFace]) -> Pixels:
    """Aligned faces: uint8 (n, 112, 112, 3), RGB."""
    crops = [align(image, face.points) for face in faces]
    return np.stack(crops) if crops else np.empty((0, SIDE, SIDE, 3), np.uint8)
