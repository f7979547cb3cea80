"""Describes the faces of an image: what is always told, then the attributes that are asked for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from numpy.typing import NDArray

from candid.vision.describe.emotions import judge_emotions
from candid.vision.describe.eyes import EYES_OPEN, measure_eyes
from candid.vision.describe.face_chip import FaceChip, face_chip
from candid.vision.describe.face_frame import FaceFrame, fit_frame
from candid.vision.describe.feeding import Forward
from candid.vision.describe.landmarks import landmarks_of
from candid.vision.describe.looks import judge_looks
from candid.vision.describe.mouth import MOUTH_OPEN, SMILE, measure_mouth
from candid.vision.describe.quality import quality_of
from candid.vision.describe.rule import Rule
from candid.vision.describe.skin_cues import BEARD, EYEGLASSES, MUSTACHE, skin_cues
from candid.vision.describe.wanted import FaceAttribute, wanted_attributes
from candid.vision.errors import ModelMissing
from candid.vision.facts import Attributes, DetectedFace, FaceDescription, Image, Landmark, Points

# Attributes that a rule tells from measurements, by where the measurements come from.
_FROM_MESH: Mapping[FaceAttribute, Rule] = {
    FaceAttribute.SMILE: SMILE,
    FaceAttribute.MOUTH_OPEN: MOUTH_OPEN,
}
_FROM_CHIP: Mapping[FaceAttribute, Rule] = {
    FaceAttribute.EYEGLASSES: EYEGLASSES,
    FaceAttribute.BEARD: BEARD,
    FaceAttribute.MUSTACHE: MUSTACHE,
}


class Runs(Protocol):
    """A model that is run on arrays, as a `Runner` of the runtime is."""

    def run_rows(self, array: NDArray[Any], /) -> Sequence[NDArray[Any]]:
        """Outputs for these rows, which may be divided over the cores that are free."""


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """A face on its way through: what is measured of it, and what was told so far."""

    mesh: Points
    frame: FaceFrame
    chip: FaceChip
    landmarks: dict[Landmark, tuple[float, float]]
    told: dict[str, Any] = field(default_factory=dict)  # members of Attributes


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
        attributes: False: none, and no model runs; True: all that are measured; or names of `FaceAttribute`. Each
            model that is needed is given all faces at once.
        runners: models by name; looked up only when needed: `faceres`, `emotion`, `iris`.

    Raises:
        ModelMissing: an attribute was asked for whose model is not among the runners.
        ValueError: an attribute has an unknown name.
    """
    wanted = wanted_attributes(attributes)
    found = [
        _Found(
            mesh=face.mesh,
            frame=fit_frame(face.mesh),
            chip=face_chip(image.pixels, face.mesh),
            landmarks=landmarks_of(face.mesh),
        )
        for face in faces
    ]
    if found and wanted:
        for each in found:
            _tell_by_rules(each, wanted)
        _tell_looks(image, found, wanted, runners)
        _tell_emotions(image, found, wanted, runners)
        _tell_eyes(image, found, wanted, runners)
    return [
        FaceDescription(
            landmarks=each.landmarks,
            pose=each.frame.pose,
            quality=quality_of(each.chip.pixels),
            attributes=Attributes(**each.told),
        )
        for each in found
    ]


def _tell_by_rules(found: _Found, wanted: frozenset[FaceAttribute]) -> None:
    if wanted & _FROM_MESH.keys():
        mouth = measure_mouth(found.frame.straightened(found.mesh))
        found.told.update({name: rule.judge(mouth) for name, rule in _FROM_MESH.items() if name in wanted})
    if wanted & _FROM_CHIP.keys():
        cues = skin_cues(found.chip)
        found.told.update({name: rule.judge(cues) for name, rule in _FROM_CHIP.items() if name in wanted})


def _tell_looks(
    image: Image, found: Sequence[_Found], wanted: frozenset[FaceAttribute], runners: Mapping[str, Runs]
) -> None:
    asked = wanted & {FaceAttribute.AGE_RANGE, FaceAttribute.GENDER}
    if not asked:
        return
    judged = judge_looks(image.pixels, [each.mesh for each in found], _model(runners, "faceres"))
    for each, (age_range, gender) in zip(found, judged, strict=True):
        told = {FaceAttribute.AGE_RANGE: age_range, FaceAttribute.GENDER: gender}
        each.told.update({name: told[name] for name in asked})


def _tell_emotions(
    image: Image, found: Sequence[_Found], wanted: frozenset[FaceAttribute], runners: Mapping[str, Runs]
) -> None:
    if FaceAttribute.EMOTIONS not in wanted:
        return
    judged = judge_emotions(image.pixels, [each.mesh for each in found], _model(runners, "emotion"))
    for each, emotions in zip(found, judged, strict=True):
        each.told[FaceAttribute.EMOTIONS] = emotions


def _tell_eyes(
    image: Image, found: Sequence[_Found], wanted: frozenset[FaceAttribute], runners: Mapping[str, Runs]
) -> None:
    """Whether they are open; and where the model has looked, its pupils replace the mesh's."""
    if FaceAttribute.EYES_OPEN not in wanted:
        return
    judged = measure_eyes(image.pixels, [each.mesh for each in found], _model(runners, "iris"))
    for each, eyes in zip(found, judged, strict=True):
        each.told[FaceAttribute.EYES_OPEN] = EYES_OPEN.judge({"opening": eyes.opening})
        each.landmarks[Landmark.LEFT_PUPIL], each.landmarks[Landmark.RIGHT_PUPIL] = eyes.pupils


def _model(runners: Mapping[str, Runs], name: str) -> Forward:
    if name not in runners:
        raise ModelMissing(f"there is no model {name!r}, which tells attributes of faces; run `candid models pull`")
    return runners[name].run_rows
