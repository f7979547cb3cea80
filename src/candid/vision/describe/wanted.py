"""Which attributes can be asked for, and which of them are never told."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum


class FaceAttribute(StrEnum):
    """What can be asked for; the names of the members of `facts.Attributes`."""

    AGE_RANGE = "age_range"
    GENDER = "gender"
    EMOTIONS = "emotions"
    SMILE = "smile"
    EYEGLASSES = "eyeglasses"
    SUNGLASSES = "sunglasses"
    EYES_OPEN = "eyes_open"
    MOUTH_OPEN = "mouth_open"
    BEARD = "beard"
    MUSTACHE = "mustache"
    FACE_OCCLUDED = "face_occluded"
    EYE_DIRECTION = "eye_direction"


# Nothing was shown to tell these (docs/attributes.md says what was tried): they stay None.
LEFT_OUT = frozenset({FaceAttribute.SUNGLASSES, FaceAttribute.FACE_OCCLUDED, FaceAttribute.EYE_DIRECTION})


def wanted_attributes(attributes: bool | Collection[str]) -> frozenset[FaceAttribute]:
    """The attributes that are asked for, less those that are never told.

    Args:
        attributes: False: none; True: all; or names of `FaceAttribute`.

    Raises:
        ValueError: a name is unknown.
    """
    if isinstance(attributes, bool):
        return frozenset(FaceAttribute) - LEFT_OUT if attributes else frozenset()
    return frozenset(FaceAttribute(name) for name in attributes) - LEFT_OUT
