from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from candid.vision import Engine, Image, InvalidImage
from candid.vision.embed import decode_crops, encode_crops


@given(arrays(np.uint8, st.tuples(st.integers(0, 3), st.just(112), st.just(112), st.just(3))))
def test_crops_are_kept_exactly(crops: np.ndarray) -> None:
    assert np.array_equal(decode_crops(encode_crops(crops)), crops)


@pytest.mark.parametrize("file", [b"", b"\x89PNG\r\n\x1a\n", encode_crops(np.zeros((1, 112, 113, 3), np.uint8))[0]])
def test_what_is_no_crop(file: bytes) -> None:
    with pytest.raises(Exception) as raised:
        decode_crops([file])
    assert type(raised.value).__module__ == InvalidImage.__module__


def test_embeddings_have_length_one(engine: Engine, astronaut: Image) -> None:
    faces = engine.detect(astronaut, max_faces=1)
    (found,) = engine.embed(astronaut, faces)
    assert found.dtype == np.float32
    assert found.shape == (engine.default_contract.dim,)
    assert np.isclose(np.linalg.norm(found), 1, atol=1e-6)


def test_a_mirrored_face_is_nearly_the_same(engine: Engine, astronaut: Image) -> None:
    mirrored = Image(np.ascontiguousarray(astronaut.pixels[:, ::-1]))
    a, b = (engine.embed(image, engine.detect(image, max_faces=1))[0] for image in (astronaut, mirrored))
    assert a @ b > 0.9


def test_flip_averaging_makes_the_crop_and_its_mirror_one(engine: Engine, astronaut: Image) -> None:
    (crop,) = decode_crops(engine.crops(astronaut, engine.detect(astronaut, max_faces=1)))
    both = engine.embed_crops(encode_crops(np.stack([crop, crop[:, ::-1]])))
    assert both[0] @ both[1] > 1 - 1e-5


def test_faces_are_embedded_alike_alone_and_together(engine: Engine, astronaut: Image) -> None:
    face = engine.detect(astronaut, max_faces=1)[0]
    alone = engine.embed(astronaut, [face])
    together = engine.embed(astronaut, [face] * 40)
    assert together.shape == (40, alone.shape[1])
    assert np.abs(together - alone).max() < 1e-5


def test_no_faces(engine: Engine, astronaut: Image) -> None:
    assert engine.embed(astronaut, []).shape == (0, engine.default_contract.dim)
    assert engine.crops(astronaut, []) == []
    assert engine.embed_crops([]).shape == (0, engine.default_contract.dim)
