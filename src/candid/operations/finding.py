"""Faces of an image with what a QualityFilter says of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from candid.operations.attributes import wanted_of_vision
from candid.operations.rooms import Rooms
from candid.vision import DetectedFace, FaceDescription, Image, QualityLevel, quality_reasons

# The most faces that an operation looks at.
# https://docs.aws.amazon.com/rekognition/latest/dg/limits.html
MOST_FACES = 100


class NoFaceInImage(Exception):
    """A search or comparison was asked for with an image in which no face is good enough."""

    def __init__(self) -> None:
        # Clients compare this text.
        super().__init__("There are no faces in the image. Should be at least 1.")


@dataclass(frozen=True, slots=True)
class FoundFace:
    """A face, its description, and why the filter refuses it (empty: it does not)."""

    face: DetectedFace
    description: FaceDescription
    reasons: tuple[str, ...]


def find_faces(
    rooms: Rooms, image: Image, level: str, *, wanted: Collection[str] = (), most: int = MOST_FACES
) -> list[FoundFace]:
    """All faces, largest first, judged by a QualityFilter level and described as far as wanted.

    Args:
        rooms: where to look.
        image: what to look at.
        level: value of `QualityFilter`.
        wanted: values of `Attribute`.
        most: at most so many faces.
    """
    faces = rooms.engine.detect(image, max_faces=most)
    descriptions = rooms.engine.describe(image, faces, attributes=wanted_of_vision(wanted))
    return [
        FoundFace(face, description, quality_reasons(face, description, QualityLevel(level)))
        for face, description in zip(faces, descriptions, strict=True)
    ]


def largest_face(rooms: Rooms, image: Image, level: str) -> FoundFace:
    """The largest face that passes the filter.

    Raises:
        NoFaceInImage: there is none.
    """
    most = 1 if level == "NONE" else MOST_FACES
    for found in find_faces(rooms, image, level, most=most):
        if not found.reasons:
            return found
    raise NoFaceInImage
