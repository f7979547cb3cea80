"""Error rates of one-to-one comparison (verification), from the scores of labelled pairs.

Terms as in ISO/IEC 19795-1: a *genuine* pair shows one person twice, an *impostor* pair two persons. FMR is
the share of impostor pairs that are accepted, FNMR the share of genuine pairs that are refused. A pair in
which a face was not found is *undetected*: it gets the lowest possible score, so it is refused at every
threshold, which costs a genuine pair and not an impostor pair.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]

# The score of a pair in which a face was not found: below every cosine.
UNDETECTED = -2.0


@dataclass(frozen=True, slots=True)
class Rates:
    """FMR and FNMR at one threshold; None where there are no such pairs."""

    threshold: float
    fmr: float | None
    fnmr: float | None


def rates_at(genuine: Scores, impostor: Scores, threshold: float) -> Rates:
    """Error rates when scores of `threshold` and more are accepted."""
    return Rates(
        threshold,
        float(np.mean(impostor >= threshold)) if impostor.size else None,
        float(np.mean(genuine < threshold)) if genuine.size else None,
    )


def threshold_at_fmr(impostor: Scores, fmr: float) -> float:
    """The lowest threshold at which at most the share `fmr` of the impostor pairs is accepted.

    With n pairs this is just above the (⌊fmr·n⌋+1)-th highest impostor score. Below 1/n no impostor pair at
    all may be accepted: the answer then says nothing of rates smaller than 1/n.
    """
    if not impostor.size:
        return -np.inf
    # The ε guards against 0.1·30 = 3.0000000000000004 and the like from the other side: 0.29·100 = 28.999….
    allowed = int(np.floor(fmr * impostor.size + 1e-9))
    if allowed >= impostor.size:
        return -np.inf
    highest_refused = np.sort(impostor)[::-1][allowed]
    return float(np.nextafter(highest_refused, np.inf))


def tar_at_far(genuine: Scores, impostor: Scores, far: float) -> float | None:
    """1 − FNMR at the threshold of `threshold_at_fmr`; an undetected pair is never accepted."""
    if not genuine.size or not impostor.size:
        return None
    threshold = max(threshold_at_fmr(impostor, far), np.nextafter(UNDETECTED, np.inf))
    return float(np.mean(genuine >= threshold))


def area_under_curve(genuine: Scores, impostor: Scores) -> float | None:
    """Probability that a genuine pair scores higher than an impostor pair; ties count half (Mann-Whitney)."""
    if not genuine.size or not impostor.size:
        return None
    ordered = np.sort(impostor)
    below = np.searchsorted(ordered, genuine, side="left")
    up_to = np.searchsorted(ordered, genuine, side="right")
    return float(np.mean(below + up_to) / (2.0 * impostor.size))


def equal_error_rate(genuine: Scores, impostor: Scores) -> float | None:
    """The rate at which FMR and FNMR are equal, interpolated between the two nearest thresholds."""
    if not genuine.size or not impostor.size:
        return None
    thresholds = np.unique(np.concatenate([genuine, impostor, [np.inf]]))
    fmr = 1.0 - np.searchsorted(np.sort(impostor), thresholds, side="left") / impostor.size
    fnmr = np.searchsorted(np.sort(genuine), thresholds, side="left") / genuine.size
    crossing = int(np.argmax(fnmr >= fmr))
    if crossing == 0:
        return float((fmr[0] + fnmr[0]) / 2)
    gap_before = fmr[crossing - 1] - fnmr[crossing - 1]
    gap_after = fnmr[crossing] - fmr[crossing]
    share = gap_before / (gap_before + gap_after) if gap_before + gap_after else 0.0
    return float(fnmr[crossing - 1] + share * (fnmr[crossing] - fnmr[crossing - 1]))


def accuracy_at(genuine: Scores, impostor: Scores, threshold: float) -> float | None:
    """Share of all pairs that are decided rightly at `threshold`."""
    total = genuine.size + impostor.size
    if not total:
        return None
    return float((np.sum(genuine >= threshold) + np.sum(impostor < threshold)) / total)


def best_accuracy(genuine: Scores, impostor: Scores) -> tuple[float, float] | None:
    """The highest accuracy at any threshold, and that threshold; optimistic: chosen on the same pairs."""
    if not genuine.size + impostor.size:
        return None
    thresholds = np.unique(np.concatenate([genuine, impostor, [np.inf]]))
    accepted = genuine.size - np.searchsorted(np.sort(genuine), thresholds, side="left")
    refused = np.searchsorted(np.sort(impostor), thresholds, side="left")
    right = accepted + refused
    best = int(np.argmax(right))
    return float(right[best] / (genuine.size + impostor.size)), float(thresholds[best])


def rule_of_three(trials: int) -> float:
    """Upper 95 % bound of a rate of which no event was seen in `trials` trials: 3/n.

    Source: Hanley and Lippman-Hand, JAMA 249 (1983), "If nothing goes wrong, is everything all right?".
    """
    return min(1.0, 3.0 / trials) if trials else 1.0
