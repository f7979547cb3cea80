from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from candid.vision import DetectedFace
from candid.vision.describe.face_frame import fit_frame
from candid.vision.describe.mouth import MOUTH_OPEN, SMILE, measure_mouth

LOWER_LIP = [14, 87, 317, 178, 402, 88, 318, 95, 324]


@given(st.floats(0, 20), st.floats(1, 20))
def test_dropping_the_lower_lip_opens_the_mouth(face: DetectedFace, drop: float, more: float) -> None:
    straight = fit_frame(face.mesh).straightened(face.mesh)
    dropped, further = straight.copy(), straight.copy()
    dropped[LOWER_LIP, 1] += drop
    further[LOWER_LIP, 1] += drop + more
    assert MOUTH_OPEN.logit(measure_mouth(further)) > MOUTH_OPEN.logit(measure_mouth(dropped))


@given(st.floats(0, 10), st.floats(0.5, 10))
def test_raising_the_corners_is_more_of_a_smile(face: DetectedFace, lift: float, more: float) -> None:
    straight = fit_frame(face.mesh).straightened(face.mesh)
    raised, further = straight.copy(), straight.copy()
    raised[[61, 291], 1] -= lift
    further[[61, 291], 1] -= lift + more
    assert SMILE.logit(measure_mouth(further)) > SMILE.logit(measure_mouth(raised))


@given(st.floats(0.2, 5), st.floats(-500, 500))
def test_scale_and_place_do_not_matter(face: DetectedFace, scale: float, shift: float) -> None:
    first = measure_mouth(fit_frame(face.mesh).straightened(face.mesh))
    mesh = (face.mesh * scale + shift).astype(np.float32)
    second = measure_mouth(fit_frame(mesh).straightened(mesh))
    assert all(abs(first[name] - second[name]) < 1e-3 for name in first)
