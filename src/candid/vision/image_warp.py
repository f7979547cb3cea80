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
    shrinks = int(_step(to_image))
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


def _step(to_image: Affine) -> float:
    """Pixels of the image for each of the square."""
    return math.hypot(to_image[0, 0], to_image[1, 0])


def _seen(pixels: Pixels, to_image: Affine, size: int) -> tuple[int, int, int, int]:
    """The upright part of the image that the square can see, with a margin for interpolation."""
    # In plain numbers, which are quicker than arrays of four corners.
    margin = 2 * _step(to_image)
    stretches = []
    for (along, across, start), limit in zip(to_image.tolist(), pixels.shape[1::-1], strict=True):
        low = start + min(along * size, 0.0) + min(across * size, 0.0) - margin
        high = start + max(along * size, 0.0) + max(across * size, 0.0) + margin
        stretches.append((_within(math.floor(low), limit), _within(math.ceil(high), limit)))
    (left, right), (top, bottom) = stretches
    return left, top, right, bottom


def _within(place: int, limit: int) -> int:
    return min(max(place, 0), limit)
