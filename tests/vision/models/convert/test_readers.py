"""Both readers against truncated and altered files: `ModelError`, never another exception, never a wrong size."""

from __future__ import annotations

import json
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from candid.vision.errors import ModelError
from candid.vision.models.convert.flatbuffer import Table
from candid.vision.models.convert.pipeline import convert_tfjs, convert_tflite
from candid.vision.models.convert.tfjs_reader import read_tfjs
from candid.vision.models.convert.tflite_reader import read_tflite

KERNEL = np.arange(2 * 3 * 3 * 3, dtype=np.float32).reshape(2, 3, 3, 3)
SIDES = {0: ("b", 0), 1: ("i", 1), 2: ("i", 1), 3: ("b", 1)}


@pytest.fixture(scope="session")
def small(files) -> bytes:
    """Conv, pool, reshape: every part of the format."""
    tensors = [
        ("in", (1, 6, 6, 3), "float32", None),
        ("kernel", KERNEL.shape, "float16", KERNEL.astype(np.float16)),
        ("bias", (2,), "float32", np.float32([1, 2])),
        ("conv", (1, 6, 6, 2), "float32", None),
        ("shape", (2,), "int32", np.int32([1, 72])),
        ("out", (1, 72), "float32", None),
    ]
    steps = [(3, [0, 1, 2], [3], SIDES), (22, [3, 4], [5], {})]
    return files.tflite(tensors, steps, [0], [5])


@pytest.fixture(scope="session")
def small_js(files) -> tuple[bytes, bytes]:
    """The same as a TensorFlow.js model, float16."""
    weights = {"k": KERNEL.transpose(1, 2, 3, 0).astype(np.float16)}
    nodes = [("y", "Conv2D", ["x", "k"], {"padding": "SAME", "strides": [1, 1, 1, 1]})]
    return files.tfjs((-1, 6, 6, 3), weights, nodes, {"k": {"original_dtype": "float32"}})


def _refused_or_same(content: bytes, whole: bytes) -> bool:
    try:
        return convert_tflite(content, name="m", outputs={"out": "out"}) == whole
    except ModelError:
        return True


def test_every_truncation_of_a_tflite_file_is_refused(small):
    whole = convert_tflite(small, name="m", outputs={"out": "out"})
    for length in range(len(small) - 16):
        with pytest.raises(ModelError):
            convert_tflite(small[:length], name="m", outputs={"out": "out"})
    for length in range(len(small)):
        try:
            read_tflite(small[:length])  # may be whole for the reader, where the end is padding
        except ModelError:
            continue
    # The last bytes may be padding, without which the file still says the same.
    assert all(_refused_or_same(small[:length], whole) for length in range(len(small) - 16, len(small)))


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_an_altered_tflite_file_ends_in_a_model_or_a_model_error(small, data):
    content = bytearray(small)
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    for read in (read_tflite, partial(convert_tflite, name="m", outputs={"out": "out"})):
        try:
            read(bytes(content))
        except ModelError:
            continue


@settings(max_examples=200, deadline=None)
@given(content=st.binary(max_size=200))
def test_noise_is_no_tflite_file(content):
    with pytest.raises(ModelError):
        read_tflite(content)
    with pytest.raises(ModelError):
        read_tflite(b"\x10\0\0\0TFL3" + content)


def test_every_truncation_of_a_tfjs_model_is_refused(small_js):
    topology, weights = small_js
    for length in range(len(topology)):
        with pytest.raises(ModelError):
            convert_tfjs(topology[:length], weights, name="m", outputs={"y": "y"})
    for length in range(len(weights)):
        with pytest.raises(ModelError, match="truncated"):
            convert_tfjs(topology, weights[:length], name="m", outputs={"y": "y"})
    with pytest.raises(ModelError, match="bytes where"):
        read_tfjs(topology, weights + b"\0")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_tfjs_model_with_another_value_anywhere_ends_in_a_model_or_a_model_error(small_js, data):
    document = json.loads(small_js[0])
    place = document
    while True:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else list(range(len(place)))))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = data.draw(JSON)
    try:
        convert_tfjs(json.dumps(document).encode(), small_js[1], name="m", outputs={"y": "y"})
    except ModelError:
        return


def test_deeply_nested_json_is_refused():
    with pytest.raises(ModelError):
        read_tfjs(b"[" * 100_000, b"")


@pytest.mark.parametrize("stored", [np.uint8, np.uint16])
def test_quantised_weights_are_scaled(files, stored):
    value = np.array([[0, 1, 255]], stored)
    model = read_tfjs(*files.tfjs((-1, 1, 1, 1), {"w": value}, [], {"w": {"scale": 0.5, "min": -1.0}}))
    np.testing.assert_allclose(model.weights["w"], value * 0.5 - 1)


def test_tensors_come_back_as_they_were_written(small):
    model = read_tflite(small)
    assert [tensor.name for tensor in model.tensors] == ["in", "kernel", "bias", "conv", "shape", "out"]
    assert (model.inputs, model.outputs) == ((0,), (5,))
    assert [op.code for op in model.operators] == [3, 22]
    np.testing.assert_array_equal(model.tensors[1].value, KERNEL)
    assert model.tensors[0].value is None


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ([("in", (1, 2), "float32", np.float32([1]))], "has 1 elements"),
        ([("in", (1 << 14, 1 << 14), "float32", None)], "which is not converted"),
        ([("in", (-2, 3), "float32", None)], "which is not converted"),
        ([("in", (2,), "float32", np.uint8([1, 2, 3]))], "whole number of elements"),
    ],
)
def test_impossible_tensors_are_refused(files, tensors, message):
    with pytest.raises(ModelError, match=message):
        read_tflite(files.tflite(tensors, [], [0], [0]))


@pytest.mark.parametrize(
    ("steps", "outputs"),
    [([(19, [9], [1], {})], [1]), ([(19, [0], [9], {})], [1]), ([(19, [-2], [1], {})], [1]), ([], [9])],
)
def test_a_tensor_that_is_not_there_is_refused(files, steps, outputs):
    tensors = [("in", (1, 2, 2, 3), "float32", None), ("out", (1, 2, 2, 3), "float32", None)]
    with pytest.raises(ModelError, match="not there"):
        read_tflite(files.tflite(tensors, steps, [0], outputs))


def test_another_identifier_is_refused():
    with pytest.raises(ModelError, match="TFL3"):
        Table.root(b"\x08\0\0\0NOPE" + bytes(8), b"TFL3")
