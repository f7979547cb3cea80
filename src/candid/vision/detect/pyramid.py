"""An image in ever smaller sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from candid.vision.facts import Pixels


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """One size.

    Attributes:
        pixels: uint8 (height, width, 3).
        scale_x: pixels of this level for each pixel of the image.
        scale_y: likewise; it differs a little, since sizes are whole numbers.
    """

    pixels: Pixels
    scale_x: float
    scale_y: float


def build_pyramid(pixels: Pixels, scales: Sequence[float]) -> list[Level]:
    """The image at each scale, every level made from the one before it.

    Args:
        pixels: uint8 (height, width, 3).
        scales: falling.
    """
    height, width = pixels.shape[:2]
    levels: list[Level] = []
    source = pixels
    for scale in scales:
        size = (max(round(width * scale), 1), max(round(height * scale), 1))
        # Interpolating between two pixels is averaging as long as no more than two become one.
        while size[0] * 2 < source.shape[1] and size[1] * 2 < source.shape[0]:
            half = (source.shape[1] // 2, source.shape[0] // 2)
            source = cv2.resize(source, half, interpolation=cv2.INTER_LINEAR)
        if size != (source.shape[1], source.shape[0]):
            source = cv2.resize(source, size, interpolation=cv2.INTER_LINEAR)
        levels.append(Level(source, size[0] / width, size[1] / height))
    return levels


def level_for(levels: Sequence[Level], *, side: float, wanted: int) -> Level:
    """The smallest level in which something of `side` pixels still has `wanted`, else the largest level."""
    fits = [level for level in levels if side * level.scale_x >= wanted]
    return min(fits, key=lambda level: level.scale_x) if fits else max(levels, key=lambda level: level.scale_x)


def cut(level: Level, box: np.ndarray, *, size: int) -> Pixels:
    """The inside of a box as a square; black beyond the image.

    Args:
        level: where to cut from.
        box: float (4,): left, top, right, bottom in pixels of the image.
        size: pixels a side of the result.
    """
    across = (box[2] - box[0]) * level.scale_x / size
    down = (box[3] - box[1]) * level.scale_y / size
    # OpenCV's coordinates are those of pixel centres.
    x = box[0] * level.scale_x + across / 2 - 0.5
    y = box[1] * level.scale_y + down / 2 - 0.5
    matrix = np.array([[across, 0, x], [0, down, y]], np.float64)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(level.pixels, matrix, (size, size), flags=flags))
