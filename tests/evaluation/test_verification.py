"""Verification on real photographs, and labels that cannot be used."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from candid.evaluation.verification import LabelError, evaluate_pairs, read_pairs
from candid.vision import Engine


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_labelled_photographs(engine: Engine, labelled_faces: Path) -> None:
    pairs = read_pairs(labelled_faces / "pairs.csv")
    advanced: list[int] = []
    report = evaluate_pairs(engine, pairs, labelled_faces / "images", advance=lambda: advanced.append(1))
    assert report.pairs == len(pairs) == report.genuine + report.impostor
    assert len(advanced) == len({pair.x for pair in pairs} | {pair.y for pair in pairs})
    assert report.undetected == 0
    assert report.tar_at_far["0.001"] is not None
    assert report.tar_at_far["0.001"] >= 0.97
    assert report.fmr_at_similarity["80"] is not None
    assert report.fmr_at_similarity["80"] <= 0.01


def test_people_in_folders_as_pairs(engine: Engine, people: Path, tmp_path: Path) -> None:
    names = sorted(folder.name for folder in people.iterdir())
    with (tmp_path / "pairs.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["file_x", "file_y", "Decision"])
        rows.writerows([f"{name}/one.jpg", f"{name}/two.jpg", "Yes"] for name in names)
        rows.writerows([f"{a}/one.jpg", f"{b}/two.jpg", "No"] for a in names for b in names if a < b)
    report = evaluate_pairs(engine, read_pairs(tmp_path / "pairs.csv"), people)
    assert (report.genuine, report.impostor) == (9, 36)
    assert report.fnmr == 0
    assert report.accuracy is not None
    assert report.accuracy > 0.95


def test_a_photograph_without_a_face_is_refused_never_accepted(
    engine: Engine, astronaut: bytes, coffee: bytes, tmp_path: Path
) -> None:
    (tmp_path / "a.jpg").write_bytes(astronaut)
    (tmp_path / "c.jpg").write_bytes(coffee)
    (tmp_path / "n.jpg").write_bytes(b"no image")
    labels = "file_x,file_y,Decision\na.jpg,a.jpg,Yes\na.jpg,c.jpg,Yes\na.jpg,n.jpg,No\n"
    report = evaluate_pairs(engine, read_pairs(write(tmp_path / "p.csv", labels)), tmp_path)
    assert (report.undetected, report.files_without_face) == (2, 2)
    assert report.fnmr == 0.5
    assert report.fmr_at_similarity["80"] == 0


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        ("", "header must be"),
        ("a,b,c\n1,2,Yes\n", "header must be"),
        ("file_x,file_y,Decision\n", "holds no pair"),
        ("file_x,file_y,Decision\na.jpg,b.jpg,Maybe\n", ":2: expected"),
        ("file_x,file_y,Decision\na.jpg,,Yes\n", ":2: expected"),
        ("file_x,file_y,Decision\na.jpg\n", ":2: expected"),
    ],
)
def test_labels_that_cannot_be_used(tmp_path: Path, labels: str, says: str) -> None:
    with pytest.raises(LabelError, match=says):
        read_pairs(write(tmp_path / "pairs.csv", labels))


def test_files_that_are_not_there(engine: Engine, tmp_path: Path) -> None:
    labels = write(tmp_path / "pairs.csv", "file_x,file_y,Decision\na.jpg,b.jpg,Yes\n")
    with pytest.raises(LabelError, match="2 of 2 files are not in"):
        evaluate_pairs(engine, read_pairs(labels), tmp_path)
    with pytest.raises(LabelError, match="cannot read"):
        read_pairs(tmp_path / "missing.csv")
