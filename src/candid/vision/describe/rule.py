"""A yes or no from a few measured numbers, with a calibrated confidence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from candid.vision.facts import Truth

# Beyond this many logits the samples of a few hundred faces say nothing more; the confidence stops at 99.75.
_MOST_LOGITS = 6.0


@dataclass(frozen=True, slots=True)
class Rule:
    """Logistic regression: yes where the weighted sum of the measurements is positive.

    Attributes:
        bias: logit where all measurements are zero.
        weights: logits a unit of each measurement.
    """

    bias: float
    weights: Mapping[str, float]

    def logit(self, measured: Mapping[str, float]) -> float:
        """How much speaks for yes."""
        return self.bias + sum(weight * measured[name] for name, weight in self.weights.items())

    def judge(self, measured: Mapping[str, float]) -> Truth:
        """The answer; the confidence, 50 to 100, is in that answer and grows with the distance from the border."""
        logit = max(-_MOST_LOGITS, min(_MOST_LOGITS, self.logit(measured)))
        return Truth(value=logit > 0, confidence=100 / (1 + math.exp(-abs(logit))))
