"""Error rates against plain definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from candid.evaluation.metrics import (
    UNDETECTED,
    accuracy_at,
    area_under_curve,
    best_accuracy,
    equal_error_rate,
    rates_at,
    rule_of_three,
    tar_at_far,
    threshold_at_fmr,
)

SCORES = st.lists(st.floats(-1, 1).map(lambda x: round(x, 2)), min_size=1, max_size=40).map(np.array)


@given(SCORES, SCORES)
def test_area_under_curve_is_the_share_of_ordered_pairs(genuine, impostor):
    plain = np.mean([1.0 if g > i else 0.5 if g == i else 0.0 for g in genuine for i in impostor])
    assert area_under_curve(genuine, impostor) == pytest.approx(plain)


@given(SCORES, st.sampled_from([0.1, 0.01, 0.001, 0.29, 0.5]))
def test_threshold_keeps_the_promised_rate_and_is_the_lowest_that_does(impostor, fmr):
    threshold = threshold_at_fmr(impostor, fmr)
    assert np.mean(impostor >= threshold) <= fmr + 1e-9
    lower = [t for t in np.unique(impostor) if t < threshold]
    if lower:
        assert np.mean(impostor >= lower[-1]) > fmr


@given(SCORES, SCORES)
def test_equal_error_rate_lies_between_the_rates_around_the_crossing(genuine, impostor):
    eer = equal_error_rate(genuine, impostor)
    assert 0 <= eer <= 1
    thresholds = np.append(np.unique(np.concatenate([genuine, impostor])), np.inf)
    smallest_worst = min(max(np.mean(impostor >= t), np.mean(genuine < t)) for t in thresholds)
    assert eer <= smallest_worst + 1e-9


@given(SCORES, SCORES)
def test_best_accuracy_is_reached_at_its_threshold_and_nowhere_exceeded(genuine, impostor):
    best, threshold = best_accuracy(genuine, impostor)
    assert accuracy_at(genuine, impostor, threshold) == pytest.approx(best)
    for t in np.concatenate([genuine, impostor]):
        assert accuracy_at(genuine, impostor, t) <= best + 1e-12


def test_undetected_pairs_cost_genuine_and_not_impostor():
    genuine, impostor = np.array([0.9, UNDETECTED]), np.array([0.1, UNDETECTED])
    assert rates_at(genuine, impostor, 0.5).fnmr == 0.5
    assert rates_at(genuine, impostor, 0.5).fmr == 0.0
    assert tar_at_far(genuine, np.array([UNDETECTED, UNDETECTED]), 0.1) == 0.5


def test_a_clean_separation_is_perfect():
    genuine, impostor = np.array([0.8, 0.9]), np.array([0.1, 0.2])
    assert area_under_curve(genuine, impostor) == 1.0
    assert equal_error_rate(genuine, impostor) == 0.0
    assert tar_at_far(genuine, impostor, 1e-4) == 1.0


def test_without_pairs_nothing_is_claimed():
    none, some = np.array([]), np.array([0.5])
    assert rates_at(none, none, 0.5).fmr is None
    assert area_under_curve(none, some) is None
    assert equal_error_rate(some, none) is None
    assert tar_at_far(none, some, 0.1) is None
    assert best_accuracy(none, none) is None
    assert rule_of_three(0) == 1.0
    assert rule_of_three(300) == 0.01
