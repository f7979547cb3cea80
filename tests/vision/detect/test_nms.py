from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from candid.vision.detect import nms
from candid.vision.detect.nms import suppress, suppress_within

BOXES = st.lists(
    st.tuples(*[st.integers(0, 20)] * 2, *[st.integers(1, 12)] * 2, st.integers(0, 50)), max_size=25
)


def slow(boxes: np.ndarray, scores: np.ndarray, threshold: float, of_smaller: bool) -> list[int]:
    """One by one, best first; equal scores in the order given."""
    stay: list[int] = []
    for i in sorted(range(len(boxes)), key=lambda i: (-scores[i], i)):
        clear = True
        for j in stay:
            a, b = boxes[i], boxes[j]
            across = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
            down = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
            areas = [float((c[2] - c[0]) * (c[3] - c[1])) for c in (a, b)]
            shared = across * down
            whole = min(areas) if of_smaller else sum(areas) - shared
            clear = clear and not np.float32(shared) / np.float32(whole) > threshold
        if clear:
            stay.append(i)
    return stay


@given(BOXES, st.sampled_from([0.0, 0.3, 0.5, 0.7]), st.booleans())
def test_as_the_slow_way(drawn: list[tuple[int, ...]], threshold: float, of_smaller: bool) -> None:
    boxes = np.array([(x, y, x + w, y + h) for x, y, w, h, _ in drawn], np.float32).reshape(-1, 4)
    scores = np.array([score for *_, score in drawn], np.float32)
    found = suppress(boxes, scores, threshold=threshold, of_smaller=of_smaller)
    assert found.tolist() == slow(boxes, scores, threshold, of_smaller)


@pytest.mark.parametrize(("of_smaller", "left"), [(False, [0, 1]), (True, [0])])
def test_a_box_within_a_box(of_smaller: bool, left: list[int]) -> None:
    boxes = np.array([[0, 0, 100, 100], [10, 10, 40, 40]], np.float32)
    scores = np.array([0.9, 0.8], np.float32)
    assert suppress(boxes, scores, threshold=0.5, of_smaller=of_smaller).tolist() == left


@given(BOXES, st.integers(1, 4), st.sampled_from([0.0, 0.3, 0.5, 0.7]), st.sampled_from([0, 400]))
def test_groups_by_themselves(drawn: list[tuple[int, ...]], groups: int, threshold: float, few: int) -> None:
    """However many there are: the two ways of doing it agree with the slow one, group by group."""
    boxes = np.array([(x, y, x + w, y + h) for x, y, w, h, _ in drawn], np.float32).reshape(-1, 4)
    scores = np.array([score for *_, score in drawn], np.float32)
    group = np.arange(len(boxes)) % groups
    expected = []
    for each in range(groups):
        part = np.flatnonzero(group == each)
        expected += part[slow(boxes[part], scores[part], threshold, of_smaller=False)].tolist()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nms, "_FEW", few)
        found = suppress_within(boxes, scores, group, threshold=threshold).tolist()
    assert found == sorted(expected, key=lambda i: (-scores[i], i))
