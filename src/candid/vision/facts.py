"""What this room gives: plain frozen records of an image and the faces in it.

Coordinates are pixels of the image after EXIF orientation: x to the right, y down, (0, 0) the outer corner of
the first pixel. Angles are degrees, confidences 0 to 100.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Points = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """A decoded image.

    Attributes:
        pixels: uint8 (height, width, 3), RGB, contiguous, EXIF orientation applied.
    """

    pixels: Pixels

    @property
    def width(self) -> int:
        """Pixels a row."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.pixels.shape[0])


@dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle in pixels; it may reach beyond the image."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, eq=False)
class DetectedFace:
    """A face that was found.

    Attributes:
        box: where it is.
        confidence: 0 to 100, that the box holds a face.
        points: float32 (5, 2), pixels: the eye on the image's left, the one on its right, nose tip, the mouth
            corner on the image's left, the one on its right.
        mesh: float32 (468, 3), pixels, MediaPipe's face mesh; z grows away from the camera in the scale of x.
    """

    box: Box
    confidence: float
    points: Points
    mesh: Points


class Landmark(StrEnum):
    """Amazon's thirty landmark types. Left and right are the image's, as a viewer sees it.

    https://docs.aws.amazon.com/rekognition/latest/APIReference/API_Landmark.html
    """

    EYE_LEFT = "eyeLeft"
    EYE_RIGHT = "eyeRight"
    MOUTH_LEFT = "mouthLeft"
    MOUTH_RIGHT = "mouthRight"
    NOSE = "nose"
    LEFT_EYE_BROW_LEFT = "leftEyeBrowLeft"
    LEFT_EYE_BROW_RIGHT = "leftEyeBrowRight"
    LEFT_EYE_BROW_UP = "leftEyeBrowUp"
    RIGHT_EYE_BROW_LEFT = "rightEyeBrowLeft"
    RIGHT_EYE_BROW_RIGHT = "rightEyeBrowRight"
    RIGHT_EYE_BROW_UP = "rightEyeBrowUp"
    LEFT_EYE_LEFT = "leftEyeLeft"
    LEFT_EYE_RIGHT = "leftEyeRight"
    LEFT_EYE_UP = "leftEyeUp"
    LEFT_EYE_DOWN = "leftEyeDown"
    RIGHT_EYE_LEFT = "rightEyeLeft"
    RIGHT_EYE_RIGHT = "rightEyeRight"
    RIGHT_EYE_UP = "rightEyeUp"
    RIGHT_EYE_DOWN = "rightEyeDown"
    NOSE_LEFT = "noseLeft"
    NOSE_RIGHT = "noseRight"
    MOUTH_UP = "mouthUp"
    MOUTH_DOWN = "mouthDown"
    LEFT_PUPIL = "leftPupil"
    RIGHT_PUPIL = "rightPupil"
    UPPER_JAWLINE_LEFT = "upperJawlineLeft"
    MID_JAWLINE_LEFT = "midJawlineLeft"
    CHIN_BOTTOM = "chinBottom"
    MID_JAWLINE_RIGHT = "midJawlineRight"
    UPPER_JAWLINE_RIGHT = "upperJawlineRight"


@dataclass(frozen=True, slots=True)
class Pose:
    """Head pose, each -180 to 180 degrees; zero looks into the camera."""

    roll: float
    yaw: float
    pitch: float


@dataclass(frozen=True, slots=True)
class Quality:
    """Brightness and sharpness of a face, each 0 to 100."""

    brightness: float
    sharpness: float


@dataclass(frozen=True, slots=True)
class Truth:
    """A yes or no with the confidence, 0 to 100, in that answer."""

    value: bool
    confidence: float


@dataclass(frozen=True, slots=True)
class Gender:
    """How the face looks (`Male`, `Female`), not who a person is; confidence 0 to 100."""

    value: str
    confidence: float


@dataclass(frozen=True, slots=True)
class AgeRange:
    """Years, low ≤ high."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class EyeDirection:
    """Where the eyes look, degrees, relative to the camera; confidence 0 to 100."""

    yaw: float
    pitch: float
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributes:
    """What can be told of a face; None: not asked for, or no measured model tells it.

    `emotions` maps Amazon's names (HAPPY, SAD, ANGRY, CONFUSED, DISGUSTED, SURPRISED, CALM, FEAR) to
    confidences, highest first.
    """

    age_range: AgeRange | None = None
    gender: Gender | None = None
    emotions: Mapping[str, float] | None = None
    smile: Truth | None = None
    eyeglasses: Truth | None = None
    sunglasses: Truth | None = None
    eyes_open: Truth | None = None
    mouth_open: Truth | None = None
    beard: Truth | None = None
    mustache: Truth | None = None
    face_occluded: Truth | None = None
    eye_direction: EyeDirection | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FaceDescription:
    """Everything that is told of one face; `landmarks` are (x, y) in pixels, all thirty."""

    landmarks: Mapping[Landmark, tuple[float, float]]
    pose: Pose
    quality: Quality
    attributes: Attributes


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingContract:
    """What an embedding can be compared under: two embeddings compare only where all of this is equal.

    Attributes:
        model: name of the embedder.
        version: Candid's version number of it, dotted digits, shown as FaceModelVersion.
        digest: SHA-256 of the model file, hex.
        preprocessing: version of detection, alignment and normalisation.
        dim: length of the embedding.
    """

    model: str
    version: str
    digest: str
    preprocessing: str
    dim: int

    @property
    def id(self) -> str:
        """All of it in one short name, safe in file names."""
        return f"{self.model}-{self.version}-{self.digest[:12]}-{self.preprocessing}-{self.dim}"
