"""Similarity, 0 to 100, from the raw score of an embedder: a monotone, documented curve for each contract.

A cosine means nothing by itself: 0.4 may be a certain match of one model and chance of another. Candid shows
a similarity instead, whose meaning is the same for all models: 80 is the score that one impostor pair in a
thousand reaches, 99 the score that one in a hundred thousand reaches. Where the curve comes from, and how
far it can be trusted, stands with it (`measured_on`).
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from candid.vision.errors import VisionError


class CalibrationError(VisionError):
    """A contract has no calibration, or its file cannot be used."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """A piecewise linear curve through `points`, (score, similarity), rising strictly in both.

    Attributes:
        points: from (-1, 0) to (1, 100), the range of a cosine.
        measured_on: what the curve was fitted on, with sizes, for people.
    """

    points: tuple[tuple[float, float], ...]
    measured_on: str

    def __post_init__(self) -> None:
        if len(self.points) < 2 or self.points[0] != (-1.0, 0.0) or self.points[-1] != (1.0, 100.0):
            raise CalibrationError(
                "a calibration runs from score -1, similarity 0, to score 1, similarity 100"
            )
        pairs = zip(self.points, self.points[1:], strict=False)
        if any(not (a[0] < b[0] and a[1] < b[1]) for a, b in pairs):
            raise CalibrationError("the points of a calibration must rise strictly")

    def similarity(self, score: float) -> float:
        """Similarity of a raw score; scores outside -1…1 (rounding) are clamped."""
        return _interpolate(score, [p[0] for p in self.points], [p[1] for p in self.points])

    def score(self, similarity: float) -> float:
        """The raw score of a similarity: the inverse of `similarity`."""
        return _interpolate(similarity, [p[1] for p in self.points], [p[0] for p in self.points])


def _interpolate(x: float, xs: list[float], ys: list[float]) -> float:
    if x <= xs[0]:
        return ys[0]
    if x >= xs[-1]:
        return ys[-1]
    i = bisect_right(xs, x)
    share = (x - xs[i - 1]) / (xs[i] - xs[i - 1])
    return ys[i - 1] + share * (ys[i] - ys[i - 1])


def parse_calibration(document: Mapping[str, Any]) -> Calibration:
    """Read `{"points": [[score, similarity], …], "measured_on": "…"}`.

    Raises:
        CalibrationError: the document has another form.
    """
    try:
        points = tuple((float(score), float(similarity)) for score, similarity in document["points"])
        return Calibration(points, str(document["measured_on"]))
    except (KeyError, TypeError, ValueError) as error:
        raise CalibrationError(f"not a calibration: {error}") from error


def find_calibration(contract_id: str, *, folder: Path | None) -> Calibration:
    """The calibration of an embedding contract.

    Args:
        contract_id: as in `EmbeddingContract.id`.
        folder: where the operator's own calibrations lie, `<contract id>.json`; they come before Candid's.

    Raises:
        CalibrationError: there is none; the message says how to make one.
    """
    own = folder / f"{contract_id}.json" if folder is not None else None
    shipped = Path(__file__).with_name("calibrations") / f"{contract_id}.json"
    for file in (own, shipped):
        if file is not None and file.is_file():
            try:
                return parse_calibration(json.loads(file.read_text(encoding="utf-8")))
            except (OSError, ValueError) as error:
                raise CalibrationError(f"{file} cannot be read: {error}") from error
    raise CalibrationError(
        f"the embedder {contract_id} has no calibration, and an uncalibrated score is never shown as a similarity; "
        "make one with `candid evaluate calibrate FOLDER` from labelled photographs"
    )
