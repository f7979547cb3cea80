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


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """What a face must reach; a value on the bar passes.

    Attributes:
        confidence: of the detection, at least.
        side: the longer side of the box, pixels, at least.
        darkest: brightness, at least.
        brightest: brightness, at most; above it skin is washed out.
        sharpness: at least.
        yaw: to either side, degrees, at most.
        up: pitch upwards, degrees, at most.
        down: pitch downwards, degrees, at most.
    """

    confidence: float
    side: float
    darkest: float
    brightest: float
    sharpness: float
    yaw: float
    up: float
    down: float


# How the share of genuine pairs that are missed grows with blur, darkness, glare and smallness was measured for the
# default embedder (docs/attributes.md, "Quality filter"): at the bars of LOW about 30 % are missed, of MEDIUM 10 %, of
# HIGH 2 %, where 1.4 % are missed of untouched photographs. The labelled photographs hold no strongly turned heads,
# so pose is not measured: MEDIUM is what Amazon recommends, and the others lie to either side of it.
# https://docs.aws.amazon.com/rekognition/latest/dg/recommendations-facial-input-images.html
_LOW = Bar(confidence=70, side=26, darkest=5, brightest=93, sharpness=15, yaw=65, up=60, down=45)
BARS: Mapping[QualityLevel, Bar] = {
    QualityLevel.AUTO: _LOW,
    QualityLevel.LOW: _LOW,
    QualityLevel.MEDIUM: Bar(
        confidence=90, side=32, darkest=8, brightest=88, sharpness=30, yaw=45, up=45, down=30
    ),
    QualityLevel.HIGH: Bar(
        confidence=98, side=50, darkest=15, brightest=84, sharpness=45, yaw=30, up=30, down=20
    ),
}


def quality_reasons(
    face: DetectedFace, description: FaceDescription, level: QualityLevel
) -> tuple[str, ...]:
    """Why the filter refuses a face, in Rekognition's words; empty where it does not.

    https://docs.aws.amazon.com/rekognition/latest/APIReference/API_UnindexedFace.html
    Glare has no word of its own and is LOW_FACE_QUALITY.

    Args:
        face: the detection: its confidence and the size of its box in pixels count.
        description: its pose and quality count.
        level: NONE refuses nothing.
    """
    if level is QualityLevel.NONE:
        return ()
    bar, pose, quality = BARS[level], description.pose, description.quality
    turned = abs(pose.yaw) > bar.yaw or not -bar.down <= pose.pitch <= bar.up
    refused = {
        "EXTREME_POSE": turned,
        "LOW_BRIGHTNESS": quality.brightness < bar.darkest,
        "LOW_SHARPNESS": quality.sharpness < bar.sharpness,
        "LOW_CONFIDENCE": face.confidence < bar.confidence,
        "SMALL_BOUNDING_BOX": max(face.box.width, face.box.height) < bar.side,
        "LOW_FACE_QUALITY": quality.brightness > bar.brightest,
    }
    return tuple(reason for reason, applies in refused.items() if applies)
