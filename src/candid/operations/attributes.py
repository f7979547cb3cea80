"""The attributes of a face in the words of Amazon's `FaceDetail`.

Shapes: FaceDetail and its members in botocore's service model. What Candid has no measured model for is absent, as
Amazon leaves out what was not asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from candid.vision import AgeRange, Attributes, EyeDirection, FaceDescription, Gender, Truth

Reply = dict[str, Any]

ALL = "ALL"
DEFAULT = "DEFAULT"


def attribute_members(description: FaceDescription, attributes: Collection[str]) -> Reply:
    """The members of a `FaceDetail` that the requested attributes add to the default ones.

    Args:
        description: of the face.
        attributes: values of the service model's enum `Attribute`; DEFAULT alone adds nothing, ALL adds everything.
    """
    everything = ALL in attributes
    members: Reply = {}
    for name, (member, reply_of) in _MEMBERS.items():
        if everything or name in attributes:
            reply = reply_of(description.attributes)
            if reply is not None:
                members[member] = reply
    return members


def wanted_of_vision(attributes: Collection[str]) -> bool | frozenset[str]:
    """What `Engine.describe` must tell for these values of `Attribute`: nothing, all, or the named ones."""
    if ALL in attributes:
        return True
    named = frozenset(name.lower() for name in attributes if name != DEFAULT)
    return named or False


def _truth(truth: Truth | None) -> Reply | None:
    return None if truth is None else {"Value": truth.value, "Confidence": truth.confidence}


def _age(age: AgeRange | None) -> Reply | None:
    return None if age is None else {"Low": age.low, "High": age.high}


def _gender(gender: Gender | None) -> Reply | None:
    return None if gender is None else {"Value": gender.value, "Confidence": gender.confidence}


def _emotions(emotions: Mapping[str, float] | None) -> list[Reply] | None:
    if emotions is None:
        return None
    return [{"Type": name, "Confidence": confidence} for name, confidence in emotions.items()]


def _eye_direction(direction: EyeDirection | None) -> Reply | None:
    if direction is None:
        return None
    return {"Yaw": direction.yaw, "Pitch": direction.pitch, "Confidence": direction.confidence}


# Amazon's Attribute, the member of FaceDetail that it asks for, and how that is told.
_MEMBERS: Mapping[str, tuple[str, Callable[[Attributes], Reply | list[Reply] | None]]] = {
    "AGE_RANGE": ("AgeRange", lambda a: _age(a.age_range)),
    "SMILE": ("Smile", lambda a: _truth(a.smile)),
    "EYEGLASSES": ("Eyeglasses", lambda a: _truth(a.eyeglasses)),
    "SUNGLASSES": ("Sunglasses", lambda a: _truth(a.sunglasses)),
    "GENDER": ("Gender", lambda a: _gender(a.gender)),
    "BEARD": ("Beard", lambda a: _truth(a.beard)),
    "MUSTACHE": ("Mustache", lambda a: _truth(a.mustache)),
    "EYES_OPEN": ("EyesOpen", lambda a: _truth(a.eyes_open)),
    "MOUTH_OPEN": ("MouthOpen", lambda a: _truth(a.mouth_open)),
    "EMOTIONS": ("Emotions", lambda a: _emotions(a.emotions)),
    "FACE_OCCLUDED": ("FaceOccluded", lambda a: _truth(a.face_occluded)),
    "EYE_DIRECTION": ("EyeDirection", lambda a: _eye_direction(a.eye_direction)),
}
