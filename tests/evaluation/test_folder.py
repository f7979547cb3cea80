"""Identification by leave-one-out: on real photographs, and against counts done by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from candid.evaluation.folder import (
    Labelled,
    evaluate_folder,
    find_photographs,
    genuine_and_impostor,
    group_rates,
    identify,
    read_groups,
)
from candid.evaluation.verification import LabelError
from candid.vision import Engine


def test_people_in_folders(engine: Engine, people: Path) -> None:
    groups = {f"{folder.name}/one.jpg": folder.name[:7] for folder in people.iterdir()}
    report = evaluate_folder(engine, people, groups=groups)
    assert (report.persons, report.photographs) == (9, 18)
    assert (report.verification.genuine, report.verification.impostor) == (9, 144)
    assert report.identification.rank_1 == 1
    assert report.identification.fnir == 0
    assert {rates.group: rates.impostor for rates in report.groups} == {"sample5": 10, "sample6": 6}


def by_hand() -> Labelled:
    """Two photographs of a, one of b, one of c in which no face was found; cosines are easy to see."""
    embeddings = np.array([[1, 0], [0.8, 0.6], [0, 1], [0, 0]], np.float32)
    return Labelled(
        names=["a/1", "a/2", "b/1", "c/1"],
        persons=np.array([0, 0, 1, 2]),
        embeddings=embeddings,
        found=np.array([True, True, True, False]),
    )


def test_identification_by_hand() -> None:
    # a/1: mate .8, stranger 0; a/2: mate .8, stranger .6; b/1: stranger .6; c/1: nothing.
    found = identify(by_hand(), 0.5)
    assert (found.searches, found.gallery) == (4, 3)
    assert found.rank_1 == 1
    assert found.fnir == 0
    assert found.fpir == 0.5
    strict = identify(by_hand(), 0.7)
    assert (strict.fnir, strict.fpir) == (0, 0)
    assert identify(by_hand(), 0.9).fnir == 1
    uncalibrated = identify(by_hand(), None)
    assert (uncalibrated.rank_1, uncalibrated.fnir, uncalibrated.fpir) == (1, None, None)


def test_pairs_by_hand() -> None:
    genuine, impostor = genuine_and_impostor(by_hand())
    assert genuine == pytest.approx([0.8])
    assert sorted(impostor) == pytest.approx([-2, -2, -2, 0, 0.6])
    (rates,) = group_rates(by_hand(), {"a/1": "g", "a/2": "g", "b/1": "g"}, 0.5)
    assert (rates.genuine, rates.impostor, rates.fmr, rates.fnmr) == (1, 2, 0.5, 0)


def test_what_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="is no folder"):
        find_photographs(tmp_path / "missing")
    with pytest.raises(LabelError, match="two or more people"):
        find_photographs(tmp_path)
    (tmp_path / "groups.csv").write_text("file;group\n")
    with pytest.raises(LabelError, match="header must be file,group"):
        read_groups(tmp_path / "groups.csv")
