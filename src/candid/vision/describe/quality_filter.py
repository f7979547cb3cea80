"""Whether a face is good enough to be recognised, under Rekognition's QualityFilter levels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from candid.vision.facts import DetectedFace, FaceDescription


class QualityLevel(StrEnum):
    """How much quality is asked for; AUTO is what Candid recommends, and equals LOW."""

    NONE = "NONE"
    AUTO = "AUTO"
    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"


@dataclass(frozen=True, slots=True)
class Bar:
    """What a face must reach; a value on the bar passes.

    Attributes:
        confidence: of the detection, at least.
        side: the longer side of the box, pixels, at least.
        brightness: at least.
        sharpness: at least.
        yaw: to either side, degrees, at most.
        up: pitch upwards, degrees, at most.
        down: pitch downwards, degrees, at most.
    """

    confidence: float
    side: float
    brightness: float
    sharpness: float
    yaw: float
    up: float
    down: float


# Measured on the labelled photographs: docs/attributes.md, "Quality filter". Yaw and pitch of MEDIUM are what Amazon
# recommends: https://docs.aws.amazon.com/rekognition/latest/dg/recommendations-facial-input-images.html
BARS: Mapping[QualityLevel, Bar] = {}


def quality_reasons(
    face: DetectedFace, description: FaceDescription, level: QualityLevel
) -> tuple[str, ...]:
    """Why the filter refuses a face, in Rekognition's words; empty where it does not.

    https://docs.aws.amazon.com/rekognition/latest/APIReference/API_UnindexedFace.html

    Args:
        face: the detection: its confidence and the size of its box in pixels count.
        description: its pose and quality count.
        level: NONE refuses nothing.
    """
    return ()
