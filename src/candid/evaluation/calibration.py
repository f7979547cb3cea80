"""Fits the curve from raw score to similarity on the scores of impostor pairs.

Similarity is anchored to false match rates (FMR): 80 at 1e-3 and 99 at 1e-5, as users of Amazon Rekognition
expect of their two usual thresholds. Few collections of photographs hold the 100,000 impostor pairs or more
that show a rate of 1e-5, so the upper tail is extrapolated: impostor scores of a good embedder are close to
normal, and a line through the upper part of the normal quantile plot gives the score of each smaller rate.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from candid.evaluation.metrics import Scores
from candid.vision.calibration import Calibration, CalibrationError

# FMR → similarity. 80 and 99 are the promise; the others keep the curve smooth in log FMR between them.
ANCHORS = ((0.5, 10.0), (1e-1, 40.0), (1e-2, 60.0), (1e-3, 80.0), (1e-4, 90.0), (1e-5, 99.0))
# Fewer impostor pairs than this say too little of the tail.
MINIMUM_PAIRS = 500
# The line is fitted from this quantile of the impostor scores upwards …
TAIL_FROM = 0.80
# … to the score that this many pairs exceed: beyond it single pairs rule.
TAIL_LEFT_OUT = 5


def fit_calibration(impostor: Scores, *, measured_on: str) -> Calibration:
    """The calibration of an embedder from its impostor scores (undetected pairs left out).

    Raises:
        CalibrationError: there are fewer than `MINIMUM_PAIRS` pairs, or all scores are alike.
    """
    if impostor.size < MINIMUM_PAIRS:
        raise CalibrationError(
            f"{impostor.size} impostor pairs are too few to calibrate; {MINIMUM_PAIRS} are needed, "
            "that is about 35 photographs of as many people"
        )
    line = fit_tail(impostor)
    ceiling = 0.999
    points = [(-1.0, 0.0)]
    for fmr, similarity in ANCHORS:
        score = min(line.score_at(fmr), ceiling)
        if score <= points[-1][0]:
            raise CalibrationError(
                "this embedder does not tell these faces apart: impostors score like genuine"
            )
        points.append((round(score, 6), similarity))
    return Calibration((*points, (1.0, 100.0)), measured_on)


class TailLine:
    """score = offset + slope · z, with z the normal quantile of 1 − FMR."""

    def __init__(self, offset: float, slope: float) -> None:
        self.offset = offset
        self.slope = slope

    def score_at(self, fmr: float) -> float:
        """The score that the share `fmr` of impostor pairs reaches, by the line."""
        return self.offset + self.slope * NormalDist().inv_cdf(1.0 - fmr)


def fit_tail(impostor: Scores) -> TailLine:
    """Least squares through the upper part of the normal quantile plot of the scores."""
    ordered = np.sort(impostor)
    n = ordered.size
    # Plotting positions (i − 0.5)/n: Hazen 1914, the usual choice for normal plots.
    positions = (np.arange(1, n + 1) - 0.5) / n
    chosen = (positions >= TAIL_FROM) & (np.arange(n) < n - TAIL_LEFT_OUT)
    z = np.array([NormalDist().inv_cdf(p) for p in positions[chosen]])
    slope, offset = np.polyfit(z, ordered[chosen], 1)
    if not slope > 0:
        raise CalibrationError("all impostor scores are alike; this is no embedder")
    return TailLine(float(offset), float(slope))
