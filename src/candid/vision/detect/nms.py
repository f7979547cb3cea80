"""Non-maximum suppression: of boxes that overlap, the best stays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from candid.vision.detect.candidates import Floats

# More boxes than this are judged by their best; a matrix of all pairs would take too much memory.
_MOST = 4000
# Up to so many, one matrix for all groups is quicker than one for each.
_FEW = 400


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
    return order[_stay(_overlaps(boxes[order], of_smaller=of_smaller) > threshold)]


def suppress_within(
    boxes: Floats, scores: Floats, groups: NDArray[np.intp], *, threshold: float
) -> NDArray[np.intp]:
    """`suppress` in each group by itself, of the union; indices of the boxes that stay, best first.

    Args:
        boxes: (n, 4): left, top, right, bottom.
        scores: (n,).
        groups: (n,); boxes of different groups do not compete.
        threshold: as in `suppress`.
    """
    if len(scores) > _FEW:
        parts = [np.flatnonzero(groups == group) for group in np.unique(groups)]
        stay = np.concatenate([part[suppress(boxes[part], scores[part], threshold=threshold)] for part in parts])
        return stay[np.lexsort((stay, -scores[stay]))]
    order = np.argsort(-scores, kind="stable")
    crowded = _overlaps(boxes[order], of_smaller=False) > threshold
    crowded &= groups[order][:, None] == groups[order]
    return order[_stay(crowded)]


def _stay(crowded: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Which boxes stay, of those that are crowded by each other, (n, n); the best first."""
    # A row as one integer: a box takes away all that it crowds in one step.
    packed = np.packbits(crowded, axis=1, bitorder="little")
    width, data = packed.shape[1], packed.tobytes()
    gone = 0
    stay = []
    for i in range(len(crowded)):
        if not gone >> i & 1:
            stay.append(i)
            gone |= int.from_bytes(data[i * width : (i + 1) * width], "little")
    return np.array(stay, np.intp)


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
