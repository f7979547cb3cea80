"""Gives tensors whole blocks of channels, so that the runtime's blocked kernels can be used.

ONNX Runtime computes convolutions fastest in blocks of 8 or 16 channels (its NCHWc form), but a depthwise
convolution or an activation only where the channels fill the blocks; elsewhere it reorders to plain NCHW
and back. Here channel counts are rounded up with channels that are zero and stay zero. The outputs are the
same numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from candid.vision.models.convert.graph import Graph, Node, Shape
from candid.vision.models.convert.onnx_file import infer_shapes

BLOCK = 16
# Fewer channels than this are left alone: rounding them up would cost more than it gives.
_FEWEST = 8
_POINTWISE: dict[str, Any] = {"kernel_shape": (1, 1), "strides": (1, 1), "pads": (0, 0, 0, 0)}
# Operators that keep a zero channel zero and each channel by itself.
_KEEPING = frozenset({"Relu", "MaxPool", "AveragePool", "Resize"})


def _follows(graph: Graph, node: Node) -> bool:
    """Whether a node's output has the channels of its inputs, zero where they are."""
    if node.op == "Conv":
        return int(node.attributes["group"]) > 1
    if node.op == "Add":
        return all(name not in graph.constants for name in node.inputs)
    if node.op == "PRelu":
        return node.inputs[1] in graph.constants
    if node.op == "Clip":
        limits = [graph.constants.get(name) for name in node.inputs[1:]]
        signs = [float(limit) for limit in limits if limit is not None]
        return len(signs) == 2 and signs[0] <= 0 <= signs[1]
    if node.op == "Pad":
        pads = graph.constants.get(node.inputs[1])
        return pads is not None and pads.size == 8 and not pads[[0, 1, 4]].any() and len(node.inputs) == 2
    return node.op in _KEEPING


def _linked(graph: Graph, node: Node) -> list[str]:
    """The tensors that can be widened only together: the data inputs and the output of a following node."""
    data = node.inputs if node.op == "Add" else node.inputs[:1]
    return [*data, node.output] if _follows(graph, node) else []


def _widenable(graph: Graph, shapes: dict[str, Shape]) -> set[str]:
    """Every tensor that may be widened."""
    allowed = {
        node.output
        for node in graph.nodes
        if (node.op == "Conv" or _follows(graph, node))
        and len(shapes.get(node.output, ())) == 4
        and (shapes[node.output][1] or 0) >= _FEWEST
    } - set(graph.outputs)
    for node in graph.nodes:
        if node.op == "Conv" and int(node.attributes["group"]) == 1:
            allowed -= set(node.inputs[1:])
        elif not _follows(graph, node):
            allowed -= set(node.inputs)
        elif node.op == "Conv" and shapes[node.output][1] != shapes[node.inputs[0]][1]:
            allowed -= {node.inputs[0], node.output}
    links = [set(link) for link in (_linked(graph, node) for node in graph.nodes) if link]
    while True:
        broken = [link for link in links if link & allowed and not link <= allowed]
        if not broken:
            return allowed
        allowed -= set().union(*broken)


def _extended(value: NDArray[Any], axis: int, extra: int) -> NDArray[Any]:
    widths = [(0, extra if each == axis else 0) for each in range(value.ndim)]
    return np.pad(value, widths)


class _Widening:
    """The state of one pass."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.made = graph.like()
        self.shapes = infer_shapes(graph)
        self.allowed = _widenable(graph, self.shapes)

    def missing(self, name: str) -> int:
        """How many zero channels a tensor gets."""
        return -int(self.shapes[name][1] or 0) % BLOCK if name in self.allowed else 0

    def constant(self, name: str, axis: int, extra: int) -> str:
        """A constant with zeros appended."""
        if not extra:
            return name
        return self.made.constant(_extended(self.graph.constants[name], axis, extra))

    def conv(self, node: Node) -> None:
        before, after = self.missing(node.inputs[0]), self.missing(node.output)
        kernel, attributes = node.inputs[1], dict(node.attributes)
        if int(attributes["group"]) > 1:
            attributes["group"] = int(attributes["group"]) + before
        elif before:
            kernel = self.made.constant(_extended(self.graph.constants[kernel], 1, before))
        if after:
            kernel = self.made.constant(_extended(self.made.constants[kernel], 0, after))
        inputs = (node.inputs[0], kernel, self.constant(node.inputs[2], 0, after))
        self.made.nodes.append(Node("Conv", inputs, node.outputs, attributes))

    def pad(self, node: Node) -> None:
        before, after = self.missing(node.inputs[0]), self.missing(node.output)
        pads = self.graph.constants[node.inputs[1]].copy()
        pads[5] += after - before
        inputs = [node.inputs[0], self.made.constant(pads, "pads")]
        self.made.add("Pad", inputs, output=node.output, **node.attributes)

    def prelu(self, node: Node) -> None:
        slope = self.graph.constants[node.inputs[1]]
        extra = self.missing(node.output)
        if extra and slope.size > 1:
            slope = _extended(slope, slope.ndim - 3, extra)
        self.made.add("PRelu", [node.inputs[0], self.made.constant(slope, "slope")], output=node.output)


def widen_channels(graph: Graph) -> Graph:
    """The same function with channel counts rounded up to whole blocks inside."""
    widening = _Widening(graph)
    for node in graph.nodes:
        if node.op == "Conv":
            widening.conv(node)
        elif node.op == "Pad" and node.output in widening.allowed:
            widening.pad(node)
        elif node.op == "PRelu" and node.output in widening.allowed:
            widening.prelu(node)
        else:
            widening.made.nodes.append(node)
    return widening.made.pruned()


def split_prelu(graph: Graph) -> Graph:
    """PRelu(x, a) becomes (1 - a)·relu(x) + a·x, each product a depthwise 1×1 convolution.

    ONNX Runtime has no blocked PRelu and a slow plain one; depthwise convolutions and sums are blocked.
    Measured in docs/models.md. Channel counts that do not fill blocks keep their PRelu.
    """
    made = graph.like()
    for node in graph.nodes:
        slope = graph.constants.get(node.inputs[1]) if node.op == "PRelu" else None
        if slope is None or slope.ndim != 3 or slope.shape[1:] != (1, 1) or slope.size % BLOCK:
            made.nodes.append(node)
            continue
        x, channels = node.inputs[0], slope.size
        zeros = made.constant(np.zeros(channels, np.float32), "bias")

        def scaled(name: str, by: NDArray[Any], channels: int = channels, zeros: str = zeros) -> str:
            kernel = made.constant(by.reshape(channels, 1, 1, 1), "kernel")
            return made.add("Conv", [name, kernel, zeros], group=channels, **_POINTWISE)

        positive = scaled(made.add("Relu", [x]), np.float32(1) - slope)
        made.add("Add", [positive, scaled(x, slope)], output=node.output)
    return made
