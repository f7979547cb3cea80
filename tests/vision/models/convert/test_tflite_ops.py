"""Every TensorFlow Lite operator, against numpy, as emitted and after all passes."""

from __future__ import annotations

import numpy as np
import pytest

from candid.vision.errors import ModelError
from candid.vision.models.convert.pipeline import simplify
from candid.vision.models.convert.tflite_ops import emit_tflite
from candid.vision.models.convert.tflite_reader import read_tflite

RANDOM = np.random.default_rng(7)
X = RANDOM.normal(size=(2, 7, 6, 3)).astype(np.float32)
KERNEL = RANDOM.normal(size=(4, 3, 2, 3)).astype(np.float32)  # outputs, height, width, inputs
DEEP = RANDOM.normal(size=(1, 3, 3, 6)).astype(np.float32)  # depthwise with a multiplier of 2
BIAS = RANDOM.normal(size=6).astype(np.float32)
DENSE = RANDOM.normal(size=(5, 126)).astype(np.float32)
ROW = RANDOM.normal(size=3).astype(np.float32)
SLOPE = RANDOM.uniform(0.1, 1.5, size=(1, 1, 3)).astype(np.float32)


def _i(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


def _hwio(kernel: np.ndarray) -> np.ndarray:
    return kernel.transpose(1, 2, 3, 0)


def _depthwise(kernel: np.ndarray) -> np.ndarray:
    """(1, h, w, c·m) as (h, w, 1, c·m) of a convolution in groups."""
    return kernel.transpose(1, 2, 0, 3)


def _conv(**options):
    return lambda p: p.conv(X, _hwio(KERNEL), BIAS[:4], **options)


def _options(same: bool, down: int, right: int, *rest: tuple[int, tuple[str, int]]) -> dict:
    return {0: ("b", 0 if same else 1), 1: ("i", right), 2: ("i", down), **dict(rest)}


def _relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0)


# name: operator, constants after X, options by slot, what it gives (batch of 2)
CASES = {
    "conv same": (3, (KERNEL, BIAS[:4]), _options(True, 1, 1), _conv()),
    "conv without bias": (3, (KERNEL,), _options(True, 1, 1), lambda p: p.conv(X, _hwio(KERNEL), 0 * BIAS)),
    "conv stride, relu": (
        3,
        (KERNEL, BIAS[:4]),
        _options(True, 2, 1, (3, ("b", 1))),
        lambda p: _relu(p.conv(X, _hwio(KERNEL), BIAS, strides=(2, 1))),
    ),
    "conv valid dilated": (
        3,
        (KERNEL, BIAS[:4]),
        _options(False, 1, 1, (4, ("i", 3)), (5, ("i", 2))),
        _conv(same=False, dilations=(2, 3)),
    ),
    "conv float16 relu6": (
        3,
        (KERNEL.astype(np.float16), BIAS[:4]),
        _options(True, 1, 1, (3, ("b", 3))),
        lambda p: np.clip(p.conv(X, _hwio(KERNEL.astype(np.float16)), BIAS), 0, 6),
    ),
    "depthwise": (
        4,
        (DEEP, BIAS),
        _options(True, 2, 2, (3, ("i", 2))),
        lambda p: p.conv(X, _depthwise(DEEP), BIAS, strides=(2, 2), groups=3),
    ),
    "max pool same": (
        17,
        (),
        _options(True, 2, 2, (3, ("i", 3)), (4, ("i", 2))),
        lambda p: p.pool(X, (2, 3), strides=(2, 2), same=True, average=False),
    ),
    "average pool same": (
        1,
        (),
        _options(True, 1, 2, (3, ("i", 2)), (4, ("i", 3))),
        lambda p: p.pool(X, (3, 2), strides=(1, 2), same=True, average=True),
    ),
    "average pool valid": (
        1,
        (),
        _options(False, 2, 1, (3, ("i", 2)), (4, ("i", 2))),
        lambda p: p.pool(X, (2, 2), strides=(2, 1), same=False, average=True),
    ),
    "add row": (0, (ROW,), {}, lambda p: X + ROW),
    "add number, tanh": (0, (ROW[:1],), {0: ("b", 4)}, lambda p: np.tanh(X + ROW[0])),
    "mul": (18, (ROW,), {}, lambda p: X * ROW),
    "sub": (41, (ROW,), {}, lambda p: X - ROW),
    "div": (42, (ROW,), {}, lambda p: X / ROW),
    "relu": (19, (), {}, lambda p: _relu(X)),
    "neg": (59, (), {}, lambda p: -X),
    "abs": (101, (), {}, lambda p: np.abs(X)),
    "exp": (47, (), {}, lambda p: np.exp(X)),
    "sigmoid": (14, (), {}, lambda p: 1 / (1 + np.exp(-X))),
    "prelu": (54, (SLOPE,), {}, lambda p: np.where(X > 0, X, SLOPE * X)),
    "pad": (
        34,
        (_i(0, 0, 1, 2, 0, 3, 0, 4).reshape(4, 2),),
        {},
        lambda p: np.pad(X, ((0, 0), (1, 2), (0, 3), (0, 4))),
    ),
    "mean kept": (40, (_i(1, 2),), {0: ("b", 1)}, lambda p: X.mean(axis=(1, 2), keepdims=True)),
    "mean dropped": (40, (_i(1, 2),), {}, lambda p: X.mean(axis=(1, 2))),
    "mean of the width": (40, (_i(2),), {}, lambda p: X.mean(axis=2)),
    "sum of channels": (74, (_i(-1),), {0: ("b", 1)}, lambda p: X.sum(axis=3, keepdims=True)),
    "max dropped": (82, (_i(3),), {}, lambda p: X.max(axis=3)),
    "reshape flat": (22, (_i(1, 126),), {}, lambda p: X.reshape(2, 126)),
    "reshape anchors": (22, (_i(1, 42, 3),), {}, lambda p: X.reshape(2, 42, 3)),
    "dense": (9, (DENSE, BIAS[:5]), {0: ("b", 1)}, lambda p: _relu(X.reshape(2, 126) @ DENSE.T + BIAS[:5])),
    "resize half pixel": (23, (_i(14, 12),), {3: ("b", 1)}, lambda p: p.resize(X, 14, 12, half_pixel=True)),
    "resize corners": (23, (_i(13, 11),), {2: ("b", 1)}, lambda p: p.resize(X, 13, 11, align_corners=True)),
    "resize asymmetric": (23, (_i(14, 12),), {}, lambda p: p.resize(X, 14, 12)),
}


def _single(files, code, constants, options, wanted) -> bytes:
    tensors = [("in", (1, *X.shape[1:]), "float32", None)]
    tensors += [(f"c{i}", c.shape, c.dtype.name, c) for i, c in enumerate(constants)]
    tensors.append(("out", (1, *wanted.shape[1:]), "float32", None))
    last = len(tensors) - 1
    return files.tflite(tensors, [(code, list(range(last)), [last], options)], [0], [last])


def _channels_last(value: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    return value.transpose(0, 2, 3, 1) if wanted.ndim == 4 else value


@pytest.mark.parametrize("name", CASES)
def test_operator_equals_numpy(files, plain, name):
    code, constants, options, expected = CASES[name]
    wanted = expected(plain)
    graph = emit_tflite(read_tflite(_single(files, code, constants, options, wanted)))
    np.testing.assert_allclose(files.run(graph, X)["out"], wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("swapped", [False, True], ids=["upright", "swapped sides"])
@pytest.mark.parametrize("name", CASES)
def test_operator_after_all_passes(files, plain, name, swapped):
    code, constants, options, expected = CASES[name]
    wanted = expected(plain)
    graph = emit_tflite(read_tflite(_single(files, code, constants, options, wanted)))
    graph = simplify(graph, swapped_sides=swapped)
    image = X.transpose(0, 3, 2, 1) if swapped else X.transpose(0, 3, 1, 2)
    found = files.run(graph, np.ascontiguousarray(image))["out"]
    back = found.transpose(0, 3, 2, 1) if swapped and wanted.ndim == 4 else _channels_last(found, wanted)
    np.testing.assert_allclose(back, wanted, rtol=1e-4, atol=1e-5)


def test_concatenation_and_two_inputs(files):
    tensors = [("in", (1, 7, 6, 3), "float32", None)]
    tensors += [("double", (1, 7, 6, 3), "float32", None), ("out", (1, 7, 6, 6), "float32", None)]
    content = files.tflite(tensors, [(0, [0, 0], [1], {}), (2, [0, 1], [2], {0: ("i", 3)})], [0], [2])
    graph = simplify(emit_tflite(read_tflite(content)))
    found = files.run(graph, np.ascontiguousarray(X.transpose(0, 3, 1, 2)))["out"]
    np.testing.assert_allclose(found.transpose(0, 2, 3, 1), np.concatenate([X, 2 * X], axis=3), rtol=1e-6)


def test_depth_to_space_has_tensorflows_order(files):
    x = np.arange(2 * 2 * 3 * 8, dtype=np.float32).reshape(2, 2, 3, 8)
    wanted = x.reshape(2, 2, 3, 2, 2, 2).transpose(0, 1, 3, 2, 4, 5).reshape(2, 4, 6, 2)
    tensors = [("in", (1, 2, 3, 8), "float32", None), ("out", (1, 4, 6, 2), "float32", None)]
    graph = emit_tflite(read_tflite(files.tflite(tensors, [(5, [0], [1], {0: ("i", 2)})], [0], [1])))
    np.testing.assert_array_equal(files.run(graph, x)["out"], wanted)


@pytest.mark.parametrize(
    ("code", "options", "message"),
    [
        (200, {}, "operator 200"),
        (3, {0: ("b", 0), 1: ("i", 1), 2: ("i", 1), 3: ("b", 5)}, "activation '5'"),
    ],
)
def test_unknown_is_refused(files, code, options, message):
    content = _single(files, code, (KERNEL, BIAS[:4]), options, np.zeros((1, 7, 6, 4)))
    with pytest.raises(ModelError, match=message):
        emit_tflite(read_tflite(content))


def test_reshape_across_the_batch_is_refused(files):
    content = _single(files, 22, (_i(7, 18),), {}, np.zeros((2, 126)))
    tensors = [("in", (1, 7, 6, 3), "float32", None), ("out", (7, 18), "float32", None)]
    content = files.tflite(tensors, [(22, [0], [1], {})], [0], [1])
    with pytest.raises(ModelError, match="mixes the batch"):
        emit_tflite(read_tflite(content))
