"""The cards say how to feed each model and what its outputs mean; a real photograph bears them out."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import skimage.data

from candid.vision.models import Models, open_models
from candid.vision.models.recipes import RECIPES
from candid.vision.models.references import run_once

# The astronaut's face: left, top and side of a square in pixels.
LEFT, TOP, SIDE = 172, 68, 105


@pytest.fixture(scope="module")
def models() -> Models:
    models = open_models()
    if set(RECIPES) - set(models.names()):
        pytest.skip("Candid's models are not there; run `candid models pull`")
    return models


def _answers(models: Models, name: str, grow: float, side: int = 0) -> dict[str, np.ndarray]:
    """What a model says of the face, the square grown `grow` times, fed as its card says."""
    feed = models.card(name).input
    height, width = feed.height or side, feed.width or side
    scale = width / (SIDE * grow)
    x, y = LEFT + SIDE / 2, TOP + SIDE / 2
    move = np.float32([[scale, 0, width / 2 - x * scale], [0, scale, height / 2 - y * scale]])
    pixels = cv2.warpAffine(skimage.data.astronaut(), move, (width, height), flags=cv2.INTER_AREA).astype(np.float32)
    if feed.colour == "GREY":
        pixels = (pixels @ np.float32([0.2989, 0.5870, 0.1140]))[..., None]
    image = (feed.low + pixels / 255 * (feed.high - feed.low)).transpose(2, 0, 1)[None]
    return dict(run_once(models.path(name).read_bytes(), np.ascontiguousarray(image, np.float32)))


@pytest.mark.parametrize("stage", ["mtcnn-rnet", "mtcnn-onet"])
def test_mtcnn_says_face(models, stage):
    found = _answers(models, stage, 1.0)
    assert found["probability"][0, 1] > 0.98
    assert np.abs(found["regression"]).max() < 0.2


def test_mtcnn_finds_the_face_in_the_middle_of_its_candidates(models):
    found = _answers(models, "mtcnn-pnet", 1.5, side=18)["probability"][0, 1]
    assert found.shape == (4, 4) and found.max() > 0.95
    assert found[1:3, 1:3].mean() > found[[0, 0, -1, -1], [0, -1, 0, -1]].mean()


def test_mtcnn_points_are_x_then_y_with_the_images_left_first(models):
    x, y = _answers(models, "mtcnn-onet", 1.0)["points"].reshape(2, 5)
    assert x[0] < x[2] < x[1] and x[3] < x[4]
    assert max(y[0], y[1]) < y[2] < min(y[3], y[4])


@pytest.mark.parametrize(
    ("name", "grow"),
    [("blazeface-short", 2.0), ("blazeface-back", 3.0), ("blazeface-full", 3.0), ("blazeface-full-sparse", 3.0)],
)
def test_blazeface_gives_box_and_points_from_its_anchor(models, name, grow):
    found = _answers(models, name, grow)
    best = found["scores"][0, :, 0].argmax()
    assert 1 / (1 + np.exp(-found["scores"][0, best, 0])) > 0.8
    _, _, width, height, *points = found["regressors"][0, best]
    side = models.card(name).input.width / grow
    assert 0.7 * side < width < 1.3 * side and 0.7 * side < height < 1.3 * side
    right_eye, left_eye, nose, mouth, right_ear, left_ear = np.reshape(points, (6, 2))
    assert right_ear[0] < right_eye[0] < left_eye[0] < left_ear[0]
    assert max(right_eye[1], left_eye[1]) < nose[1] < mouth[1]


def test_the_mesh_is_in_pixels_and_its_nose_is_nearest(models):
    found = _answers(models, "face-mesh", 1.5)
    mesh = found["mesh"].reshape(468, 3)
    assert found["presence"][0, 0] > 5
    # MediaPipe's numbering: outer corners of the eyes 33 and 263, nose tip 1, mouth corners 61 and 291.
    assert mesh[33, 0] < mesh[1, 0] < mesh[263, 0] and mesh[33, 1] < mesh[1, 1] < mesh[61, 1]
    assert mesh[1, 2] == mesh[[1, 33, 263, 61, 291], 2].min()
    assert mesh[:, :2].min() > 0 and mesh[:, :2].max() < 192


def test_presence_is_low_where_there_is_no_face(models):
    image = np.full((1, 3, 192, 192), 0.5, np.float32)
    assert run_once(models.path("face-mesh").read_bytes(), image)["presence"][0, 0] < 0


def test_the_iris_lies_between_the_lids(models):
    mesh = _answers(models, "face-mesh", 1.5)["mesh"].reshape(468, 3)
    feed, scale = models.card("iris").input, SIDE * 1.5 / 192
    # The person's left eye: corners 362 and 263; the crop is 2.3 times as wide as the eye.
    corners = mesh[[362, 263], :2] * scale + (LEFT - SIDE * 0.25, TOP - SIDE * 0.25)
    centre, wide = corners.mean(axis=0), np.ptp(corners[:, 0]) * 2.3
    move = np.float32([[feed.width / wide, 0, 32 - centre[0] * 64 / wide], [0, 64 / wide, 32 - centre[1] * 64 / wide]])
    pixels = cv2.warpAffine(skimage.data.astronaut(), move, (64, 64)).astype(np.float32) / 255
    image = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])
    found = run_once(models.path("iris").read_bytes(), image)
    iris, lids = found["iris"].reshape(5, 3), found["contour"].reshape(71, 3)[:16]
    assert lids[:, 0].min() < iris[0, 0] < lids[:, 0].max()
    assert abs(iris[0, 1] - lids[:, 1].mean()) < 8
    assert np.linalg.norm(iris[1:, :2] - iris[0, :2], axis=1).max() < 16


def test_attributes_of_a_smiling_woman(models):
    emotion = _answers(models, "emotion", 1.0)["emotion"][0]
    assert emotion.argmax() == 3 and emotion[3] > 0.9  # happy
    faceres = _answers(models, "faceres", 1.3)
    assert faceres["gender"][0, 0] < 0.5 and 15 < faceres["age"][0].argmax() < 60
    gear = _answers(models, "gear", 1.2)
    assert gear["gender"][0, 1] > gear["gender"][0, 0]
    np.testing.assert_allclose([faceres["age"].sum(), gear["age"].sum()], 1, atol=1e-4)


def test_an_embedding_stays_where_the_brightness_changes_and_moves_where_the_face_does(models):
    embed = models.path("mobilefacenet").read_bytes()
    face = cv2.resize(skimage.data.astronaut()[TOP : TOP + SIDE, LEFT : LEFT + SIDE], (112, 112)).astype(np.float32)
    other = cv2.resize(skimage.data.astronaut()[300:420, 60:180], (112, 112)).astype(np.float32)
    batch = np.stack([face, face * 0.8, other]).transpose(0, 3, 1, 2)
    found = run_once(embed, np.ascontiguousarray((batch - 127.5) / 128))["embedding"]
    assert found.shape == (3, 192)
    assert not np.allclose(np.linalg.norm(found, axis=1), 1)  # not normalised, as its card says
    found = found / np.linalg.norm(found, axis=1, keepdims=True)
    assert found[0] @ found[1] > 0.9 > 0.5 > found[0] @ found[2]
