"""The curve from score to similarity: its shape, its fit, its files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import candid.vision.calibration as room
from candid.evaluation.calibration import ANCHORS, fit_calibration
from candid.vision import Engine
from candid.vision.calibration import Calibration, CalibrationError, find_calibration, parse_calibration

SHIPPED = sorted(Path(room.__file__).with_name("calibrations").glob("*.json"))


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_shipped_curves(file: Path) -> None:
    curve = parse_calibration(json.loads(file.read_text()))
    assert curve.similarity(-1) == 0
    assert curve.similarity(1) == 100
    assert "pairs" in curve.measured_on
    assert {similarity for _, similarity in curve.points} >= {80.0, 99.0}


def test_the_default_embedder_has_one(engine: Engine) -> None:
    assert 0.3 < engine.calibration(engine.default_contract.id).score(80) < 0.7


@given(st.floats(-1.5, 1.5), st.floats(-1.5, 1.5))
def test_no_ranking_is_changed(a: float, b: float) -> None:
    curve = parse_calibration(json.loads(SHIPPED[0].read_text()))
    low, high = sorted((a, b))
    assert 0 <= curve.similarity(low) <= curve.similarity(high) <= 100
    assert curve.score(curve.similarity(a)) == pytest.approx(min(max(a, -1), 1), abs=1e-9)


def test_a_known_distribution_is_found_again() -> None:
    scores = np.random.default_rng(1).normal(0.05, 0.1, 200_000)
    curve = fit_calibration(scores, measured_on="made up")
    for fmr, similarity in ANCHORS:
        expected = NormalDist(0.05, 0.1).inv_cdf(1 - fmr) if fmr < 0.5 else 0.05
        assert curve.score(similarity) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(
    ("scores", "says"),
    [
        (np.zeros(499), "too few"),
        (np.zeros(2000), "all impostor scores are alike"),
        (np.linspace(0.9, 1.0, 2000), "does not tell these faces apart"),
    ],
)
def test_scores_that_give_no_curve(scores: np.ndarray, says: str) -> None:
    with pytest.raises(CalibrationError, match=says):
        fit_calibration(scores, measured_on="made up")


@pytest.mark.parametrize(
    "points",
    [
        [(-1, 0)],
        [(-1, 0), (0.5, 80)],
        [(-1, 0), (0.5, 80), (0.5, 90), (1, 100)],
        [(-1, 0), (0.5, 80), (0.6, 70), (1, 100)],
        [(-1, 0), (float("nan"), 80), (1, 100)],
    ],
)
def test_curves_that_are_none(points: list[tuple[float, float]]) -> None:
    with pytest.raises(CalibrationError):
        Calibration(tuple(points), "made up")


def test_an_operators_own_curve_comes_first(engine: Engine, tmp_path: Path) -> None:
    contract = engine.default_contract.id
    own = {"measured_on": "own", "points": [[-1, 0], [0.5, 80], [1, 100]]}
    (tmp_path / f"{contract}.json").write_text(json.dumps(own))
    assert find_calibration(contract, folder=tmp_path).measured_on == "own"
    (tmp_path / f"{contract}.json").write_text("{")
    with pytest.raises(CalibrationError, match="cannot be read"):
        find_calibration(contract, folder=tmp_path)
    with pytest.raises(CalibrationError, match="candid evaluate calibrate"):
        find_calibration("another-1.0-0123456789ab-p1-128", folder=tmp_path)


def test_too_few_people_are_refused_by_the_command(people: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "candid", "evaluate", "calibrate", str(people), "--measured-on", "test"]
    done = subprocess.run(
        [*command, "-o", str(tmp_path / "curve.json")],
        capture_output=True,
        text=True,
        check=False,
        env=dict(os.environ),
    )
    assert (done.returncode, "too few to calibrate" in done.stderr) == (2, True), done.stderr
    assert not (tmp_path / "curve.json").exists()
