"""What the demo does, step by step, as any client of Amazon Rekognition would."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from candid.demo.proof import Step

COLLECTION = "demo"
# 21 faces make 210 comparisons; at 90 about one comparison of strangers in 10,000 matches.
THRESHOLD = 90.0


@dataclass(frozen=True, slots=True)
class Photograph:
    """What enrolling one photograph came to.

    Attributes:
        name: of the file, without suffix.
        enrolled: faces enrolled.
        left_out: faces found but not good enough, with the reasons.
        milliseconds: how long the client waited.
    """

    name: str
    enrolled: int
    left_out: tuple[str, ...]
    milliseconds: float


@dataclass(frozen=True, slots=True)
class Meeting:
    """Two photographs that show the same person, found by searching."""

    photograph: str
    other: str
    similarity: float


@dataclass(slots=True)
class Outcome:
    """Everything the demo saw."""

    photographs: list[Photograph] = field(default_factory=list)
    meetings: list[Meeting] = field(default_factory=list)
    searches: int = 0
    search_milliseconds: list[float] = field(default_factory=list)
    description: Mapping[str, Any] = field(default_factory=dict)
    deleted: bool = False
    proof: list[Step] = field(default_factory=list)

    @property
    def faces(self) -> int:
        """How many faces were enrolled."""
        return sum(photograph.enrolled for photograph in self.photographs)


def enrol(client: Any, photographs: Sequence[Path]) -> list[Photograph]:  # noqa: ANN401 - boto3 has no types
    """Create the collection and enrol every face that is good enough."""
    client.create_collection(CollectionId=COLLECTION)
    done = []
    for path in photographs:
        started = time.perf_counter()
        reply = client.index_faces(
            CollectionId=COLLECTION, Image={"Bytes": path.read_bytes()}, ExternalImageId=path.stem
        )
        taken = 1000 * (time.perf_counter() - started)
        reasons = tuple(", ".join(each["Reasons"]) for each in reply["UnindexedFaces"])
        done.append(Photograph(path.stem, len(reply["FaceRecords"]), reasons, taken))
    return done


def search_everyone(client: Any, outcome: Outcome) -> None:  # noqa: ANN401
    """Search every enrolled face; each match is the same person in another photograph."""
    pages = client.get_paginator("list_faces").paginate(CollectionId=COLLECTION)
    faces = {face["FaceId"]: face["ExternalImageId"] for page in pages for face in page["Faces"]}
    seen: set[frozenset[str]] = set()
    for face_id, name in faces.items():
        started = time.perf_counter()
        reply = client.search_faces(CollectionId=COLLECTION, FaceId=face_id, FaceMatchThreshold=THRESHOLD)
        outcome.search_milliseconds.append(1000 * (time.perf_counter() - started))
        outcome.searches += 1
        for match in reply["FaceMatches"]:
            pair = frozenset({face_id, match["Face"]["FaceId"]})
            if pair not in seen:
                seen.add(pair)
                other = match["Face"]["ExternalImageId"]
                outcome.meetings.append(Meeting(name, other, match["Similarity"]))


def run_story(client: Any, photographs: Sequence[Path], outcome: Outcome) -> None:  # noqa: ANN401
    """All steps against a running server.

    Args:
        client: a boto3 client for Rekognition.
        photographs: JPEG or PNG files.
        outcome: filled in as it goes.
    """
    outcome.photographs = enrol(client, photographs)
    search_everyone(client, outcome)
    reply = client.detect_faces(Image={"Bytes": photographs[-1].read_bytes()}, Attributes=["ALL"])
    outcome.description = reply["FaceDetails"][0]
    client.delete_collection(CollectionId=COLLECTION)
    outcome.deleted = COLLECTION not in client.list_collections()["CollectionIds"]
