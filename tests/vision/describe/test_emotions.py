from __future__ import annotations

import botocore.session
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from candid.vision.describe.emotions import NAMES, named


@given(st.lists(st.floats(2**-10, 1, width=32), min_size=7, max_size=7))
def test_confidences_sum_to_100_highest_first(raw: list[float]) -> None:
    probabilities = np.array(raw, np.float32) / sum(raw)
    found = named(probabilities)
    assert set(found) == set(NAMES)
    assert sum(found.values()) == pytest.approx(100, abs=0.01)
    assert list(found.values()) == sorted(found.values(), reverse=True)


@given(st.integers(0, 6), st.floats(0.001, 0.5))
def test_more_of_an_expression_is_more_confidence(which: int, more: float) -> None:
    before = np.full(7, 1 / 7)
    after = before.copy()
    after[which] += more
    assert named(after / after.sum())[NAMES[which]] > named(before)[NAMES[which]]


@pytest.mark.parametrize("name", NAMES)
def test_a_certain_model_is_believed(name: str) -> None:
    certain = (np.array(NAMES) == name).astype(np.float32)
    assert next(iter(named(certain))) == name


def test_names_are_amazons_without_confused() -> None:
    model = botocore.session.get_session().get_service_model("rekognition")
    assert set(NAMES) == set(model.shape_for("EmotionName").enum) - {"CONFUSED", "UNKNOWN"}
