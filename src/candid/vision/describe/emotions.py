"""Expressions under Amazon's names, from the model `emotion`: what a face shows, not what a person feels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from candid.vision.describe.face_chip import upright_square
from candid.vision.describe.feeding import Forward
from candid.vision.facts import Pixels, Points
from candid.vision.image_warp import cut_square

_SIZE = 64
# The square that the model sees, in longer sides of the mesh; compared on labelled faces with scales from 1.0 to 1.8.
_SQUARE_SCALE = 1.0
# The model's order, in Amazon's names. Amazon's CONFUSED has no class of the model and is never told.
NAMES = ("ANGRY", "DISGUSTED", "FEAR", "HAPPY", "SAD", "SURPRISED", "CALM")
# Shares of these classes in FER2013's 28,709 training images (Goodfellow et al. 2013, arXiv:1307.0414) …
_TRAINED = np.array([3995, 436, 4097, 7215, 4830, 3171, 4965]) / 28709
# … and in photographs of people, who mostly smile or show nothing: 115, 101 and 12 of 228 labelled faces are HAPPY,
# CALM and anything else. The others are given more than their share, so that they can be told at all.
_MET = np.array([0.06, 0.02, 0.06, 0.37, 0.06, 0.06, 0.37])
# The weights of Rec. ITU-R BT.601, as the model's publisher feeds it.
_GREY = np.array([0.2989, 0.5870, 0.1140], np.float32)


def judge_emotions(pixels: Pixels, meshes: Sequence[Points], emotion: Forward) -> list[dict[str, float]]:
    """Run the model over all faces in one pass.

    Args:
        pixels: uint8 (height, width, 3), RGB, the image.
        meshes: of each face, float32 (468, 3), pixels.
        emotion: the model: float32 (n, 1, 64, 64), grey, -1 to 1, to probabilities (n, 7) in the order of `NAMES`.

    Returns:
        For each face Amazon's names with confidences, 0 to 100, that sum to 100, highest first.
    """
    crops = [
        cut_square(
            pixels, upright_square(mesh, scale=_SQUARE_SCALE, size=_SIZE), size=_SIZE, repeat_edge=True
        )
        for mesh in meshes
    ]
    grey = np.stack(crops).astype(np.float32) @ _GREY / np.float32(127.5) - 1
    (probabilities,) = emotion(np.ascontiguousarray(grey[:, None]))
    return [named(each) for each in probabilities]


def named(probabilities: NDArray[np.floating]) -> dict[str, float]:
    """The model's probabilities for the mix of expressions that photographs hold (Saerens et al. 2002, eq. 2.4)."""
    shifted = probabilities * _MET / _TRAINED
    shares = shifted / max(float(shifted.sum()), 1e-9) * 100
    return {NAMES[i]: float(shares[i]) for i in np.argsort(-shares, kind="stable")}
