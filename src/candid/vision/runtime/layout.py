"""Pixels in the form that a model's input has."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from candid.vision.facts import Pixels


def to_input(
    pixels: Pixels, *, mean: float, scale: float, last: bool, bgr: bool = False
) -> NDArray[np.float32]:
    """Normalised pixels, (x - mean) × scale.

    Args:
        pixels: uint8 (n, height, width, 3), RGB.
        mean: of the scale 0 to 255.
        scale: what the difference is multiplied by.
        last: channels last.
        bgr: the model wants blue first.

    Returns:
        float32 (n, height, width, 3) or (n, 3, height, width).
    """
    if last:
        chosen = pixels[..., ::-1] if bgr else pixels
        return (chosen.astype(np.float32) - np.float32(mean)) * np.float32(scale)
    if len(pixels) == 1:
        # In one call, since lanes that do this side by side would wait for Python's lock between several.
        return np.asarray(cv2.dnn.blobFromImage(pixels[0], scale, mean=(mean, mean, mean), swapRB=bgr))
    chosen = pixels[..., ::-1] if bgr else pixels
    values = np.empty((len(pixels), 3, *pixels.shape[1:3]), np.float32)
    np.subtract(chosen.transpose(0, 3, 1, 2), np.float32(mean), out=values)
    values *= np.float32(scale)
    return values
