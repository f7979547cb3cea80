"""Each pass by itself: the same outputs before and after, and what it is there for."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from candid.vision.models.convert import fuse, spatial
from candid.vision.models.convert.graph import Graph
from candid.vision.models.convert.layout import fold_transposes
from candid.vision.models.convert.padding import explicit_padding, fuse_pad, same_pads
from candid.vision.models.convert.pairs import sigmoids_for_pairs
from candid.vision.models.convert.pipeline import simplify
from candid.vision.models.convert.pooling import pool_before_prelu
from candid.vision.models.convert.widen import BLOCK, split_prelu, widen_channels

RANDOM = np.random.default_rng(3)
NCHW = RANDOM.normal(size=(2, 3, 9, 8)).astype(np.float32)
POINTWISE = {"kernel_shape": (1, 1), "strides": (1, 1), "pads": (0, 0, 0, 0), "group": 1}


def _weights(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=shape).astype(np.float32)


def _graph() -> Graph:
    graph = Graph()
    graph.inputs["x"] = (None, 3, 9, 8)
    return graph


def _conv(graph: Graph, name: str, before: int, after: int, groups: int = 1) -> str:
    kernel, bias = graph.constant(_weights(after, before // groups, 3, 3)), graph.constant(_weights(after))
    return graph.add(
        "Conv", [name, kernel, bias], kernel_shape=(3, 3), strides=(1, 1), pads=(1, 1, 1, 1), group=groups
    )


def _same(files, before: Graph, after: Graph, image: np.ndarray = NCHW) -> None:
    wanted, found = files.run(before, image), files.run(after, image)
    assert wanted.keys() == found.keys()
    for name in wanted:
        # Float32 sums in another order: an error of the size of the sum's terms, not of the sum.
        np.testing.assert_allclose(found[name], wanted[name], rtol=0, atol=1e-5 * np.abs(wanted[name]).max())


def _ops(graph: Graph) -> Counter[str]:
    return Counter(node.op for node in graph.nodes)


def _prelu_spellings(graph: Graph, x: str) -> list[str]:
    """The ways in which the exporters of Candid's models spell PRelu."""
    slope = RANDOM.uniform(0.1, 1.4, size=(3, 1, 1)).astype(np.float32)
    negative = graph.add("Neg", [graph.add("Relu", [graph.add("Neg", [x])])])
    first = graph.add("Mul", [graph.constant(slope), negative])
    half = graph.add("Sub", [x, graph.add("Abs", [x])])
    second = graph.add("Mul", [graph.add("Mul", [half, graph.constant(slope)]), graph.constant(np.float32([0.5]))])
    return [
        graph.add("Add", [graph.add("Relu", [x]), first]),
        graph.add("Add", [second, graph.add("Relu", [x])]),
    ]


@pytest.mark.parametrize("spelling", [0, 1])
def test_prelu_is_found_however_it_is_spelled(files, spelling):
    graph = _graph()
    graph.outputs[_prelu_spellings(graph, _conv(graph, "x", 3, 3))[spelling]] = "y"
    graph = graph.pruned()
    fused = fuse.fuse_prelu(graph)
    assert _ops(fused) == {"Conv": 1, "PRelu": 1}
    _same(files, graph, fused)


def test_what_only_looks_like_prelu_is_left_alone(files):
    graph = _graph()
    squared = graph.add("Mul", ["x", graph.add("Neg", [graph.add("Relu", [graph.add("Neg", ["x"])])])])
    graph.outputs[graph.add("Add", [graph.add("Relu", ["x"]), squared])] = "y"
    fused = fuse.fuse_prelu(graph)
    assert "PRelu" not in _ops(fused)
    _same(files, graph, fused)


def test_softmax_is_found(files):
    graph = _graph()
    axes = graph.constant(np.array([1], np.int64))
    shifted = graph.add("Sub", ["x", graph.add("ReduceMax", ["x", axes], keepdims=1)])
    exp = graph.add("Exp", [shifted])
    graph.outputs[graph.add("Div", [exp, graph.add("ReduceSum", [exp, axes], keepdims=1)])] = "y"
    fused = fuse.fuse_softmax(graph)
    assert _ops(fused) == {"Softmax": 1}
    _same(files, graph, fused)


def test_softmax_over_two_axes_is_left_alone(files):
    graph = _graph()
    axes = graph.constant(np.array([1, 2], np.int64))
    exp = graph.add("Exp", [graph.add("Sub", ["x", graph.add("ReduceMax", ["x", axes], keepdims=1)])])
    graph.outputs[graph.add("Div", [exp, graph.add("ReduceSum", [exp, axes], keepdims=1)])] = "y"
    _same(files, graph, fuse.fuse_softmax(graph))
    assert "Softmax" not in _ops(fuse.fuse_softmax(graph))


@given(bounds=st.lists(st.tuples(st.sampled_from(["Max", "Min", "Relu"]), st.integers(-3, 3)), min_size=1, max_size=5))
@settings(max_examples=60, deadline=None)
def test_any_chain_of_bounds_is_one_clip(files, bounds):
    graph, name = _graph(), "x"
    for op, bound in bounds:
        inputs = [name] if op == "Relu" else [name, graph.constant(np.array(bound, np.float32))]
        name = graph.add(op, inputs)
    graph.outputs[name] = "y"
    fused = fuse.fuse_clip(graph)
    assert len(fused.nodes) == 1
    _same(files, graph, fused, NCHW * 3)


def test_batch_normalisation_goes_into_the_convolution(files):
    graph = _graph()
    scaled = graph.add("Mul", [_conv(graph, "x", 3, 5), graph.constant(_weights(5, 1, 1))])
    shifted = graph.add("Add", [graph.constant(_weights(1, 5, 1, 1)), scaled])
    graph.outputs[graph.add("Relu", [shifted])] = "y"
    fused = fuse.fuse_affine(graph)
    assert _ops(fused) == {"Conv": 1, "Relu": 1}
    _same(files, graph, fused)


def test_a_convolution_that_two_read_is_not_scaled(files):
    graph = _graph()
    conv = _conv(graph, "x", 3, 5)
    graph.outputs[graph.add("Add", [conv, graph.add("Mul", [conv, graph.constant(_weights(5, 1, 1))])])] = "y"
    fused = fuse.fuse_affine(graph)
    assert _ops(fused)["Mul"] == 1
    _same(files, graph, fused)


def test_identity_of_an_input_stays_where_it_is_the_output(files):
    graph = _graph()
    graph.outputs[graph.add("Identity", [graph.add("Identity", ["x"])])] = "y"
    _same(files, graph, fuse.drop_idle(graph))


@pytest.mark.parametrize("swapped", [False, True], ids=["upright", "swapped sides"])
def test_a_channels_last_network_keeps_no_transpose(files, swapped):
    graph = Graph()
    graph.inputs["x"] = (None, 9, 8, 3)
    window = spatial.Window(same=True, strides=(2, 1))
    name = spatial.convolve(graph, "x", kernel=_weights(4, 3, 3, 2), bias=_weights(4), window=window)
    name = graph.add("PRelu", [name, graph.constant(np.abs(_weights(1, 1, 4)))])
    name = graph.add("Add", [name, graph.constant(_weights(4))])
    name = spatial.pool(graph, name, op="MaxPool", size=(2, 3), window=window)
    name = graph.add("Concat", [name, graph.add("Relu", [name])], axis=3)
    flat = graph.add("Reshape", [name, graph.constant(np.array([0, 3 * 8 * 8], np.int64))])
    weights = [graph.constant(_weights(3 * 8 * 8, 5)), graph.constant(_weights(5))]
    graph.outputs = {graph.add("Gemm", [flat, *weights]): "dense", name: "map"}
    folded = fold_transposes(graph, swapped_sides=swapped)
    assert "Transpose" not in _ops(folded) and "Gather" not in _ops(folded)
    image = np.ascontiguousarray(NCHW.transpose(0, 2, 3, 1))
    wanted = files.run(graph, image)
    found = files.run(folded, np.ascontiguousarray(NCHW.transpose(0, 1, 3, 2) if swapped else NCHW))
    np.testing.assert_allclose(found["dense"], wanted["dense"], rtol=1e-4, atol=1e-3)
    order = (0, 3, 2, 1) if swapped else (0, 2, 3, 1)
    np.testing.assert_allclose(found["map"].transpose(order), wanted["map"], rtol=1e-4, atol=1e-3)


def test_a_mixture_of_orders_is_made_real_where_needed(files):
    graph = Graph()
    graph.inputs["x"] = (None, 8, 8, 3)
    turned = graph.add("Transpose", ["x"], perm=(0, 2, 1, 3))
    both = graph.add("Add", ["x", turned])
    rows = graph.add("Reshape", [both, graph.constant(np.array([0, 8, 24], np.int64))])
    matrix = graph.constant(_weights(24, 2))
    graph.outputs = {graph.add("MatMul", [rows, matrix]): "a", graph.add("Concat", ["x", turned], axis=1): "b"}
    image = RANDOM.normal(size=(2, 8, 8, 3)).astype(np.float32)
    wanted, found = files.run(graph, image), files.run(
        fold_transposes(graph), np.ascontiguousarray(image.transpose(0, 3, 1, 2))
    )
    np.testing.assert_allclose(found["a"], wanted["a"], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found["b"].transpose(0, 2, 3, 1), wanted["b"], rtol=1e-6)


@given(size=st.integers(1, 40), kernel=st.integers(1, 7), stride=st.integers(1, 4), dilation=st.integers(1, 3))
def test_same_padding_gives_a_result_for_each_stride(size, kernel, stride, dilation):
    before, after = same_pads(size, kernel, stride, dilation)
    reach = (kernel - 1) * dilation + 1
    assert 0 <= after - before <= 1
    if before or after:
        assert (size + before + after - reach) // stride + 1 == -(-size // stride)


def test_a_zero_pad_goes_into_the_convolution(files):
    graph = _graph()
    pads = graph.constant(np.array([0, 0, 1, 0, 0, 0, 2, 1], np.int64))
    graph.outputs[_conv(graph, graph.add("Pad", ["x", pads]), 3, 4)] = "y"
    fused = fuse_pad(graph)
    assert _ops(fused) == {"Conv": 1}
    _same(files, graph, fused)


def test_a_pad_of_channels_stays(files):
    graph = _graph()
    pads = graph.constant(np.array([0, 0, 0, 0, 0, 2, 0, 0], np.int64))
    graph.outputs[_conv(graph, graph.add("Pad", ["x", pads]), 5, 4)] = "y"
    assert _ops(fuse_pad(graph))["Pad"] == 1


def test_a_free_side_keeps_its_automatic_padding(files):
    graph = Graph()
    graph.inputs["x"] = (None, 3, None, None)
    kernel, bias = graph.constant(_weights(4, 3, 3, 3)), graph.constant(_weights(4))
    sizes = {"kernel_shape": (3, 3), "strides": (2, 2), "group": 1, "auto_pad": "SAME_UPPER"}
    graph.outputs[graph.add("Conv", ["x", kernel, bias], **sizes)] = "y"
    explicit = explicit_padding(graph)
    assert explicit.nodes[0].attributes["auto_pad"] == "SAME_UPPER"
    _same(files, graph, explicit)


def _block(graph: Graph, name: str, channels: int, after: int) -> str:
    """As in BlazeFace: depthwise, pointwise, and a shortcut with padded channels."""
    deep = _conv(graph, _conv(graph, name, channels, channels, channels), channels, after)
    if after > channels:
        pads = graph.constant(np.array([0, 0, 0, 0, 0, after - channels, 0, 0], np.int64))
        name = graph.add("Pad", [name, pads])
    return graph.add("Relu", [graph.add("Add", [deep, name])])


@given(channels=st.lists(st.integers(8, 40), min_size=2, max_size=4).map(sorted))
@settings(max_examples=25, deadline=None)
def test_wide_channels_compute_the_same(files, channels):
    graph = _graph()
    name = _conv(graph, "x", 3, channels[0])
    for before, after in pairwise(channels):
        name = _block(graph, name, before, after)
    graph.outputs = {_conv(graph, name, channels[-1], 5): "y", graph.add("Sigmoid", [name]): "z"}
    wide = fuse.drop_idle(widen_channels(graph))
    _same(files, graph, wide)


def test_a_depthwise_convolution_that_multiplies_channels_is_not_widened(files):
    graph = _graph()
    deep = _conv(graph, _conv(graph, "x", 3, 12), 12, 24, 12)
    graph.outputs[_conv(graph, deep, 24, 5)] = "y"
    wide = widen_channels(graph)
    assert [wide.constants[node.inputs[1]].shape[0] for node in wide.nodes] == [12, 24, 5]
    _same(files, graph, wide)


def test_widening_fills_blocks(files):
    graph = _graph()
    name = _block(graph, _conv(graph, "x", 3, 24), 24, 28)
    graph.outputs[_conv(graph, name, 28, 5)] = "y"
    wide = fuse.drop_idle(widen_channels(graph))
    counts = [wide.constants[node.inputs[1]].shape[0] for node in wide.nodes if node.op == "Conv"]
    assert counts[:-1] == [32, 32, 32] and counts[-1] == 5
    assert "Pad" not in _ops(wide)
    _same(files, graph, wide)


@pytest.mark.parametrize(("channels", "split"), [(BLOCK, True), (2 * BLOCK, True), (12, False)])
def test_prelu_is_split_where_its_channels_fill_blocks(files, channels, split):
    graph = _graph()
    slope = graph.constant(RANDOM.uniform(-0.5, 1.5, size=(channels, 1, 1)).astype(np.float32))
    graph.outputs[graph.add("PRelu", [_conv(graph, "x", 3, channels), slope])] = "y"
    after = split_prelu(graph)
    assert ("PRelu" not in _ops(after)) is split
    _same(files, graph, after)


@given(slopes=st.lists(st.sampled_from([-1.5, -1.0, -0.25, 0.0, 0.3, 1.0, 1.7]), min_size=1, max_size=6))
@settings(max_examples=40, deadline=None)
def test_pooling_before_prelu_gives_the_same(files, slopes):
    graph = _graph()
    slope = graph.constant(np.float32(slopes).reshape(-1, 1, 1))
    prelu = graph.add("PRelu", [_conv(graph, "x", 3, len(slopes)), slope])
    window = {"kernel_shape": (2, 2), "strides": (2, 2), "pads": (0, 0, 1, 1)}
    graph.outputs[graph.add("MaxPool", [prelu], **window)] = "y"
    after = pool_before_prelu(graph)
    assert "PRelu" not in _ops(after) and _ops(after)["MaxPool"] == 1
    _same(files, graph, after)


@pytest.mark.parametrize(("channels", "axis", "read_twice", "written"), [
    (2, 1, False, True),
    (3, 1, False, False),
    (2, 3, False, False),
    (2, 1, True, False),
])
def test_a_softmax_over_a_pair_becomes_sigmoids(files, channels, axis, read_twice, written):
    graph = _graph()
    conv = _conv(graph, "x", 3, channels)
    graph.outputs[graph.add("Softmax", [conv], axis=axis)] = "y"
    if read_twice:
        graph.outputs[conv] = "z"
    after = sigmoids_for_pairs(graph)
    assert ("Softmax" not in _ops(after)) is written
    _same(files, graph, after)


def test_a_prelu_that_another_reads_stays_before_its_pooling(files):
    graph = _graph()
    prelu = graph.add("PRelu", [_conv(graph, "x", 3, 4), graph.constant(np.float32([-1, 0, 1, 2]).reshape(4, 1, 1))])
    pooled = graph.add("MaxPool", [prelu], kernel_shape=(2, 2), strides=(2, 2), pads=(0, 0, 0, 0))
    graph.outputs = {pooled: "y", prelu: "z"}
    after = pool_before_prelu(graph)
    assert [node.op for node in after.nodes] == [node.op for node in graph.nodes]
    _same(files, graph, after)


def test_all_passes_together_widen_a_prelu_and_split_it(files):
    graph = Graph()
    graph.inputs["x"] = (None, 9, 8, 3)
    window = spatial.Window(same=False, strides=(1, 1))
    name = spatial.convolve(graph, "x", kernel=_weights(10, 3, 3, 3), bias=_weights(10), window=window)
    name = graph.add("PRelu", [name, graph.constant(np.abs(_weights(1, 1, 10)))])
    name = spatial.convolve(graph, name, kernel=_weights(4, 10, 1, 1), bias=None, window=window)
    graph.outputs[name] = "y"
    simple = simplify(graph)
    assert _ops(simple) == {"Conv": 4, "Relu": 1, "Add": 1}
    wanted = files.run(graph, np.ascontiguousarray(NCHW.transpose(0, 2, 3, 1)))["y"]
    np.testing.assert_allclose(files.run(simple, NCHW)["y"].transpose(0, 2, 3, 1), wanted, rtol=1e-4, atol=1e-4)
