from __future__ import annotations

import numpy as np
import pytest

from candid.vision.detect.candidates import Candidates, no_candidates
from candid.vision.detect.mesh import (
    LEFT_CORNER,
    LEFT_EYE,
    NOSE_TIP,
    RIGHT_CORNER,
    RIGHT_EYE,
    SIDE,
    FaceMesh,
    Meshes,
    squares,
)
from candid.vision.facts import Image
from candid.vision.image_warp import apply
from candid.vision.models import Models
from candid.vision.runtime import Lanes, Provider, Runner, open_session

# Eyes, nose and mouth of the astronaut, read off the photograph; her box.
FIVE = np.array([[203, 101], [247, 103], [224, 125], [198, 138], [247, 141]], np.float32)
BOX = np.array([176, 67, 271, 176], np.float32)


@pytest.fixture(scope="module")
def mesh(models: Models) -> FaceMesh:
    path = models.path("face-mesh")
    return FaceMesh(
        Runner("m", lambda: open_session(path, provider=Provider.CPU), lanes=Lanes(1), slots=1, max_batch=8)
    )


def turned(image: Image, quarter: int) -> tuple[Image, Candidates]:
    """The photograph turned by quarters counter-clockwise, and the face in it."""
    size = image.width
    move = {
        0: lambda p: p,
        1: lambda p: np.stack([p[..., 1], size - p[..., 0]], axis=-1),
        2: lambda p: size - p,
        3: lambda p: np.stack([size - p[..., 1], p[..., 0]], axis=-1),
    }[quarter]
    corners = move(BOX.reshape(2, 2))
    box = np.concatenate([corners.min(0), corners.max(0)])
    found = Candidates(box[None], np.ones(1, np.float32), move(FIVE)[None].astype(np.float32))
    return Image(np.ascontiguousarray(np.rot90(image.pixels, quarter))), found


@pytest.mark.parametrize("quarter", range(4))
def test_points_lie_on_the_face_however_it_is_turned(mesh: FaceMesh, astronaut: Image, quarter: int) -> None:
    image, candidates = turned(astronaut, quarter)
    meshes = mesh.measure(image, candidates)
    assert meshes.points.shape == (1, 468, 3)
    assert meshes.presence[0] > 20
    assert np.abs(meshes.five()[0] - candidates.points[0]).max() < 6
    assert np.abs(meshes.boxes()[0] - candidates.boxes[0]).max() < 8


def test_depth_is_in_the_scale_of_x(mesh: FaceMesh, astronaut: Image) -> None:
    double = Image(np.repeat(np.repeat(astronaut.pixels, 2, 0), 2, 1))
    once = mesh.measure(astronaut, Candidates(BOX[None], np.ones(1, np.float32), FIVE[None])).points[0]
    twice = mesh.measure(double, Candidates(2 * BOX[None], np.ones(1, np.float32), 2 * FIVE[None])).points[0]
    assert np.abs(twice / 2 - once).max() < 2.5
    assert once[1, 2] < once[234, 2]  # the nose is nearer than the ear


def test_what_is_no_face_has_no_presence(mesh: FaceMesh, astronaut: Image) -> None:
    away = np.array([300, 300], np.float32)
    where = Candidates(
        BOX[None] + np.tile(away, 2) - 60, np.ones(1, np.float32), FIVE[None] + away - 60
    )
    assert mesh.measure(astronaut, where).presence[0] < 0
    assert mesh.measure(astronaut, no_candidates()).points.shape == (0, 468, 3)


def test_crops_are_centred_level_and_half_as_wide_again() -> None:
    (matrix,) = squares(BOX[None], FIVE[None])
    assert np.allclose(apply(matrix, np.array([SIDE / 2, SIDE / 2])), (BOX[:2] + BOX[2:]) / 2)
    eyes = apply(matrix, np.array([[50.0, 70], [140, 70]]))
    along, line = eyes[1] - eyes[0], FIVE[1] - FIVE[0]
    assert np.isclose(np.arctan2(along[1], along[0]), np.arctan2(line[1], line[0]))
    assert np.isclose(np.linalg.norm(along) / 90 * SIDE, 109 * 1.5)


def test_eyes_in_one_place_do_not_turn_the_crop() -> None:
    (matrix,) = squares(BOX[None], np.zeros((1, 5, 2), np.float32))
    assert np.isfinite(matrix).all()
    assert matrix[0, 1] == 0


def test_the_five_points_are_means_of_the_meshs() -> None:
    points = np.random.default_rng(2).uniform(0, 4000, (3, 468, 3)).astype(np.float32)
    flat = points[:, :, :2].astype(np.float64)
    means = [flat[:, part].mean(axis=1) for part in (LEFT_EYE, RIGHT_EYE, NOSE_TIP, (LEFT_CORNER,), (RIGHT_CORNER,))]
    five = Meshes(points, np.zeros(3, np.float32)).five()
    assert five.dtype == np.float32
    assert np.abs(five - np.stack(means, axis=1)).max() < 0.001
