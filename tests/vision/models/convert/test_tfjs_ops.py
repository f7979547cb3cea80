"""Every TensorFlow.js operator, against numpy, as emitted and after all passes."""

from __future__ import annotations

import numpy as np
import pytest

from candid.vision.errors import ModelError
from candid.vision.models.convert.pipeline import simplify
from candid.vision.models.convert.tfjs_ops import emit_tfjs
from candid.vision.models.convert.tfjs_reader import read_tfjs

RANDOM = np.random.default_rng(11)
X = RANDOM.normal(size=(2, 7, 6, 3)).astype(np.float32)
KERNEL = RANDOM.normal(size=(3, 2, 3, 4)).astype(np.float32)
DEEP = RANDOM.normal(size=(3, 3, 3, 2)).astype(np.float32)
BIAS = RANDOM.normal(size=6).astype(np.float32)
ROW = RANDOM.normal(size=3).astype(np.float32)
DENSE = RANDOM.normal(size=(126, 5)).astype(np.float32)
SLOPE = RANDOM.uniform(0.1, 1.5, size=(1, 1, 3)).astype(np.float32)

SAME = {"padding": "SAME", "strides": [1, 1, 1, 1], "data_format": "NHWC"}
DOWN = {"padding": "SAME", "strides": [1, 2, 1, 1]}
VALID = {"padding": "VALID", "strides": [1, 1, 1, 1], "dilations": [1, 2, 3, 1]}
POOL = {"padding": "SAME", "strides": [1, 2, 2, 1], "ksize": [1, 2, 3, 1]}
FLAT = ("flat", "Reshape", ["x", "shape"], {})
SHAPE = np.array([-1, 126], np.int32)


def _axes(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


def _grouped() -> np.ndarray:
    """(h, w, c, m) as (h, w, 1, c·m) of a convolution in groups."""
    return DEEP.reshape(3, 3, 1, 6)


# name: operator, weights by name, its inputs, attributes, what it gives
CASES = {
    "conv": ("Conv2D", {"k": KERNEL}, ["x", "k"], SAME, lambda p: p.conv(X, KERNEL, 0 * BIAS)),
    "conv stride": ("Conv2D", {"k": KERNEL}, ["x", "k"], DOWN, lambda p: p.conv(X, KERNEL, 0 * BIAS, strides=(2, 1))),
    "conv dilated": (
        "Conv2D",
        {"k": KERNEL},
        ["x", "k"],
        VALID,
        lambda p: p.conv(X, KERNEL, 0 * BIAS, same=False, dilations=(2, 3)),
    ),
    "fused conv": (
        "_FusedConv2D",
        {"k": KERNEL, "b": BIAS[:4]},
        ["x", "k", "b"],
        SAME | {"fused_ops": ["BiasAdd", "Relu"]},
        lambda p: np.maximum(p.conv(X, KERNEL, BIAS), 0),
    ),
    "fused conv prelu": (
        "_FusedConv2D",
        {"k": KERNEL, "b": BIAS[:4], "a": BIAS[:4].reshape(1, 1, 4)},
        ["x", "k", "b", "a"],
        SAME | {"fused_ops": ["BiasAdd", "Prelu"]},
        lambda p: (lambda y: np.where(y > 0, y, BIAS[:4] * y))(p.conv(X, KERNEL, BIAS)),
    ),
    "depthwise": (
        "DepthwiseConv2dNative",
        {"k": DEEP},
        ["x", "k"],
        SAME,
        lambda p: p.conv(X, _grouped(), 0 * BIAS, groups=3),
    ),
    "max pool": ("MaxPool", {}, ["x"], POOL, lambda p: p.pool(X, (2, 3), strides=(2, 2), same=True, average=False)),
    "average pool": ("AvgPool", {}, ["x"], POOL, lambda p: p.pool(X, (2, 3), strides=(2, 2), same=True, average=True)),
    "matmul": ("MatMul", {"w": DENSE, "shape": SHAPE}, ["flat", "w"], {}, lambda p: X.reshape(2, 126) @ DENSE),
    "matmul transposed": (
        "MatMul",
        {"w": DENSE.T.copy(), "shape": SHAPE},
        ["flat", "w"],
        {"transpose_b": True},
        lambda p: X.reshape(2, 126) @ DENSE,
    ),
    "fused matmul": (
        "_FusedMatMul",
        {"w": DENSE, "b": BIAS[:5], "shape": SHAPE},
        ["flat", "w", "b"],
        {"fused_ops": ["BiasAdd", "Relu"]},
        lambda p: np.maximum(X.reshape(2, 126) @ DENSE + BIAS[:5], 0),
    ),
    "add": ("AddV2", {"c": ROW}, ["x", "c"], {}, lambda p: X + ROW),
    "bias": ("BiasAdd", {"c": ROW}, ["x", "c"], {}, lambda p: X + ROW),
    "sub": ("Sub", {"c": ROW}, ["x", "c"], {}, lambda p: X - ROW),
    "mul": ("Mul", {"c": ROW}, ["x", "c"], {}, lambda p: X * ROW),
    "div": ("RealDiv", {"c": ROW}, ["x", "c"], {}, lambda p: X / ROW),
    "maximum": ("Maximum", {"c": np.float32([0.5])}, ["x", "c"], {}, lambda p: np.maximum(X, 0.5)),
    "minimum": ("Minimum", {"c": np.float32([0.5])}, ["x", "c"], {}, lambda p: np.minimum(X, 0.5)),
    "relu6": ("Relu6", {}, ["x"], {}, lambda p: np.clip(X, 0, 6)),
    "sigmoid": ("Sigmoid", {}, ["x"], {}, lambda p: 1 / (1 + np.exp(-X))),
    "tanh": ("Tanh", {}, ["x:0"], {}, lambda p: np.tanh(X)),
    "identity": ("Identity", {}, ["x"], {}, lambda p: X),
    "softmax": ("Softmax", {}, ["x"], {}, lambda p: np.exp(X) / np.exp(X).sum(axis=3, keepdims=True)),
    "prelu": ("Prelu", {"a": SLOPE}, ["x", "a"], {}, lambda p: np.where(X > 0, X, SLOPE * X)),
    "mean": ("Mean", {"i": _axes(1, 2)}, ["x", "i"], {}, lambda p: X.mean(axis=(1, 2))),
    "mean kept": (
        "Mean",
        {"i": _axes(1, 2)},
        ["x", "i"],
        {"keep_dims": True},
        lambda p: X.mean(axis=(1, 2), keepdims=True),
    ),
    "max": ("Max", {"i": _axes(1, 2)}, ["x", "i"], {}, lambda p: X.max(axis=(1, 2))),
    "pad": (
        "Pad",
        {"p": _axes(0, 0, 1, 2, 0, 3, 0, 0).reshape(4, 2)},
        ["x", "p"],
        {},
        lambda p: np.pad(X, ((0, 0), (1, 2), (0, 3), (0, 0))),
    ),
    "concat": ("ConcatV2", {"i": np.int32(3)}, ["x", "x", "i"], {}, lambda p: np.concatenate([X, X], axis=3)),
}


def _graph(files, op, weights, reads, attributes):
    weights = {name: np.asarray(value) for name, value in weights.items()}
    # Written backwards: the emitter has to find the order in which the operators can run.
    nodes = [("y", op, reads, attributes), *([FLAT] if "shape" in weights else [])]
    return emit_tfjs(read_tfjs(*files.tfjs((-1, 7, 6, 3), weights, nodes)), outputs=("y",))


@pytest.mark.parametrize("name", CASES)
def test_operator_equals_numpy(files, plain, name):
    *case, expected = CASES[name]
    found = files.run(_graph(files, *case), X)["y"]
    np.testing.assert_allclose(found, expected(plain), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_operator_after_all_passes(files, plain, name):
    *case, expected = CASES[name]
    wanted = expected(plain)
    found = files.run(simplify(_graph(files, *case)), np.ascontiguousarray(X.transpose(0, 3, 1, 2)))["y"]
    found = found.transpose(0, 2, 3, 1) if wanted.ndim == 4 else found
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_relu6_spelled_out_becomes_one_clip(files):
    weights = {"low": np.float32(0), "high": np.float32(6), "k": KERNEL}
    weights = {name: np.asarray(value) for name, value in weights.items()}
    nodes = [
        ("a", "Conv2D", ["x", "k"], SAME),
        ("b", "Relu", ["a"], {}),
        ("c", "Minimum", ["b", "high"], {}),
        ("y", "Maximum", ["c", "low"], {}),
    ]
    graph = emit_tfjs(read_tfjs(*files.tfjs((-1, 7, 6, 3), weights, nodes)), outputs=("y",))
    simple = simplify(graph)
    assert [node.op for node in simple.nodes] == ["Conv", "Clip"]
    found = files.run(simple, np.ascontiguousarray(X.transpose(0, 3, 1, 2)))["y"]
    np.testing.assert_allclose(found.transpose(0, 2, 3, 1), files.run(graph, X)["y"], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([("y", "Foo", ["x"], {})], "operator Foo"),
        ([("y", "Relu", ["nothing"], {})], "before it is computed"),
        ([("y", "Relu", [], {})], "0 inputs where Relu takes 1"),
        ([("y", "Relu", ["z"], {}), ("z", "Relu", ["y"], {})], "in a circle"),
        ([("y", "MaxPool", ["x"], POOL | {"data_format": "NCHW"})], "layout NCHW"),
        ([("z", "Relu", ["x"], {})], "no output 'y'"),
    ],
)
def test_unknown_is_refused(files, nodes, message):
    with pytest.raises(ModelError, match=message):
        emit_tfjs(read_tfjs(*files.tfjs((-1, 7, 6, 3), {}, nodes)), outputs=("y",))
