from __future__ import annotations

from collections.abc import Collection

import botocore.session
import pytest
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st

from candid.operations.attributes import attribute_members, wanted_of_vision
from candid.vision import (
    AgeRange,
    Attributes,
    EyeDirection,
    FaceDescription,
    Gender,
    Pose,
    Quality,
    Truth,
)
from candid.vision.describe import FaceAttribute

MODEL = botocore.session.get_session().get_service_model("rekognition")
ENUM = MODEL.shape_for("Attribute").enum
NAMED = [name for name in ENUM if name not in ("DEFAULT", "ALL")]
# The members of FaceDetail that are there without asking.
ALWAYS = {"BoundingBox", "Confidence", "Landmarks", "Pose", "Quality"}


def description(attributes: Attributes) -> FaceDescription:
    return FaceDescription(
        landmarks={},
        pose=Pose(roll=0, yaw=0, pitch=0),
        quality=Quality(brightness=50, sharpness=50),
        attributes=attributes,
    )


FULL = description(
    Attributes(
        age_range=AgeRange(26, 43),
        gender=Gender("Female", 98.5),
        emotions={"HAPPY": 90.0, "CALM": 10.0},
        smile=Truth(value=True, confidence=91.0),
        eyeglasses=Truth(value=False, confidence=92.0),
        sunglasses=Truth(value=False, confidence=93.0),
        eyes_open=Truth(value=True, confidence=94.0),
        mouth_open=Truth(value=True, confidence=95.0),
        beard=Truth(value=False, confidence=96.0),
        mustache=Truth(value=False, confidence=97.0),
        face_occluded=Truth(value=False, confidence=98.0),
        eye_direction=EyeDirection(yaw=-3.0, pitch=4.0, confidence=99.0),
    )
)

CASES = {
    "AGE_RANGE": {"AgeRange": {"Low": 26, "High": 43}},
    "SMILE": {"Smile": {"Value": True, "Confidence": 91.0}},
    "EYEGLASSES": {"Eyeglasses": {"Value": False, "Confidence": 92.0}},
    "SUNGLASSES": {"Sunglasses": {"Value": False, "Confidence": 93.0}},
    "GENDER": {"Gender": {"Value": "Female", "Confidence": 98.5}},
    "BEARD": {"Beard": {"Value": False, "Confidence": 96.0}},
    "MUSTACHE": {"Mustache": {"Value": False, "Confidence": 97.0}},
    "EYES_OPEN": {"EyesOpen": {"Value": True, "Confidence": 94.0}},
    "MOUTH_OPEN": {"MouthOpen": {"Value": True, "Confidence": 95.0}},
    "EMOTIONS": {
        "Emotions": [{"Type": "HAPPY", "Confidence": 90.0}, {"Type": "CALM", "Confidence": 10.0}]
    },
    "FACE_OCCLUDED": {"FaceOccluded": {"Value": False, "Confidence": 98.0}},
    "EYE_DIRECTION": {"EyeDirection": {"Yaw": -3.0, "Pitch": 4.0, "Confidence": 99.0}},
}


def test_every_attribute_has_a_case() -> None:
    assert set(CASES) == set(NAMED)


@pytest.mark.parametrize("name", NAMED)
def test_a_named_attribute_is_told_alone(name: str) -> None:
    assert attribute_members(FULL, [name]) == CASES[name]


@pytest.mark.parametrize("asked", [[], ["DEFAULT"]])
def test_default_adds_nothing(asked: list[str]) -> None:
    assert attribute_members(FULL, asked) == {}


@pytest.mark.parametrize("asked", [["ALL"], ["DEFAULT", "ALL"], ["ALL", "SMILE"], NAMED])
def test_all_is_every_member_of_face_detail(asked: list[str]) -> None:
    assert set(attribute_members(FULL, asked)) == set(MODEL.shape_for("FaceDetail").members) - ALWAYS


@given(st.sets(st.sampled_from(ENUM)))
def test_the_reply_has_the_shape_of_the_service_model(asked: set[str]) -> None:
    report = ParamValidator().validate(attribute_members(FULL, asked), MODEL.shape_for("FaceDetail"))
    assert not report.has_errors(), report.generate_report()


@given(st.sets(st.sampled_from(ENUM)))
def test_what_is_not_known_is_absent(asked: Collection[str]) -> None:
    assert attribute_members(description(Attributes()), asked) == {}


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ([], False),
        (["DEFAULT"], False),
        (["ALL"], True),
        (["DEFAULT", "ALL"], True),
        (["SMILE", "AGE_RANGE"], {"smile", "age_range"}),
        (["DEFAULT", "EYE_DIRECTION"], {"eye_direction"}),
    ],
)
def test_what_vision_is_asked_for(asked: list[str], wanted: bool | set[str]) -> None:
    assert wanted_of_vision(asked) == wanted


@pytest.mark.parametrize("name", NAMED)
def test_vision_knows_every_name(name: str) -> None:
    assert wanted_of_vision([name]) == {FaceAttribute(name.lower())}
