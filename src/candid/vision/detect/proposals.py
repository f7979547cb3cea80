"""MTCNN's first stage: windows of 12 pixels over all sizes of an image.

Zhang et al., "Joint Face Detection and Alignment using Multi-task Cascaded Convolutional Networks", 2016. A
level is cut into strips of rows, which several cores take, and which bound the memory of a pass whatever
the image's size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from candid.vision.detect.candidates import Floats
from candid.vision.detect.nms import suppress
from candid.vision.detect.pyramid import Level
from candid.vision.facts import Pixels
from candid.vision.runtime import Runner
from candid.vision.runtime.layout import to_input

# The window and its step, from the network's kernels: 3, pooling 2, 3, 3.
WINDOW = 12
STEP = 2
# Rows of output of a strip. 64 keep the widest layer of a 600 pixel wide level within a core's cache.
STRIP = 64
# As in the paper's code: within a level, and among all levels.
_SAME_LEVEL, _ALL_LEVELS = 0.5, 0.7


@dataclass(frozen=True, slots=True, eq=False)
class _Strip:
    level: Level
    threshold: float
    row: int  # of the output
    pixels: Pixels  # (1, rows, columns, 3)


def propose(
    runner: Runner, levels: Sequence[Level], *, thresholds: Sequence[float], most: int
) -> Floats:
    """Boxes (n, 4), best first, in image pixels: left, top, right, bottom.

    Args:
        runner: the model `mtcnn-pnet`.
        levels: sizes of the image.
        thresholds: for each level: a window with a lower probability is no face.
        most: of the boxes.
    """
    strips = [
        strip
        for level, threshold in zip(levels, thresholds, strict=True)
        for strip in _strips(level, threshold)
    ]
    # The largest first, so that the cores finish together.
    strips.sort(key=lambda strip: -strip.pixels.size)
    outputs = runner.run_all([strip.pixels for strip in strips], normalise)
    boxes, chances = [], []
    found: dict[float, list[tuple[Floats, Floats]]] = {}
    for strip, (probability, offsets) in zip(strips, outputs, strict=True):
        windows = _windows(strip, probability[0, 1], offsets[0])
        found.setdefault(strip.level.scale_x, []).append(windows)
    for parts in found.values():
        level_boxes = np.concatenate([part[0] for part in parts])
        level_chances = np.concatenate([part[1] for part in parts])
        stay = suppress(level_boxes[:, :4], level_chances, threshold=_SAME_LEVEL)
        boxes.append(level_boxes[stay])
        chances.append(level_chances[stay])
    if not boxes:
        return np.empty((0, 4), np.float32)
    every = np.concatenate(boxes)
    stay = suppress(every[:, :4], np.concatenate(chances), threshold=_ALL_LEVELS)[:most]
    return shift(every[stay, :4], every[stay, 4:])


def normalise(pixels: Pixels) -> NDArray[np.float32]:
    """What MTCNN's networks take of uint8 (n, height, width, 3): (x - 127.5) / 128, channels first."""
    return to_input(pixels, mean=127.5, scale=1 / 128, last=False)


def shift(boxes: Floats, offsets: Floats) -> Floats:
    """Move the sides of boxes (n, 4) by offsets (n, 4) in widths and heights."""
    size = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    return boxes + offsets * size


def _strips(level: Level, threshold: float) -> list[_Strip]:
    rows = (level.pixels.shape[0] - WINDOW) // STEP + 1
    if rows < 1 or level.pixels.shape[1] < WINDOW:
        return []
    count = -(-rows // STRIP)
    each = -(-rows // count)
    return [
        _Strip(
            level,
            threshold,
            row,
            level.pixels[None, row * STEP : (min(row + each, rows) - 1) * STEP + WINDOW],
        )
        for row in range(0, rows, each)
    ]


def _windows(strip: _Strip, chances: Floats, offsets: Floats) -> tuple[Floats, Floats]:
    """Windows over the threshold: left, top, right, bottom and their four offsets; and their probabilities."""
    rows, columns = np.nonzero(chances > strip.threshold)
    corner = np.stack([columns, rows + strip.row], axis=1) * STEP
    scale = np.array([strip.level.scale_x, strip.level.scale_y])
    sides = np.concatenate([corner / scale, (corner + WINDOW) / scale], axis=1)
    moved = np.concatenate([sides, offsets[:, rows, columns].T], axis=1)
    return moved.astype(np.float32), chances[rows, columns]
