"""Verification from a list of labelled pairs: the figures of `candid evaluate verification`."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from candid.evaluation.metrics import (
    UNDETECTED,
    Scores,
    accuracy_at,
    area_under_curve,
    best_accuracy,
    equal_error_rate,
    rates_at,
    tar_at_far,
)
from candid.evaluation.templates import Templates, make_templates
from candid.vision import Engine
from candid.vision.calibration import Calibration, CalibrationError

FARS = ("0.1", "0.01", "0.001", "0.0001")
SIMILARITIES = (80.0, 99.0)


class LabelError(Exception):
    """The labels cannot be used; the message says which line and why."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two files and whether they show the same person."""

    x: str
    y: str
    genuine: bool


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of one run; rates are None where there are no pairs of that kind."""

    pairs: int
    genuine: int
    impostor: int
    undetected: int
    files_without_face: int
    auc: float | None
    eer: float | None
    tar_at_far: dict[str, float | None]
    fnmr: float | None
    fmr_at_similarity: dict[str, float | None]
    fnmr_at_similarity: dict[str, float | None]
    accuracy: float | None
    best_accuracy: float | None
    best_accuracy_at_similarity: float | None
    model: str
    seconds: float


def read_pairs(file: Path) -> list[Pair]:
    """Read `file_x,file_y,Decision` with Decision Yes or No.

    Raises:
        LabelError: the file or a line of it is not of this form, or there is no pair.
    """
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.DictReader(lines)
            missing = {"file_x", "file_y", "Decision"} - set(reader.fieldnames or ())
            if missing:
                raise LabelError(
                    f"{file}: the header must be file_x,file_y,Decision; {sorted(missing)} missing"
                )
            pairs = [_pair(row, f"{file}:{reader.line_num}") for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LabelError(f"cannot read {file}: {error}") from error
    if not pairs:
        raise LabelError(f"{file} holds no pair")
    return pairs


def _pair(row: dict[str, str | None], where: str) -> Pair:
    x, y, decision = row["file_x"], row["file_y"], (row["Decision"] or "").strip().lower()
    if not x or not y or decision not in {"yes", "no"}:
        raise LabelError(
            f"{where}: expected two file names and Yes or No, found {x!r}, {y!r}, {row['Decision']!r}"
        )
    return Pair(x, y, decision == "yes")


def evaluate_pairs(
    engine: Engine, pairs: list[Pair], images: Path, *, advance: Callable[[], None] = lambda: None
) -> Report:
    """Compare the largest face of each pair's files.

    Args:
        engine: finds and embeds; its default embedder and that one's calibration are measured.
        pairs: the labelled pairs.
        images: the folder that the names in the pairs are relative to.
        advance: called after each distinct file.

    Raises:
        LabelError: a named file does not exist.
    """
    names = sorted({pair.x for pair in pairs} | {pair.y for pair in pairs})
    absent = [name for name in names if not (images / name).is_file()]
    if absent:
        raise LabelError(f"{len(absent)} of {len(names)} files are not in {images}, the first: {absent[0]}")
    started = time.perf_counter()
    templates = make_templates(engine, ((name, images / name) for name in names), advance=advance)
    seconds = time.perf_counter() - started
    genuine, impostor = pair_scores(pairs, templates)
    return report(engine, genuine, impostor, without_face=len(templates.without_face), seconds=seconds)


def pair_scores(pairs: list[Pair], templates: Templates) -> tuple[Scores, Scores]:
    """Cosine of each genuine and of each impostor pair; `UNDETECTED` where a face was not found."""
    scores: dict[bool, list[float]] = {True: [], False: []}
    for pair in pairs:
        a, b = templates.embeddings.get(pair.x), templates.embeddings.get(pair.y)
        scores[pair.genuine].append(UNDETECTED if a is None or b is None else float(a @ b))
    return np.array(scores[True]), np.array(scores[False])


def calibration_of(engine: Engine) -> Calibration | None:
    """The curve of the engine's default embedder; None for one that has none yet, whose similarities mean nothing."""
    try:
        return engine.calibration(engine.default_contract.id)
    except CalibrationError:
        return None


def report(engine: Engine, genuine: Scores, impostor: Scores, *, without_face: int, seconds: float) -> Report:
    """All figures of a set of scores; those at a similarity are None where the default embedder has no calibration."""
    contract = engine.default_contract
    calibration = calibration_of(engine)
    at = (
        {}
        if calibration is None
        else {s: rates_at(genuine, impostor, calibration.score(s)) for s in SIMILARITIES}
    )
    default = at.get(80.0)
    best = best_accuracy(genuine, impostor)
    return Report(
        pairs=genuine.size + impostor.size,
        genuine=genuine.size,
        impostor=impostor.size,
        undetected=int(np.sum(genuine == UNDETECTED) + np.sum(impostor == UNDETECTED)),
        files_without_face=without_face,
        auc=area_under_curve(genuine, impostor),
        eer=equal_error_rate(genuine, impostor),
        tar_at_far={far: tar_at_far(genuine, impostor, float(far)) for far in FARS},
        fnmr=None if default is None else default.fnmr,
        fmr_at_similarity={f"{s:g}": rates.fmr for s, rates in at.items()},
        fnmr_at_similarity={f"{s:g}": rates.fnmr for s, rates in at.items()},
        accuracy=None if default is None else accuracy_at(genuine, impostor, default.threshold),
        best_accuracy=best[0] if best else None,
        best_accuracy_at_similarity=calibration.similarity(best[1]) if best and calibration is not None else None,
        model=contract.id,
        seconds=round(seconds, 3),
    )
