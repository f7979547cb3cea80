"""The face in the astronaut's portrait, and the labelled faces with what Candid tells of them."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data

from candid.vision import DetectedFace, Engine, FaceDescription, Image
from candid.vision.describe.face_chip import FaceChip, face_chip


@pytest.fixture(scope="session")
def face(engine: Engine, astronaut: Image) -> DetectedFace:
    """The astronaut's face."""
    return engine.detect(astronaut, max_faces=1)[0]


@pytest.fixture(scope="session")
def chip(astronaut: Image, face: DetectedFace) -> FaceChip:
    """Its chip."""
    return face_chip(astronaut.pixels, face.mesh)


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """A face that a person looked at, with what they saw and what Candid tells; `label` is a row of labels.csv."""

    image: Image
    face: DetectedFace
    label: dict[str, str]
    description: FaceDescription


def _photograph(folder: Path, name: str) -> Image:
    if name == "astronaut":
        return Image(np.ascontiguousarray(data.astronaut()))
    return Image(np.ascontiguousarray(cv2.imread(str(folder / "images" / name))[..., ::-1]))


@pytest.fixture(scope="session")
def labelled(labelled_faces: Path, engine: Engine) -> list[Labelled]:
    """All faces of labels.csv; a face is found by the tip of its nose."""
    rows: dict[str, list[dict[str, str]]] = {}
    with (Path(__file__).parent / "data" / "labels.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            rows.setdefault(row["file"], []).append(row)
    found = []
    for name, labels in rows.items():
        image = _photograph(labelled_faces, name)
        faces = engine.detect(image, max_faces=100)
        descriptions = engine.describe(image, faces, attributes=True)
        noses = np.stack([face.mesh[4, :2] for face in faces])
        for label in labels:
            nose = [float(label["nose_x"]) * image.width, float(label["nose_y"]) * image.height]
            distances = np.hypot(*(noses - nose).T)
            nearest = int(np.argmin(distances))
            assert distances[nearest] < 0.25 * faces[nearest].box.width, f"the face of {label} was not found"
            found.append(Labelled(image, faces[nearest], label, descriptions[nearest]))
    return found
