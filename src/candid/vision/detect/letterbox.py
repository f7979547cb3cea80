"""An image scaled into a square that a single-pass detector takes, and the way back."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from candid.vision.detect.candidates import Candidates, Floats
from candid.vision.facts import Image, Pixels


@dataclass(frozen=True, slots=True, eq=False)
class Letterbox:
    """The image in the upper left of a black square.

    Attributes:
        pixels: uint8 (1, height, width, 3), RGB.
        scale: pixels of the square for each of the image.
    """

    pixels: Pixels
    scale: float

    def back(self, boxes: Floats, scores: Floats, points: Floats) -> Candidates:
        """Candidates in pixels of the image from those in pixels of the square."""
        return Candidates(
            (boxes / self.scale).astype(np.float32),
            scores.astype(np.float32),
            (points / self.scale).astype(np.float32),
        )


def letterbox(image: Image, *, height: int, width: int) -> Letterbox:
    """Fit an image into height × width, keeping its proportions."""
    scale = min(width / image.width, height / image.height)
    size = (max(round(image.width * scale), 1), max(round(image.height * scale), 1))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    square = np.zeros((1, height, width, 3), np.uint8)
    square[0, : size[1], : size[0]] = cv2.resize(image.pixels, size, interpolation=method)
    return Letterbox(square, scale)


def cells(height: int, width: int, stride: int, each: int = 1) -> Floats:
    """Column and row of every cell of a feature map, row by row, each so many times: float32 (n, 2)."""
    rows, columns = np.mgrid[: height // stride, : width // stride]
    return np.repeat(np.stack([columns.ravel(), rows.ravel()], axis=1), each, axis=0).astype(np.float32)
