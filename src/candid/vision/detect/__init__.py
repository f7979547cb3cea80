"""Finds faces in an image: boxes, five points, the face mesh, and how sure each is.

Knows images and detector models; knows nothing of identities.
"""

from __future__ import annotations

from candid.vision.detect.candidates import Candidates, FaceDetector
from candid.vision.detect.faces import FaceFinder
from candid.vision.detect.mesh import FaceMesh
from candid.vision.detect.mtcnn import Mtcnn

__all__ = ["Candidates", "FaceDetector", "FaceFinder", "FaceMesh", "Mtcnn"]
