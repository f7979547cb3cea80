"""An image in ever smaller sizes."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from candid.vision.detect.candidates import Floats
from candid.vision.facts import Pixels

Size = tuple[int, int]  # width and height


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


class Pyramid:
    """The image at falling scales; a level is made when it is first asked for, from the one before it.

    So the first level, by far the dearest to search, is searched while another core makes the others.
    """

    sizes: tuple[Size, ...]
    _made: list[Level]  # grows under _lock; what is in it stays, so that reading needs no lock

    def __init__(self, pixels: Pixels, scales: Sequence[float]) -> None:
        """Levels of uint8 (height, width, 3) at each of the scales, which fall."""
        height, width = pixels.shape[:2]
        self.sizes = tuple((max(round(width * s), 1), max(round(height * s), 1)) for s in scales)
        self._pixels = pixels
        self._lock = threading.Lock()
        self._made = []

    def level(self, index: int) -> Level:
        """The level at one of the scales; any thread may ask."""
        if index < len(self._made):
            return self._made[index]
        with self._lock:
            for size in self.sizes[len(self._made) : index + 1]:
                source = self._made[-1].pixels if self._made else self._pixels
                scale_x, scale_y = self.scale(len(self._made))
                self._made.append(Level(_shrunk(source, size), scale_x, scale_y))
            return self._made[index]

    def scale(self, index: int) -> tuple[float, float]:
        """`scale_x` and `scale_y` of a level."""
        height, width = self._pixels.shape[:2]
        return self.sizes[index][0] / width, self.sizes[index][1] / height

    def levels(self) -> list[Level]:
        """All of them, the largest first."""
        return [self.level(index) for index in range(len(self.sizes))]


def _shrunk(pixels: Pixels, size: Size) -> Pixels:
    # Interpolating between two pixels is averaging as long as no more than two become one.
    while size[0] * 2 < pixels.shape[1] and size[1] * 2 < pixels.shape[0]:
        half = (pixels.shape[1] // 2, pixels.shape[0] // 2)
        pixels = cv2.resize(pixels, half, interpolation=cv2.INTER_LINEAR)
    if size == (pixels.shape[1], pixels.shape[0]):
        return pixels
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR))


def cut_all(levels: Sequence[Level], boxes: Floats, *, size: int) -> Pixels:
    """The insides of boxes as squares, each from the smallest level that shows enough; black beyond the image.

    Args:
        levels: where to cut from, the largest first. The smallest in which a box is as wide as the square is
            taken, else the largest.
        boxes: float32 (n, 4): left, top, right, bottom in pixels of the image.
        size: pixels a side of each square.

    Returns:
        uint8 (n, size, size, 3).
    """
    scales = np.array([(level.scale_x, level.scale_y) for level in levels])
    sides = (boxes[:, 2] - boxes[:, 0]).astype(np.float64)
    fits = sides[:, None] * scales[:, 0] >= size
    chosen = np.maximum(fits.sum(axis=1) - 1, 0)
    scale = scales[chosen].astype(np.float32)
    step = (boxes[:, 2:] - boxes[:, :2]) * scale / np.float32(size)
    matrices = np.zeros((len(boxes), 2, 3))
    matrices[:, [0, 1], [0, 1]] = step
    # OpenCV's coordinates are those of pixel centres.
    matrices[:, :, 2] = boxes[:, :2] * scale + step / 2 - np.float32(0.5)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    squares = np.empty((len(boxes), size, size, 3), np.uint8)
    for square, matrix, index in zip(squares, matrices, chosen.tolist(), strict=True):
        cv2.warpAffine(levels[index].pixels, matrix, (size, size), dst=square, flags=flags)
    return squares
