"""Pixels in, facts out: decode, detect, landmarks, align, embed, attributes, quality.

Pure: this room knows no storage, no network and no AWS words, and imports nothing else of Candid.
"""

from __future__ import annotations

from candid.vision.decode import ImageLimits, decode_image
from candid.vision.describe import QualityLevel, quality_reasons
from candid.vision.engine import Engine, open_engine
from candid.vision.errors import (
    EngineClosed,
    ImageError,
    ImageTooLarge,
    ImageTooSmall,
    InvalidImage,
    ModelError,
    ModelMissing,
    UnknownContract,
    VisionError,
)
from candid.vision.facts import (
    AgeRange,
    Attributes,
    Box,
    DetectedFace,
    EmbeddingContract,
    EyeDirection,
    FaceDescription,
    Gender,
    Image,
    Landmark,
    Pose,
    Quality,
    Truth,
)
from candid.vision.pixel_room import NoPixelRoom, PixelRoom
from candid.vision.runtime import tally

__all__ = [
    "AgeRange",
    "Attributes",
    "Box",
    "DetectedFace",
    "EmbeddingContract",
    "Engine",
    "EngineClosed",
    "EyeDirection",
    "FaceDescription",
    "Gender",
    "Image",
    "ImageError",
    "ImageLimits",
    "ImageTooLarge",
    "ImageTooSmall",
    "InvalidImage",
    "Landmark",
    "ModelError",
    "ModelMissing",
    "NoPixelRoom",
    "PixelRoom",
    "Pose",
    "Quality",
    "QualityLevel",
    "Truth",
    "UnknownContract",
    "VisionError",
    "decode_image",
    "open_engine",
    "quality_reasons",
    "tally",
]
