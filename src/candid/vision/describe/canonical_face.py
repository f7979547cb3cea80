"""A mean face, looking straight into the camera: the points of the mesh that expressions hardly move.

Derived by Candid: the meshes of 285 faces in photographs, aligned by generalised Procrustes analysis (Gower 1975),
their median made symmetric. The numbers of the points are those of MediaPipe's face mesh.

Units: the outer corners of the eyes are 100 apart. Axes as in an image: x to the image's right, y down, z away from
the camera; the origin is between the eyes.

Where straight ahead is cannot be seen in an aligned face. It was set so that the height of the nose tip between eyes
and mouth agrees with Amazon's: over the nine replies in its developer guide that print landmarks and a pose, the mean
difference is then 0.002 of the distance from eyes to mouth. (Independently, the median pitch of the 76 faces of the
labelled photographs, most of which look into the camera, becomes 0.6 degrees.)
"""

from __future__ import annotations

import numpy as np

# Mesh point on the image's left, its twin on the right, then x, y, z of the left one.
_PAIRS = (
    (33, 263, -50.0, 3.9, 24.9),
    (133, 362, -19.0, 6.1, 18.8),
    (127, 356, -76.9, 6.3, 79.8),
    (234, 454, -75.9, 21.4, 85.8),
    (70, 300, -62.6, -12.5, 24.9),
    (107, 336, -16.1, -19.2, -1.9),
    (98, 327, -19.6, 52.1, 6.3),
    (129, 358, -23.5, 44.3, 10.0),
    (116, 345, -69.8, 21.2, 40.0),
    (21, 251, -72.5, -21.9, 52.5),
    (54, 284, -65.7, -33.7, 38.2),
    (103, 332, -55.0, -43.1, 23.5),
    (67, 297, -38.7, -49.0, 10.9),
)

# Mesh point in the middle of the face, then y, z.
_MIDDLE = (
    (10, -51.8, 1.6),
    (151, -35.0, -1.2),
    (9, -17.8, -2.6),
    (168, 0.0, 0.0),
    (6, 9.1, -4.4),
    (197, 17.2, -9.5),
    (195, 24.7, -15.1),
    (5, 32.6, -20.9),
    (4, 42.2, -23.1),
    (1, 49.2, -20.4),
    (2, 55.2, -2.5),
)

STABLE_POINTS = np.array(
    [left for left, *_ in _PAIRS] + [right for _, right, *_ in _PAIRS] + [point for point, *_ in _MIDDLE]
)
# float64 (37, 3): where they lie.
STABLE_FACE = np.array(
    [[x, y, z] for _, _, x, y, z in _PAIRS]
    + [[-x, y, z] for _, _, x, y, z in _PAIRS]
    + [[0.0, y, z] for _, y, z in _MIDDLE]
)
