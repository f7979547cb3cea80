from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from candid.vision import Gender
from candid.vision.describe.looks import age_range, gender


@pytest.mark.parametrize(("year", "low", "high"), [(30, 26, 43), (0, 0, 13), (3, 0, 16), (99, 95, 112)])
def test_the_range_lies_around_the_mean(year: int, low: int, high: int) -> None:
    years = np.zeros(100, np.float32)
    years[year] = 1
    found = age_range(years)
    assert (found.low, found.high) == (low, high)


@given(st.lists(st.floats(0, 1, width=32), min_size=100, max_size=100))
def test_a_range_is_in_order(years: list[float]) -> None:
    found = age_range(np.array(years, np.float32))
    assert 0 <= found.low <= found.high


@pytest.mark.parametrize(
    ("male", "value", "confidence"),
    [(0.9, "Male", 90), (0.2, "Female", 80), (1.0, "Male", 99.75), (0.0, "Female", 99.75)],
)
def test_the_likelier_word_with_its_probability(male: float, value: str, confidence: float) -> None:
    assert gender(male) == Gender(value, pytest.approx(confidence, abs=0.01))
