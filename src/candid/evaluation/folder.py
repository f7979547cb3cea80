"""Verification and identification from a folder with one sub-folder a person: `candid evaluate folder`.

Identification searches each photograph in a gallery of all the others (leave-one-out). FNIR is the share of
searches, of persons who have another photograph, in which no photograph of that person comes out at or
above the threshold; FPIR the share of searches, with all photographs of the probe's person taken out of the
gallery, that bring anyone (ISO/IEC 19795-1). A photograph in which no face is found counts as a miss.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from candid.evaluation.metrics import UNDETECTED, Scores, rates_at
from candid.evaluation.templates import Templates, make_templates
from candid.evaluation.verification import LabelError, Report, calibration_of, report
from candid.vision import Engine

SUFFIXES = {".jpg", ".jpeg", ".png"}


@dataclass(frozen=True, slots=True)
class Identification:
    """Leave-one-out identification at the default threshold; None where there is no such search."""

    searches: int
    gallery: int
    threshold_similarity: float
    rank_1: float | None
    fnir: float | None
    fpir: float | None


@dataclass(frozen=True, slots=True)
class GroupRates:
    """FMR and FNMR of the pairs within one group, at the default threshold."""

    group: str
    genuine: int
    impostor: int
    fmr: float | None
    fnmr: float | None


@dataclass(frozen=True, slots=True)
class FolderReport:
    """Everything that `candid evaluate folder` prints."""

    persons: int
    photographs: int
    verification: Report
    identification: Identification
    groups: list[GroupRates]
    worst_to_best: dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Labelled:
    """All templates as a matrix; a photograph without a face has a row of zeros and `found` False."""

    names: list[str]
    persons: NDArray[np.int64]
    embeddings: NDArray[np.float32]
    found: NDArray[np.bool_]

    def scores(self) -> NDArray[np.float64]:
        """Cosine of every pair, `UNDETECTED` where a face was not found, shape (n, n)."""
        scores = (self.embeddings @ self.embeddings.T).astype(np.float64)
        scores[~self.found, :] = UNDETECTED
        scores[:, ~self.found] = UNDETECTED
        return scores


def find_photographs(folder: Path) -> list[tuple[str, Path]]:
    """Name (`person/file`) and path of each photograph.

    Raises:
        LabelError: there is no such folder, or it holds fewer than two persons.
    """
    if not folder.is_dir():
        raise LabelError(f"{folder} is no folder")
    files = sorted(p for p in folder.glob("*/*") if p.suffix.lower() in SUFFIXES and p.is_file())
    if len({file.parent.name for file in files}) < 2:
        raise LabelError(
            f"{folder} must hold a sub-folder of JPEG or PNG photographs for each of two or more people"
        )
    return [(f"{file.parent.name}/{file.name}", file) for file in files]


def label(files: list[tuple[str, Path]], templates: Templates) -> Labelled:
    """Templates and persons as arrays, in the order of `files`."""
    persons = {person: i for i, person in enumerate(sorted({name.split("/")[0] for name, _ in files}))}
    width = next((e.size for e in templates.embeddings.values()), 1)
    embeddings = np.zeros((len(files), width), np.float32)
    for i, (name, _) in enumerate(files):
        if name in templates.embeddings:
            embeddings[i] = templates.embeddings[name]
    return Labelled(
        names=[name for name, _ in files],
        persons=np.array([persons[name.split("/")[0]] for name, _ in files]),
        embeddings=embeddings,
        found=np.array([name in templates.embeddings for name, _ in files]),
    )


def genuine_and_impostor(labelled: Labelled) -> tuple[Scores, Scores]:
    """Scores of all pairs of photographs, each once."""
    scores = labelled.scores()
    upper = np.triu(np.ones_like(scores, dtype=bool), k=1)
    same = labelled.persons[:, None] == labelled.persons[None, :]
    return scores[upper & same], scores[upper & ~same]


def evaluate_folder(
    engine: Engine,
    folder: Path,
    *,
    groups: Mapping[str, str] | None = None,
    advance: Callable[[], None] = lambda: None,
) -> FolderReport:
    """Measure the engine's default embedder on a folder of labelled photographs.

    Raises:
        LabelError: see `find_photographs`.
    """
    files = find_photographs(folder)
    started = time.perf_counter()
    templates = make_templates(engine, files, advance=advance)
    seconds = time.perf_counter() - started
    labelled = label(files, templates)
    genuine, impostor = genuine_and_impostor(labelled)
    calibration = calibration_of(engine)
    threshold = None if calibration is None else calibration.score(80.0)
    by_group = [] if threshold is None else group_rates(labelled, groups or {}, threshold)
    return FolderReport(
        persons=len(set(labelled.persons.tolist())),
        photographs=len(files),
        verification=report(
            engine, genuine, impostor, without_face=len(templates.without_face), seconds=seconds
        ),
        identification=identify(labelled, threshold),
        groups=by_group,
        worst_to_best={
            "fmr": _worst_to_best([g.fmr for g in by_group]),
            "fnmr": _worst_to_best([g.fnmr for g in by_group]),
        },
    )


def identify(labelled: Labelled, threshold: float | None) -> Identification:
    """Search each photograph among all others, with and without those of its own person."""
    scores = labelled.scores()
    np.fill_diagonal(scores, -np.inf)
    same = labelled.persons[:, None] == labelled.persons[None, :]
    mates = np.where(same, scores, -np.inf).max(axis=1)
    others = np.where(same, -np.inf, scores).max(axis=1)
    has_mate = same.sum(axis=1) > 1
    n = len(labelled.names)
    return Identification(
        searches=n,
        gallery=n - 1,
        threshold_similarity=80.0,
        rank_1=_mean((mates > others) & (mates > UNDETECTED), has_mate),
        fnir=None if threshold is None else _mean(mates < threshold, has_mate),
        fpir=None if threshold is None else _mean(others >= threshold, np.ones(n, bool)),
    )


def _mean(values: NDArray[np.bool_], where: NDArray[np.bool_]) -> float | None:
    return float(np.mean(values[where])) if where.any() else None


def read_groups(file: Path) -> dict[str, str]:
    """Read `file,group`, with files as `person/file`.

    Raises:
        LabelError: the file has another form.
    """
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.DictReader(lines)
            if not {"file", "group"} <= set(reader.fieldnames or ()):
                raise LabelError(f"{file}: the header must be file,group")
            return {row["file"]: row["group"] for row in reader if row["file"] and row["group"]}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LabelError(f"cannot read {file}: {error}") from error


def group_rates(labelled: Labelled, groups: Mapping[str, str], threshold: float) -> list[GroupRates]:
    """Error rates of the pairs whose two photographs belong to the same group."""
    out = []
    scores = labelled.scores()
    for group in sorted(set(groups.values())):
        members = np.array(
            [i for i, name in enumerate(labelled.names) if groups.get(name) == group], dtype=int
        )
        if members.size < 2:
            continue
        part = scores[np.ix_(members, members)]
        same = labelled.persons[members][:, None] == labelled.persons[members][None, :]
        upper = np.triu(np.ones_like(part, dtype=bool), k=1)
        genuine, impostor = part[upper & same], part[upper & ~same]
        rates = rates_at(genuine, impostor, threshold)
        out.append(GroupRates(group, genuine.size, impostor.size, rates.fmr, rates.fnmr))
    return out


def _worst_to_best(rates: list[float | None]) -> float | None:
    known = [rate for rate in rates if rate is not None]
    if len(known) < 2:
        return None
    # With no error in the best group the ratio has no value: 1 where no group has one, else unbounded.
    if min(known) == 0:
        return 1.0 if max(known) == 0 else None
    return max(known) / min(known)
