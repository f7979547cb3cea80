"""Galleries to try things on, with limits so small that every path of the index is taken by a few faces."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from candid.gallery import FaceBox, Gallery, Limits, NewFace, open_gallery

KEY = bytes(range(32))
CONTRACT = "test/1"
DIMENSION = 16
SMALL = {"sealed_rows": 40, "purge_rows": 25}


@dataclass
class Ticking:
    """A clock that goes on by a second whenever it is looked at."""

    now: float = 1_700_000_000.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


def unit(count: int, dimension: int = DIMENSION, seed: int = 0) -> np.ndarray:
    """Random unit vectors, float32 (count, dimension)."""
    found = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def new_face(vector: np.ndarray, **members: Any) -> NewFace:
    """A face to enrol."""
    given = {
        "box": FaceBox(0.1, 0.2, 0.3, 0.4),
        "confidence": 99.5,
        "image_id": "00000000-0000-4000-8000-000000000001",
    }
    return NewFace(embedding=vector, **(given | members))


@dataclass
class Workshop:
    """Makes galleries in one folder and opens them again."""

    root: Path
    clock: Ticking = field(default_factory=Ticking)
    opened: list[Gallery] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        return self.root / "gallery"

    def open(self, folder: Path | None = None, *, key: bytes = KEY, **limits: Any) -> Gallery:
        found = open_gallery(
            folder or self.folder, key=key, limits=Limits(**(SMALL | limits)), clock=self.clock
        )
        self.opened.append(found)
        return found

    def filled(self, faces: int, *, seed: int = 0, **limits: Any) -> tuple[Gallery, tuple, np.ndarray]:
        """A gallery with the collection `people`, its faces and their vectors."""
        gallery = self.open(**limits)
        gallery.collections.create("a", "people", contract=CONTRACT, dimension=DIMENSION)
        vectors = unit(faces, seed=seed)
        return gallery, enrol(gallery, vectors), vectors

    def bytes_of_all_files(self) -> bytes:
        return b"".join(path.read_bytes() for path in sorted(self.folder.rglob("*")) if path.is_file())


def enrol(gallery: Gallery, vectors: np.ndarray, collection: str = "people", **members: Any) -> tuple:
    """Enrol vectors, a few a call; the faces."""
    faces: tuple = ()
    for start in range(0, len(vectors), 30):
        some = [new_face(vector, **members) for vector in vectors[start : start + 30]]
        faces += gallery.faces.add("a", collection, some, contract=CONTRACT)
    return faces


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for something that is done in the background."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail("it was not done in the background")
        time.sleep(0.005)


@pytest.fixture(scope="session")
def make() -> SimpleNamespace:
    return SimpleNamespace(
        unit=unit,
        face=new_face,
        enrol=enrol,
        until=until,
        key=KEY,
        contract=CONTRACT,
        dimension=DIMENSION,
        Ticking=Ticking,
    )


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else tmp_path) as root:
        shop = Workshop(Path(root))
        yield shop
        for gallery in shop.opened:
            gallery.close()


@pytest.fixture
def gallery(workshop: Workshop) -> Gallery:
    """An open gallery with the empty collection `people` of account `a`."""
    found = workshop.open()
    found.collections.create("a", "people", contract=CONTRACT, dimension=DIMENSION)
    return found
