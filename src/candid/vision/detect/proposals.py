"""MTCNN's first stage: windows of 12 pixels over all sizes of an image.

Zhang et al., "Joint Face Detection and Alignment using Multi-task Cascaded Convolutional Networks", 2016. A
level is cut into strips of rows, which several cores take, and which bound the memory of a pass whatever
the image's size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from candid.vision.detect.candidates import Floats
from candid.vision.detect.nms import suppress, suppress_within
from candid.vision.detect.pyramid import Pyramid
from candid.vision.facts import Pixels
from candid.vision.runtime import Runner
from candid.vision.runtime.layout import to_input
from candid.vision.runtime.runner import Outputs

# The window and its step, from the network's kernels: 3, pooling 2, 3, 3.
WINDOW = 12
STEP = 2
# Rows of output of a strip. 64 keep the widest layer of a 600 pixel wide level within a core's cache.
STRIP = 64
# As in the paper's code: within a level, and among all levels.
_SAME_LEVEL, _ALL_LEVELS = 0.5, 0.7


@dataclass(frozen=True, slots=True, eq=False)
class _Strip:
    """Some rows of a level, as one pass takes them.

    Attributes:
        pyramid: where the level is.
        level: which one.
        threshold: a window with a lower probability is no face.
        row: of the output, the first.
        rows: of the output.
    """

    pyramid: Pyramid
    level: int
    threshold: float
    row: int
    rows: int

    def prepared(self) -> Floats:
        """The network's input, (1, 3, height, width)."""
        top = self.row * STEP
        return normalise(self.pyramid.level(self.level).pixels[None, top : top + (self.rows - 1) * STEP + WINDOW])


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """Windows in which there may be a face.

    Attributes:
        level: int (n,).
        column: of the level's output, int (n,).
        row: likewise.
        chances: float32 (n,), the probabilities.
        offsets: float32 (n, 4), what the network moves each side by, in widths and heights.
    """

    level: NDArray[np.intp]
    column: NDArray[np.intp]
    row: NDArray[np.intp]
    chances: Floats
    offsets: Floats

    def boxes(self, pyramid: Pyramid) -> Floats:
        """The windows themselves in image pixels, float32 (n, 4): left, top, right, bottom."""
        corner = np.stack([self.column, self.row], axis=1) * STEP
        scale = np.array([pyramid.scale(index) for index in range(len(pyramid.sizes))])[self.level]
        return np.concatenate([corner / scale, (corner + WINDOW) / scale], axis=1).astype(np.float32)


def propose(runner: Runner, pyramid: Pyramid, *, thresholds: Sequence[float], most: int) -> Floats:
    """Boxes (n, 4), best first, in image pixels: left, top, right, bottom.

    Args:
        runner: the model `mtcnn-pnet`.
        pyramid: sizes of the image.
        thresholds: for each level: a window with a lower probability is no face.
        most: of the boxes.
    """
    # From the largest level to the smallest, so that the cores finish together.
    strips = [strip for level, threshold in enumerate(thresholds) for strip in _strips(pyramid, level, threshold)]
    parts = runner.run_each(strips, _Strip.prepared, _windows)
    if not parts:
        return np.empty((0, 4), np.float32)
    found = Windows(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Windows)))
    boxes = found.boxes(pyramid)
    stay = suppress_within(boxes, found.chances, found.level, threshold=_SAME_LEVEL)
    stay = stay[suppress(boxes[stay], found.chances[stay], threshold=_ALL_LEVELS)[:most]]
    return shift(boxes[stay], found.offsets[stay])


def normalise(pixels: Pixels) -> NDArray[np.float32]:
    """What MTCNN's networks take of uint8 (n, height, width, 3): (x - 127.5) / 128, channels first."""
    return to_input(pixels, mean=127.5, scale=1 / 128, last=False)


def shift(boxes: Floats, offsets: Floats) -> Floats:
    """Move the sides of boxes (n, 4) by offsets (n, 4) in widths and heights."""
    size = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    return boxes + offsets * size


def _strips(pyramid: Pyramid, level: int, threshold: float) -> list[_Strip]:
    width, height = pyramid.sizes[level]
    rows = (height - WINDOW) // STEP + 1
    if rows < 1 or width < WINDOW:
        return []
    count = -(-rows // STRIP)
    each = -(-rows // count)
    return [_Strip(pyramid, level, threshold, row, min(each, rows - row)) for row in range(0, rows, each)]


def _windows(strip: _Strip, outputs: Outputs) -> Windows:
    """Those over the strip's threshold."""
    chances, offsets = outputs[0][0, 1], outputs[1][0]
    over = np.flatnonzero(chances > strip.threshold)
    row, column = np.divmod(over, chances.shape[1])
    return Windows(
        level=np.full(len(over), strip.level),
        column=column,
        row=row + strip.row,
        chances=chances.ravel()[over],
        offsets=offsets.reshape(4, -1).T[over],
    )
