"""All pairs of faces in the labelled photographs and the demo's: the figures that docs/calibration.md states.

`people.csv` says for each face where its centre is (ratios of the image) and, by a number, which face shows the same
person. Faces of two different photographs of the demo are not compared: who is the same there cannot be told by eye.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from candid.benchmarks.rivals import RivalMissing, open_rival
from candid.evaluation.metrics import UNDETECTED, Scores, rates_at, tar_at_far
from candid.vision import Box, Engine, Image, ImageLimits, decode_image

HERE = Path(__file__).parent


@dataclass(frozen=True)
class LabelledFace:
    folder: str
    file: str
    x: float
    y: float
    person: str

    def within(self, box: Box, image: Image) -> bool:
        x, y = self.x * image.width, self.y * image.height
        return box.left <= x <= box.left + box.width and box.top <= y <= box.top + box.height


@pytest.fixture(scope="module")
def labels() -> list[LabelledFace]:
    with (HERE / "data" / "people.csv").open() as file:
        return [
            LabelledFace(row["folder"], row["file"], float(row["x"]), float(row["y"]), row["person"])
            for row in csv.DictReader(file)
        ]


@pytest.fixture(scope="module")
def image_of(labelled_faces: Path, samples: dict[str, Path]) -> Callable[[LabelledFace], Image]:
    def read(face: LabelledFace) -> Image:
        path = samples[Path(face.file).stem] if face.folder == "samples" else labelled_faces / "images" / face.file
        return decode_image(path.read_bytes(), limits=ImageLimits())

    return read


def scores(
    labels: list[LabelledFace], score: Callable[[LabelledFace, LabelledFace], float]
) -> tuple[Scores, Scores]:
    found: dict[bool, list[float]] = {True: [], False: []}
    for a, b in combinations(labels, 2):
        same = a.person == b.person
        if same or a.file == b.file or not a.folder == b.folder == "samples":
            found[same].append(score(a, b))
    return np.array(found[True]), np.array(found[False])


@pytest.fixture(scope="module")
def ours(
    engine: Engine, labels: list[LabelledFace], image_of: Callable[[LabelledFace], Image]
) -> tuple[Scores, Scores]:
    embeddings = {}
    for face in labels:
        image = image_of(face)
        around = [each for each in engine.detect(image, max_faces=100) if face.within(each.box, image)]
        if around:
            embeddings[face] = engine.embed(image, around[:1])[0]
    return scores(
        labels,
        lambda a, b: float(embeddings[a] @ embeddings[b]) if a in embeddings and b in embeddings else UNDETECTED,
    )


def test_the_curve_holds(engine: Engine, ours: tuple[Scores, Scores]) -> None:
    genuine, impostor = ours
    assert (genuine.size, impostor.size) == (194, 4281)
    assert not np.any(genuine == UNDETECTED)
    curve = engine.calibration(engine.default_contract.id)
    at_80, at_99 = (rates_at(genuine, impostor, curve.score(s)) for s in (80, 99))
    assert at_80.fmr is not None
    assert at_80.fmr <= 0.001
    assert at_80.fnmr is not None
    assert at_80.fnmr <= 0.09
    assert at_99.fmr == 0
    tar = tar_at_far(genuine, impostor, 0.001)
    assert tar is not None
    assert tar >= 0.93


@pytest.mark.slow
def test_more_genuine_pairs_than_face_recognition(
    labels: list[LabelledFace], image_of: Callable[[LabelledFace], Image], ours: tuple[Scores, Scores]
) -> None:
    try:
        rival = open_rival("face_recognition")
    except RivalMissing as missing:
        pytest.skip(str(missing))
    embed_at = rival.embed_at
    assert embed_at is not None
    templates = {face: embed_at(image_of(face), face.x, face.y) for face in labels}
    theirs = scores(
        labels,
        lambda a, b: (
            UNDETECTED
            if templates[a] is None or templates[b] is None
            else -float(np.linalg.norm(templates[a] - templates[b]))
        ),
    )
    found = {name: tar_at_far(*pairs, 0.001) for name, pairs in (("candid", ours), ("face_recognition", theirs))}
    print(found, "faces found by face_recognition:", sum(t is not None for t in templates.values()))
    assert found["candid"] > found["face_recognition"]
