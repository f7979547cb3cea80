from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from candid.vision.detect.confidence import confidence

SCORES = st.floats(0, 1, width=32)
PRESENCES = st.floats(-60, 80, width=32)


def one(score: float, presence: float) -> float:
    return float(confidence(np.array([score], np.float32), np.array([presence], np.float32))[0])


@given(SCORES, SCORES, PRESENCES, PRESENCES)
def test_it_rises_with_both(a: float, b: float, p: float, q: float) -> None:
    low, high = one(min(a, b), min(p, q)), one(max(a, b), max(p, q))
    assert 0 <= low <= high <= 1


def test_what_both_models_see_is_certain_and_what_neither_sees_is_not() -> None:
    assert one(0.999, 45) > 0.999
    assert one(0.3, -7) < 0.05
    assert 0.5 < one(0.99, -5) < 0.95
