"""What the tests of the operations share: photographs as bytes, and a collection that is gone afterwards."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.operations.inprocess import InProcess, in_process


@pytest.fixture
def collection(rekognition: Any) -> Iterator[str]:
    """An empty collection of its own for each test."""
    name = f"test-{uuid.uuid4()}"
    rekognition.create_collection(CollectionId=name)
    yield name
    rekognition.delete_collection(CollectionId=name)


@pytest.fixture
def index(rekognition: Any, collection: str) -> Callable[..., str]:
    """Enrols the largest face of a photograph and gives its FaceId."""

    def enrol(photograph: bytes, **members: Any) -> str:
        reply = rekognition.index_faces(
            CollectionId=collection, Image={"Bytes": photograph}, MaxFaces=1, QualityFilter="NONE", **members
        )
        return reply["FaceRecords"][0]["Face"]["FaceId"]

    return enrol


@pytest.fixture(scope="session")
def inside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    """The real application in this process, for what a socket would only slow down."""
    with in_process(tmp_path_factory.mktemp("inside")) as running:
        yield running
