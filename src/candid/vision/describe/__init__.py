"""What can be told of a found face: landmarks, pose, quality, and the attributes that were measured.

Landmarks, pose and quality come from the mesh and a small chip of the face, at well under a millisecond; attributes
run models, each once for all faces of an image. What an attribute is worth stands in docs/attributes.md; one that
was not shown to be worth anything is left out.
"""

from __future__ import annotations

from candid.vision.describe.describing import Runs, describe_faces
from candid.vision.describe.quality_filter import QualityLevel, quality_reasons
from candid.vision.describe.wanted import FaceAttribute

__all__ = ["FaceAttribute", "QualityLevel", "Runs", "describe_faces", "quality_reasons"]
