"""Non-maximum suppression: of boxes that overlap, the best stays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from candid.vision.detect.candidates import Floats

# More boxes than this are judged by their best; a matrix of all pairs would take too much memory.
_MOST = 4000


def suppress(
    boxes: Floats, scores: Floats, *, threshold: float, of_smaller: bool = False
) -> NDArray[np.intp]:
    """Indices of the boxes that stay, best first.

    Args:
        boxes: (n, 4): left, top, right, bottom.
        scores: (n,).
        threshold: a box goes if its overlap with a better one that stays is greater.
        of_smaller: overlap is the share of the smaller box instead of the union (a box within a box goes).
    """
    order = np.argsort(-scores, kind="stable")[:_MOST]
    if len(order) < 2:
        return order
    crowded = _overlaps(boxes[order], of_smaller=of_smaller) > threshold
    stays = np.ones(len(order), bool)
    for i in range(len(order)):
        if stays[i]:
            stays[i + 1 :] &= ~crowded[i, i + 1 :]
    return order[stays]


def _overlaps(boxes: Floats, *, of_smaller: bool) -> Floats:
    """Overlap of each pair of boxes, 0 to 1."""
    left, top, right, bottom = boxes.T
    area = np.maximum(right - left, 0) * np.maximum(bottom - top, 0)
    width = np.minimum(right[:, None], right) - np.maximum(left[:, None], left)
    height = np.minimum(bottom[:, None], bottom) - np.maximum(top[:, None], top)
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    whole = np.minimum(area[:, None], area) if of_smaller else area[:, None] + area - shared
    return np.asarray(shared / np.maximum(whole, np.float32(1e-9)), np.float32)
