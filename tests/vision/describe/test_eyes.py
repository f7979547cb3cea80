from __future__ import annotations

import numpy as np
import pytest

from candid.vision import DetectedFace, Image, Landmark
from candid.vision.describe.eyes import EYES_OPEN, Eyes, measure_eyes
from candid.vision.describe.landmarks import landmarks_of


@pytest.fixture(scope="module")
def eyes(engine, astronaut: Image, face: DetectedFace) -> Eyes:
    return measure_eyes(astronaut.pixels, [face.mesh], engine._runners["iris"].run)[0]


def test_the_pupils_are_found(eyes: Eyes) -> None:
    # Read off the enlarged picture.
    assert eyes.pupils[0] == pytest.approx((203, 101), abs=2)
    assert eyes.pupils[1] == pytest.approx((246, 103), abs=2)


def test_open_eyes_are_open(eyes: Eyes) -> None:
    truth = EYES_OPEN.judge({"opening": eyes.opening})
    assert truth.value
    assert truth.confidence > 90


def test_painted_lids_are_closed(engine, astronaut: Image, face: DetectedFace) -> None:
    pixels = astronaut.pixels.copy()
    skin = np.median(pixels[112:116, 195:215].reshape(-1, 3), axis=0)
    for x, y in (landmarks_of(face.mesh)[Landmark.EYE_LEFT], landmarks_of(face.mesh)[Landmark.EYE_RIGHT]):
        pixels[int(y) - 6 : int(y) + 5, int(x) - 12 : int(x) + 13] = skin
        pixels[int(y) + 4 : int(y) + 5, int(x) - 10 : int(x) + 11] = 60
    closed = measure_eyes(pixels, [face.mesh], engine._runners["iris"].run)[0]
    assert not EYES_OPEN.judge({"opening": closed.opening}).value


def test_the_mirrored_face_has_mirrored_eyes(engine, astronaut: Image, eyes: Eyes) -> None:
    image = Image(np.ascontiguousarray(astronaut.pixels[:, ::-1]))
    face = engine.detect(image, max_faces=1)[0]
    mirrored = measure_eyes(image.pixels, [face.mesh], engine._runners["iris"].run)[0]
    assert mirrored.opening == pytest.approx(eyes.opening, abs=0.08)
    for (x, y), (other_x, other_y) in zip(mirrored.pupils, reversed(eyes.pupils), strict=True):
        assert (512 - x, y) == pytest.approx((other_x, other_y), abs=1.5)
