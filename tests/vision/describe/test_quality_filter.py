from __future__ import annotations

from dataclasses import replace

import botocore.session
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from candid.vision import Attributes, Box, DetectedFace, FaceDescription, Pose, Quality
from candid.vision.describe.quality_filter import BARS, QualityLevel, quality_reasons

GOOD_POSE = Pose(roll=0, yaw=0, pitch=0)
GOOD_QUALITY = Quality(brightness=60, sharpness=85)
ORDER = (QualityLevel.NONE, QualityLevel.LOW, QualityLevel.MEDIUM, QualityLevel.HIGH)


def found(side: float = 200, confidence: float = 99.9) -> DetectedFace:
    return DetectedFace(
        Box(0, 0, side * 0.8, side), confidence, np.zeros((5, 2), np.float32), np.zeros((468, 3), np.float32)
    )


def told(pose: Pose = GOOD_POSE, quality: Quality = GOOD_QUALITY) -> FaceDescription:
    return FaceDescription(landmarks={}, pose=pose, quality=quality, attributes=Attributes())


# What is wrong with a face, the reason, and the mildest level that refuses it.
CASES = [
    (found(), told(Pose(0, 50, 0)), "EXTREME_POSE", QualityLevel.MEDIUM),
    (found(), told(Pose(0, -80, 0)), "EXTREME_POSE", QualityLevel.LOW),
    (found(), told(Pose(0, 0, 40)), "EXTREME_POSE", QualityLevel.HIGH),
    (found(), told(Pose(0, 0, -40)), "EXTREME_POSE", QualityLevel.MEDIUM),
    (found(), told(quality=Quality(4, 85)), "LOW_BRIGHTNESS", QualityLevel.LOW),
    (found(), told(quality=Quality(10, 85)), "LOW_BRIGHTNESS", QualityLevel.HIGH),
    (found(), told(quality=Quality(60, 10)), "LOW_SHARPNESS", QualityLevel.LOW),
    (found(), told(quality=Quality(60, 25)), "LOW_SHARPNESS", QualityLevel.MEDIUM),
    (found(), told(quality=Quality(99, 85)), "LOW_FACE_QUALITY", QualityLevel.LOW),
    (found(confidence=60), told(), "LOW_CONFIDENCE", QualityLevel.LOW),
    (found(confidence=80), told(), "LOW_CONFIDENCE", QualityLevel.MEDIUM),
    (found(side=20), told(), "SMALL_BOUNDING_BOX", QualityLevel.LOW),
    (found(side=40), told(), "SMALL_BOUNDING_BOX", QualityLevel.HIGH),
]


@pytest.mark.parametrize(("face", "description", "reason", "mildest"), CASES)
def test_a_fault_is_refused_from_its_level_on(face, description, reason, mildest) -> None:
    for level in ORDER:
        refused = ORDER.index(level) >= ORDER.index(mildest)
        assert quality_reasons(face, description, level) == ((reason,) if refused else ())


@pytest.mark.parametrize("level", QualityLevel)
@pytest.mark.parametrize("roll", [0, 90, -180])
def test_a_good_face_passes_at_any_roll(level: QualityLevel, roll: float) -> None:
    assert quality_reasons(found(), told(replace(GOOD_POSE, roll=roll)), level) == ()


@given(
    st.floats(0, 400), st.floats(0, 100), st.floats(-90, 90), st.floats(-90, 90), st.floats(0, 100), st.floats(0, 100)
)
def test_a_stricter_level_never_forgives(
    side: float, confidence: float, yaw: float, pitch: float, brightness: float, sharpness: float
) -> None:
    face, description = found(side, confidence), told(Pose(0, yaw, pitch), Quality(brightness, sharpness))
    reasons = [set(quality_reasons(face, description, level)) for level in ORDER]
    assert reasons[0] == set()
    assert reasons[1] <= reasons[2] <= reasons[3]
    assert set(quality_reasons(face, description, QualityLevel.AUTO)) == reasons[1]


def test_levels_and_reasons_are_amazons_words() -> None:
    model = botocore.session.get_session().get_service_model("rekognition")
    assert [str(level) for level in QualityLevel] == model.shape_for("QualityFilter").enum
    worst = quality_reasons(found(1, 0), told(Pose(0, 90, 90), Quality(0, 0)), QualityLevel.LOW)
    glare = quality_reasons(found(), told(quality=Quality(100, 85)), QualityLevel.LOW)
    assert {*worst, *glare, "EXCEEDS_MAX_FACES"} == set(model.shape_for("Reason").enum)
    assert set(BARS) == set(QualityLevel) - {QualityLevel.NONE}


def test_no_labelled_face_is_refused_by_auto(labelled) -> None:
    refused = [
        each.label["file"]
        for each in labelled
        if quality_reasons(each.face, each.description, QualityLevel.AUTO)
    ]
    assert refused == []
