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
    if len(scores) < 2:
        return np.arange(len(scores), dtype=np.intp)
    order = np.argsort(-scores, kind="stable")[:_MOST]
    crowded = _overlaps(boxes[order], of_smaller=of_smaller) > threshold
    np.fill_diagonal(crowded, val=False)
    clear = ~crowded
    stays = np.ones(len(order), bool)
    for i in np.flatnonzero(crowded.any(axis=1)).tolist():
        if stays[i]:
            stays[i + 1 :] &= clear[i, i + 1 :]
    return order[stays]


def _overlaps(boxes: Floats, *, of_smaller: bool) -> Floats:
    """Overlap of each pair of boxes, 0 to 1."""
    left, top, right, bottom = np.ascontiguousarray(boxes.T)
    area = np.maximum(right - left, 0) * np.maximum(bottom - top, 0)
    shared = _shared(left, right)
    shared *= _shared(top, bottom)
    if of_smaller:
        whole = np.minimum(area[:, None], area)
    else:
        whole = area[:, None] + area
        whole -= shared
    shared /= np.maximum(whole, np.float32(1e-9), out=whole)
    return shared


def _shared(low: Floats, high: Floats) -> Floats:
    """Length that each pair of stretches has in common."""
    length = np.minimum(high[:, None], high)
    length -= np.maximum(low[:, None], low)
    return np.maximum(length, 0, out=length)
