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
    count, height, width, _ = pixels.shape
    values = np.empty((count, 3, height, width), np.float32)
    if not values.size:
        return values
    # OpenCV takes the channels apart several times faster than NumPy steps over them.
    planes = cv2.split(np.ascontiguousarray(pixels).reshape(count * height, width, 3))
    for channel, plane in enumerate(reversed(planes) if bgr else planes):
        np.subtract(plane.reshape(count, height, width), np.float32(mean), out=values[:, channel])
    values *= np.float32(scale)
    return values
