from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage import data

from candid.vision import Engine, Image, ImageLimits, decode_image
from candid.vision.detect.faces import turn_back

BOX = (176.0, 67.0, 95.0, 109.0)  # of the astronaut, forehead to chin


def overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    across = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    down = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    shared = max(across, 0) * max(down, 0)
    return shared / (a[2] * a[3] + b[2] * b[3] - shared)


def boxes(engine: Engine, pixels: np.ndarray, most: int = 100) -> list[tuple[float, ...]]:
    found = engine.detect(Image(np.ascontiguousarray(pixels)), max_faces=most)
    return [(f.box.left, f.box.top, f.box.width, f.box.height) for f in found]


def scattered(face: int, places: list[tuple[int, int]]) -> tuple[np.ndarray, list[tuple[float, ...]]]:
    """A grey picture of 1000 × 750 with the astronaut's head, `face` pixels from forehead to chin, at each place."""
    scale = face / BOX[3]
    head = data.astronaut()[20:240, 110:340]
    head = cv2.resize(head, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    picture = np.full((750, 1000, 3), 120, np.uint8)
    for x, y in places:
        picture[y : y + head.shape[0], x : x + head.shape[1]] = head
    offset = ((BOX[0] - 110) * scale, (BOX[1] - 20) * scale)
    return picture, [(x + offset[0], y + offset[1], BOX[2] * scale, face) for x, y in places]


def test_the_astronaut(engine: Engine, astronaut: Image) -> None:
    (face,) = engine.detect(astronaut, max_faces=100)
    assert overlap((face.box.left, face.box.top, face.box.width, face.box.height), BOX) > 0.8
    assert 99 < face.confidence <= 100
    assert face.points.shape == (5, 2)
    assert face.mesh.shape == (468, 3)
    assert face.points.dtype == face.mesh.dtype == np.float32


@pytest.mark.parametrize("side", [20, 24, 32, 50, 100, 200, 340])
def test_faces_of_all_sizes(engine: Engine, side: int) -> None:
    picture, (expected,) = scattered(side, [(200, 30)])
    (found,) = boxes(engine, picture)
    assert overlap(found, expected) > 0.6


def test_a_face_that_fills_the_image(engine: Engine) -> None:
    assert len(boxes(engine, data.astronaut()[60:185, 168:285])) == 1


def test_several_dozen_faces(engine: Engine) -> None:
    places = [(20 + 96 * i, 20 + 90 * j) for i in range(10) for j in range(8)]
    picture, expected = scattered(40, places)
    found = boxes(engine, picture, most=500)
    assert len(found) == 80
    assert all(max(overlap(face, other) for other in found) > 0.6 for face in expected)


def test_the_largest_come_first_and_no_more_than_wanted(engine: Engine) -> None:
    small, _ = scattered(30, [(50, 500), (300, 500)])
    large, _ = scattered(120, [(600, 100)])
    picture = np.where(large == 120, small, large)
    found = boxes(engine, picture)
    assert len(found) == 3
    areas = [face[2] * face[3] for face in found]
    assert areas == sorted(areas, reverse=True)
    assert boxes(engine, picture, most=1) == found[:1]
    assert boxes(engine, picture, most=0) == []


@pytest.mark.parametrize("angle", [-45, -30, -15, 15, 30, 45])
def test_heads_that_lean(engine: Engine, angle: int) -> None:
    turn = cv2.getRotationMatrix2D((223, 121), angle, 1.0)
    picture = cv2.warpAffine(data.astronaut(), turn, (512, 512))
    (found,) = boxes(engine, picture)
    assert abs(found[0] + found[2] / 2 - 223) < 20
    assert abs(found[1] + found[3] / 2 - 121) < 20


@pytest.mark.parametrize("quarter", [1, 2, 3])
def test_photographs_that_lie_on_their_side(engine: Engine, astronaut: Image, quarter: int) -> None:
    picture = Image(np.ascontiguousarray(np.rot90(astronaut.pixels, quarter)))
    (found,) = engine.detect(picture, max_faces=10)
    back = turn_back(found.points, quarter, (512, 512))
    (upright,) = engine.detect(astronaut, max_faces=10)
    assert np.abs(back - upright.points).max() < 4


@pytest.mark.parametrize("name", ["coffee", "chelsea", "rocket", "brick", "grass", "gravel", "moon", "coins", "page"])
def test_what_has_no_face(engine: Engine, name: str) -> None:
    picture = getattr(data, name)()
    if picture.ndim == 2:
        picture = np.repeat(picture[:, :, None], 3, axis=2)
    assert boxes(engine, picture) == []


@pytest.mark.parametrize("shape", [(1, 1), (5, 400), (400, 5), (80, 80), (3000, 90)])
@pytest.mark.parametrize("value", [0, 255])
def test_odd_and_empty_images(engine: Engine, shape: tuple[int, int], value: int) -> None:
    assert boxes(engine, np.full((*shape, 3), value, np.uint8)) == []


def test_large_images(engine: Engine) -> None:
    picture = cv2.resize(data.astronaut(), (4000, 4000), interpolation=cv2.INTER_CUBIC)
    (found,) = boxes(engine, picture)
    assert overlap(found, tuple(side * 4000 / 512 for side in BOX)) > 0.8


@given(
    st.integers(0, 3),
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.tuples(st.integers(0, 8), st.integers(0, 8)),
)
def test_turn_back_undoes_rot90(turns: int, size: tuple[int, int], place: tuple[int, int]) -> None:
    width, height = size
    x, y = place[0] % width, place[1] % height
    picture = np.zeros((height, width))
    picture[y, x] = 1
    (row,), (column,) = np.nonzero(np.rot90(picture, turns))
    centre = np.array([column + 0.5, row + 0.5], np.float32)
    assert turn_back(centre, turns, size).tolist() == [x + 0.5, y + 0.5]


def test_no_labelled_face_is_missed(engine: Engine, labelled_faces: Path) -> None:
    missed = []
    for file in sorted((labelled_faces / "images").iterdir()):
        image = decode_image(file.read_bytes(), limits=ImageLimits(min_side=1))
        if not engine.detect(image, max_faces=100):
            missed.append(file.name)
    assert missed == []
