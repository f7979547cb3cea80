"""Amazon's thirty landmarks as points of the face mesh.

Where Amazon puts each landmark was read off the reply that its developer guide prints for DetectFaces
(https://docs.aws.amazon.com/rekognition/latest/dg/faces-detect-images.html): its points, relative to eyes and mouth,
were compared with the mean face mesh turned to the same pose. The numbers are those of MediaPipe's canonical face
model (mediapipe/modules/face_geometry/data/canonical_face_model_uv_visualization.png).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from candid.vision.facts import Landmark, Points

# Corner on the image's left, corner on its right, middle of the upper lid, middle of the lower lid.
LEFT_EYE = (33, 133, 159, 145)
RIGHT_EYE = (362, 263, 386, 374)

# A landmark is the mean of these points. An eye, and its pupil, is the mean of its four: in the printed reply the
# pupils are the eyes to the last digit, and those are the middle of the lids.
MESH_POINTS: Mapping[Landmark, tuple[int, ...]] = {
    Landmark.EYE_LEFT: LEFT_EYE,
    Landmark.EYE_RIGHT: RIGHT_EYE,
    Landmark.MOUTH_LEFT: (61,),
    Landmark.MOUTH_RIGHT: (291,),
    Landmark.NOSE: (4,),
    Landmark.LEFT_EYE_BROW_LEFT: (70,),
    Landmark.LEFT_EYE_BROW_RIGHT: (107,),
    Landmark.LEFT_EYE_BROW_UP: (105,),
    Landmark.RIGHT_EYE_BROW_LEFT: (336,),
    Landmark.RIGHT_EYE_BROW_RIGHT: (300,),
    Landmark.RIGHT_EYE_BROW_UP: (334,),
    Landmark.LEFT_EYE_LEFT: LEFT_EYE[:1],
    Landmark.LEFT_EYE_RIGHT: LEFT_EYE[1:2],
    Landmark.LEFT_EYE_UP: LEFT_EYE[2:3],
    Landmark.LEFT_EYE_DOWN: LEFT_EYE[3:],
    Landmark.RIGHT_EYE_LEFT: RIGHT_EYE[:1],
    Landmark.RIGHT_EYE_RIGHT: RIGHT_EYE[1:2],
    Landmark.RIGHT_EYE_UP: RIGHT_EYE[2:3],
    Landmark.RIGHT_EYE_DOWN: RIGHT_EYE[3:],
    Landmark.NOSE_LEFT: (60,),
    Landmark.NOSE_RIGHT: (290,),
    Landmark.MOUTH_UP: (0,),
    Landmark.MOUTH_DOWN: (17,),
    Landmark.LEFT_PUPIL: LEFT_EYE,
    Landmark.RIGHT_PUPIL: RIGHT_EYE,
    Landmark.UPPER_JAWLINE_LEFT: (127,),
    Landmark.MID_JAWLINE_LEFT: (172,),
    Landmark.CHIN_BOTTOM: (152,),
    Landmark.MID_JAWLINE_RIGHT: (397,),
    Landmark.UPPER_JAWLINE_RIGHT: (356,),
}

_KINDS = tuple(MESH_POINTS)
_AVERAGING = np.zeros((len(_KINDS), 468), np.float32)
for _row, _points in enumerate(MESH_POINTS.values()):
    _AVERAGING[_row, list(_points)] = 1 / len(_points)


def landmarks_of(mesh: Points) -> dict[Landmark, tuple[float, float]]:
    """All thirty landmarks, (x, y) in the pixels of the mesh.

    Args:
        mesh: float32 (468, 3), pixels, as in `DetectedFace`.
    """
    points = _AVERAGING @ mesh[:, :2]
    return {kind: (float(x), float(y)) for kind, (x, y) in zip(_KINDS, points, strict=True)}
