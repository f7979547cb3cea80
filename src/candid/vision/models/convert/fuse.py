"""Replaces what exporters took apart by one operator, and folds constants, each rule by itself.

Every rule keeps the outputs equal (up to rounding); the tests compare before and after.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from candid.vision.models.convert.graph import Graph, Node

Floats = NDArray[np.float32]
_OPERATIONS: Mapping[str, Callable[..., Floats]] = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Neg": np.negative,
    "Abs": np.abs,
    "Relu": lambda x: np.maximum(x, np.float32(0)),
}


class _Rewriter:
    """A graph, who makes each tensor, and how often each is read."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.made = graph.like()
        self.producers = graph.producers()
        self.readers = graph.readers()

    def single(self, name: str) -> Node | None:
        """The node that makes a tensor which nothing else reads."""
        return self.producers.get(name) if self.readers.get(name) == 1 else None


def _evaluate(rewriter: _Rewriter, name: str, leaf: str, value: float, depth: int = 8) -> Floats | None:
    """What `name` is where `leaf` is `value` everywhere; None: it depends on something else as well."""
    if name == leaf:
        return np.float32(value) * np.ones((), np.float32)
    if name in rewriter.graph.constants:
        return rewriter.graph.constants[name]
    node = rewriter.producers.get(name)
    if node is None or node.op not in _OPERATIONS or depth == 0:
        return None
    inputs = [_evaluate(rewriter, each, leaf, value, depth - 1) for each in node.inputs]
    if any(each is None for each in inputs):
        return None
    return _OPERATIONS[node.op](*inputs)


def _slope(rewriter: _Rewriter, rest: str, leaf: str) -> Floats | None:
    """The slope a where `rest` is a·min(x, 0) of the leaf x."""
    at = {value: _evaluate(rewriter, rest, leaf, value) for value in (-2.0, -1.0, 1.0, 2.0)}
    low, lower, high, higher = at[-1.0], at[-2.0], at[1.0], at[2.0]
    if low is None or lower is None or high is None or higher is None:
        return None
    linear = np.allclose(lower, 2 * low, rtol=1e-5) and not np.any(high) and not np.any(higher)
    return np.asarray(-low, np.float32) if linear else None


def fuse_prelu(graph: Graph) -> Graph:
    """Relu(x) + a·min(x, 0), however it is spelled, becomes PRelu(x, a)."""
    rewriter = _Rewriter(graph)
    for node in graph.nodes:
        found = None
        if node.op == "Add":
            for one, other in (node.inputs, node.inputs[::-1]):
                relu = rewriter.producers.get(one)
                if relu is not None and relu.op == "Relu":
                    slope = _slope(rewriter, other, relu.inputs[0])
                    found = (relu.inputs[0], slope) if slope is not None and slope.ndim else found
        if found is None:
            rewriter.made.nodes.append(node)
        else:
            leaf, slope = found
            rewriter.made.add("PRelu", [leaf, rewriter.made.constant(slope, "slope")], output=node.output)
    return rewriter.made.pruned()


def fuse_clip(graph: Graph) -> Graph:
    """Max and Min with numbers, and a Relu before them, become one Clip."""
    rewriter = _Rewriter(graph)
    made = rewriter.made
    clips: dict[str, tuple[str, float, float]] = {}  # tensor: what it clips, from, to
    for node in graph.nodes:
        bounds = _bounds(graph, node)
        if bounds is None:
            made.nodes.append(node)
            continue
        name, low, high = bounds
        if name in clips and rewriter.readers[name] == 1:
            name, inner_low, inner_high = clips[name]
            low, high = min(max(low, inner_low), high), max(min(high, inner_high), low)
        clips[node.output] = (name, low, high)
        if low == 0 and high == np.inf:
            made.add("Relu", [name], output=node.output)
        else:
            limits = [made.constant(np.array(limit, np.float32), "bound") for limit in (low, high)]
            made.add("Clip", [name, *limits], output=node.output)
    return made.pruned()


def _bounds(graph: Graph, node: Node) -> tuple[str, float, float] | None:
    """What a Relu, Max or Min clips, and between which numbers."""
    if node.op == "Relu":
        return node.inputs[0], 0.0, np.inf
    if node.op not in ("Max", "Min") or len(node.inputs) != 2:
        return None
    for name, limit in (node.inputs, node.inputs[::-1]):
        value = graph.constants.get(limit)
        if value is not None and value.size == 1 and name not in graph.constants:
            number = float(value.reshape(()))
            return (name, number, np.inf) if node.op == "Max" else (name, -np.inf, number)
    return None


def fuse_softmax(graph: Graph) -> Graph:
    """Exp(x - max x) / sum, over one axis that is kept, becomes Softmax."""
    rewriter = _Rewriter(graph)
    producers = rewriter.producers
    for node in graph.nodes:
        exp = producers.get(node.inputs[0]) if node.op == "Div" else None
        total = producers.get(node.inputs[1]) if exp is not None and exp.op == "Exp" else None
        shift = producers.get(exp.inputs[0]) if exp is not None and total is not None else None
        most = producers.get(shift.inputs[1]) if shift is not None and shift.op == "Sub" else None
        if (
            shift is None
            or total is None
            or most is None
            or (total.op, most.op) != ("ReduceSum", "ReduceMax")
            or total.inputs[0] != node.inputs[0]
            or most.inputs[0] != shift.inputs[0]
        ):
            rewriter.made.nodes.append(node)
            continue
        axes = [graph.constants[each.inputs[1]].reshape(-1).tolist() for each in (total, most)]
        kept = all(each.attributes.get("keepdims", 1) == 1 for each in (total, most))
        if len(axes[0]) != 1 or axes[0] != axes[1] or not kept:
            rewriter.made.nodes.append(node)
            continue
        rewriter.made.add("Softmax", [shift.inputs[0]], output=node.output, axis=int(axes[0][0]))
    return rewriter.made.pruned()


def _per_channel(value: Floats, channels: int) -> Floats | None:
    """A constant that differs along the channels of (n, c, h, w) only, as (c,); else None."""
    if value.size == 1:
        return np.full(channels, value.reshape(()), np.float32)
    if value.ndim in (3, 4) and value.size == channels and value.shape[-3] == channels:
        return value.reshape(channels)
    return None


def fuse_affine(graph: Graph) -> Graph:
    """Mul and Add with constants after a convolution go into its kernel and bias (batch normalisation)."""
    rewriter = _Rewriter(graph)
    made = rewriter.made
    for node in graph.nodes:
        fused = _affine(rewriter, node) if node.op in ("Mul", "Add") else None
        if fused is None:
            made.nodes.append(node)
            continue
        old, conv = fused
        made.nodes = [each for each in made.nodes if each.output != old]
        made.nodes.append(conv)
        rewriter.producers[node.output] = conv
    return made.pruned()


def _affine(rewriter: _Rewriter, node: Node) -> tuple[str, Node] | None:
    """The output of the convolution that takes a Mul or Add in, and the convolution that replaces both."""
    constants, made = rewriter.graph.constants, rewriter.made
    for name, other in (node.inputs, node.inputs[::-1]):
        conv, value = rewriter.single(name), constants.get(other)
        if conv is None or conv.op != "Conv" or value is None:
            continue
        kernel, bias = made.constants[conv.inputs[1]], made.constants[conv.inputs[2]]
        factor = _per_channel(value, kernel.shape[0])
        if factor is None:
            continue
        if node.op == "Mul":
            kernel, bias = kernel * factor.reshape(-1, 1, 1, 1), bias * factor
        else:
            bias = bias + factor
        inputs = (conv.inputs[0], made.constant(kernel, "kernel"), made.constant(bias, "bias"))
        return conv.output, Node("Conv", inputs, node.outputs, conv.attributes)
    return None


def drop_idle(graph: Graph) -> Graph:
    """Take out what changes nothing: Identity, and Pads of no width."""
    made = graph.like()
    same: dict[str, str] = {}
    for node in graph.nodes:
        inputs = tuple(same.get(name, name) for name in node.inputs)
        pads = graph.constants.get(inputs[1]) if node.op == "Pad" else None
        idle = node.op == "Identity" or (pads is not None and not pads.any())
        if idle and (node.output not in graph.outputs or inputs[0] not in graph.inputs):
            same[node.output] = inputs[0]
        else:
            made.nodes.append(Node(node.op, inputs, node.outputs, node.attributes))
    made.outputs = {same.get(tensor, tensor): given for tensor, given in graph.outputs.items()}
    return made.pruned()
