"""Smile and open mouth, from the shape of the straightened mesh."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from candid.vision.describe.rule import Rule

# Inner lip, upper and lower middle; corners; MediaPipe's face mesh.
_UPPER, _LOWER = 13, 14
_LEFT, _RIGHT = 61, 291

# Fitted with classes weighted alike, on 284 faces; figures from two-fold cross-validation over persons stand in
# docs/attributes.md.
SMILE = Rule(bias=-21.73, weights={"width": 32.13, "lift": 53.20})
MOUTH_OPEN = Rule(bias=-3.49, weights={"gap": 58.78})


def measure_mouth(face: NDArray[np.float64]) -> dict[str, float]:
    """Width of the mouth, lift of its corners above its middle, gap between the lips.

    Args:
        face: float64 (468, 3), the straightened mesh; the outer corners of the eyes are about 100 apart.

    Returns:
        `width`, `lift`, `gap`, each of the distance between the outer corners of the eyes.
    """
    unit = max(float(np.linalg.norm(face[33] - face[263])), 1e-6)
    middle = (face[_UPPER, 1] + face[_LOWER, 1]) / 2
    corners = (face[_LEFT, 1] + face[_RIGHT, 1]) / 2
    return {
        "width": float(np.linalg.norm(face[_LEFT] - face[_RIGHT])) / unit,
        "lift": float(middle - corners) / unit,
        "gap": float(np.linalg.norm(face[_UPPER] - face[_LOWER])) / unit,
    }
