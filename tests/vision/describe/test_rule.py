from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from candid.vision.describe.rule import Rule

RULE = Rule(bias=-1, weights={"a": 2, "b": -0.5})
numbers = st.floats(-1e3, 1e3)


@pytest.mark.parametrize(
    ("a", "b", "value", "confidence"),
    [(1, 0, True, 73.11), (0, 0, False, 73.11), (0.5, 0, False, 50), (1, 4, False, 73.11), (99, 0, True, 99.75)],
)
def test_the_logistic_function_gives_the_confidence(a: float, b: float, value: bool, confidence: float) -> None:
    truth = RULE.judge({"a": a, "b": b})
    assert truth.value is value
    assert truth.confidence == pytest.approx(confidence, abs=0.01)


@given(numbers, numbers, numbers)
def test_confidence_grows_from_the_border(a: float, b: float, more: float) -> None:
    near, far = sorted(({"a": a, "b": b}, {"a": a + more, "b": b}), key=lambda m: abs(RULE.logit(m)))
    assert 50 <= RULE.judge(near).confidence <= RULE.judge(far).confidence < 100
