"""Describes the faces of an image: what is always told, then the attributes that are asked for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from numpy.typing import NDArray

from candid.vision.describe.emotions import judge_emotions
from candid.vision.describe.eyes import EYES_OPEN, Eyes, measure_eyes
from candid.vision.describe.face_chip import FaceChip, face_chip
from candid.vision.describe.face_frame import FaceFrame, fit_frame
from candid.vision.describe.feeding import Forward
from candid.vision.describe.landmarks import landmarks_of
from candid.vision.describe.looks import judge_looks
from candid.vision.describe.mouth import judge_mouth
from candid.vision.describe.quality import quality_of
from candid.vision.describe.skin_cues import BEARD, EYEGLASSES, MUSTACHE, skin_cues
from candid.vision.errors import ModelMissing
from candid.vision.facts import Attributes, DetectedFace, FaceDescription, Image, Landmark


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


class Runs(Protocol):
    """A model that is run on arrays, as a `Runner` of the runtime is."""

    def run(self, array: NDArray[Any], /) -> Sequence[NDArray[Any]]:
        """Outputs for these rows."""


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """A face with what is measured of it without a model."""

    face: DetectedFace
    frame: FaceFrame
    chip: FaceChip
    told: dict[str, Any] = field(default_factory=dict)  # members of Attributes, filled step by step


def describe_faces(
    image: Image,
    faces: Sequence[DetectedFace],
    *,
    attributes: bool | Collection[str],
    runners: Mapping[str, Runs],
) -> list[FaceDescription]:
    """Describe faces, in their order.

    Args:
        image: where they were found.
        faces: their meshes are used.
        attributes: False: none, and no model runs; True: all that are measured; or names of `FaceAttribute`. Each model
            that is needed runs once, over all faces.
        runners: models by name; looked up only when needed: `faceres`, `emotion`, `iris`.

    Raises:
        ModelMissing: an attribute was asked for whose model is not among the runners.
        ValueError: an attribute has an unknown name.
    """
    wanted = wanted_attributes(attributes)
    found = [
        _Found(face, fit_frame(face.mesh), face_chip(image.pixels, face.mesh)) for face in faces
    ]
    eyes: list[Eyes] = []
    if found and wanted:
        _tell_without_models(found, wanted)
        eyes = _tell_with_models(image, found, wanted, runners)
    return [_description(each, eyes[i] if eyes else None) for i, each in enumerate(found)]


def wanted_attributes(attributes: bool | Collection[str]) -> frozenset[FaceAttribute]:
    """The attributes that are asked for, less those that are never told.

    Raises:
        ValueError: a name is unknown.
    """
    if isinstance(attributes, bool):
        return frozenset(FaceAttribute) - LEFT_OUT if attributes else frozenset()
    return frozenset(FaceAttribute(name) for name in attributes) - LEFT_OUT


def _tell_without_models(found: Sequence[_Found], wanted: frozenset[FaceAttribute]) -> None:
    for each in found:
        smile, mouth_open = judge_mouth(each.frame.straightened(each.face.mesh))
        cues = skin_cues(each.chip)
        tellers: Mapping[FaceAttribute, Callable[[], Any]] = {
            FaceAttribute.SMILE: lambda smile=smile: smile,
            FaceAttribute.MOUTH_OPEN: lambda mouth_open=mouth_open: mouth_open,
            FaceAttribute.EYEGLASSES: lambda cues=cues: EYEGLASSES.judge(cues.eyeglasses()),
            FaceAttribute.BEARD: lambda cues=cues: BEARD.judge(cues.hair()),
            FaceAttribute.MUSTACHE: lambda cues=cues: MUSTACHE.judge(cues.hair()),
        }
        each.told.update({str(name): tell() for name, tell in tellers.items() if name in wanted})


def _tell_with_models(
    image: Image, found: Sequence[_Found], wanted: frozenset[FaceAttribute], runners: Mapping[str, Runs]
) -> list[Eyes]:
    """Fill in what models tell; the eyes, where they were looked at."""
    meshes = [each.face.mesh for each in found]
    looks = wanted & {FaceAttribute.AGE_RANGE, FaceAttribute.GENDER}
    if looks:
        judged = judge_looks(image.pixels, meshes, _model(runners, "faceres"))
        for each, (age_range, gender) in zip(found, judged, strict=True):
            told = {FaceAttribute.AGE_RANGE: age_range, FaceAttribute.GENDER: gender}
            each.told.update({str(name): told[name] for name in looks})
    if FaceAttribute.EMOTIONS in wanted:
        emotions = judge_emotions(image.pixels, meshes, _model(runners, "emotion"))
        for each, named in zip(found, emotions, strict=True):
            each.told["emotions"] = named
    if FaceAttribute.EYES_OPEN not in wanted:
        return []
    eyes = measure_eyes(image.pixels, meshes, _model(runners, "iris"))
    for each, pair in zip(found, eyes, strict=True):
        each.told["eyes_open"] = EYES_OPEN.judge({"opening": pair.opening})
    return eyes


def _model(runners: Mapping[str, Runs], name: str) -> Forward:
    if name not in runners:
        raise ModelMissing(f"there is no model {name!r}, which tells attributes of faces; run `candid models pull`")
    return runners[name].run


def _description(found: _Found, eyes: Eyes | None) -> FaceDescription:
    landmarks = landmarks_of(found.face.mesh)
    if eyes is not None:
        landmarks[Landmark.LEFT_PUPIL], landmarks[Landmark.RIGHT_PUPIL] = eyes.pupils
    return FaceDescription(
        landmarks=landmarks,
        pose=found.frame.pose,
        quality=quality_of(found.chip.pixels),
        attributes=Attributes(**found.told),
    )
