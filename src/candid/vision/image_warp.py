"""Cuts a turned square out of an image without aliasing."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from candid.vision.facts import Pixels

# float64 (2, 3): pixels of the square to pixels of the image, both as in `facts` (the corner of a pixel is
# whole).
Affine = NDArray[np.float64]


def cut_square(pixels: Pixels, to_image: Affine, *, size: int, repeat_edge: bool = False) -> Pixels:
    """What a square of `size` pixels a side sees of the image.

    Bilinear interpolation looks at four pixels; where the square shrinks the image by two or more, the part
    that it sees is first averaged over areas.

    Args:
        pixels: uint8 (height, width, 3).
        to_image: where each pixel of the square lies in the image; a similarity.
        size: of the square.
        repeat_edge: what lies beyond the image is like its edge, instead of black.

    Returns:
        uint8 (size, size, 3).
    """
    shrinks = int(math.sqrt(abs(float(np.linalg.det(to_image[:, :2])))))
    source, matrix = pixels, to_image
    if shrinks >= 2:
        left, top, right, bottom = _seen(pixels, to_image, size)
        if right <= left or bottom <= top:
            return np.zeros((size, size, 3), np.uint8)
        # Whole blocks, so that pixels keep their places exactly.
        width, height = -(-(right - left) // shrinks), -(-(bottom - top) // shrinks)
        part = pixels[top : top + height * shrinks, left : left + width * shrinks]
        width, height = part.shape[1] // shrinks, part.shape[0] // shrinks
        if not width or not height:
            return np.zeros((size, size, 3), np.uint8)
        part = part[: height * shrinks, : width * shrinks]
        source = np.asarray(cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA))
        matrix = (to_image - [[0, 0, left], [0, 0, top]]) / shrinks
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    border = cv2.BORDER_REPLICATE if repeat_edge else cv2.BORDER_CONSTANT
    return np.asarray(
        cv2.warpAffine(source, _centred(matrix), (size, size), flags=flags, borderMode=border)
    )


def apply(matrix: Affine, points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Points (…, 2) moved by a matrix (2, 3)."""
    return np.asarray(points @ matrix[:, :2].T + matrix[:, 2], np.float64)


def _centred(matrix: Affine) -> Affine:
    """The same map between OpenCV's coordinates, in which the centre of a pixel is whole."""
    moved = matrix.copy()
    moved[:, 2] += matrix[:, :2] @ [0.5, 0.5] - 0.5
    return moved


def _seen(pixels: Pixels, to_image: Affine, size: int) -> tuple[int, int, int, int]:
    """The upright part of the image that the square can see, with a margin for interpolation."""
    corners = apply(to_image, np.array([[0, 0], [size, 0], [0, size], [size, size]], np.float64))
    margin = 2 * math.sqrt(abs(float(np.linalg.det(to_image[:, :2]))))
    height, width = pixels.shape[:2]
    low = np.floor(corners.min(axis=0) - margin)
    high = np.ceil(corners.max(axis=0) + margin)
    left, right = (int(v) for v in np.clip([low[0], high[0]], 0, width))
    top, bottom = (int(v) for v in np.clip([low[1], high[1]], 0, height))
    return left, top, right, bottom
