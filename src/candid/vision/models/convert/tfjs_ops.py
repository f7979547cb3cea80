"""Emits the operators of a TensorFlow.js graph model, channels last, with a free batch.

Operators, attributes and their defaults: TensorFlow's raw operators
(https://www.tensorflow.org/api_docs/python/tf/raw_ops).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from candid.vision.errors import ModelError
from candid.vision.models.convert import spatial
from candid.vision.models.convert.graph import Graph
from candid.vision.models.convert.tfjs_reader import TfjsModel, TfNode

# What a fused operator applies after the bias, by TensorFlow's name.
_ACTIVATIONS = {"Relu": "relu", "Relu6": "relu6", "Elu": "elu", "Sigmoid": "sigmoid", "Tanh": "tanh"}


class _Emission:
    """The state of one conversion: which TensorFlow tensor became which name."""

    def __init__(self, model: TfjsModel, graph: Graph) -> None:
        self.graph = graph
        self.weights = model.weights
        self.names: dict[str, str] = {}

    def name(self, tensor: str) -> str:
        """The ONNX name of a tensor; a weight is stored at its first use."""
        if tensor not in self.names:
            if tensor not in self.weights:
                raise ModelError(f"{tensor!r} is read before it is computed")
            self.names[tensor] = self.graph.constant(self.weights[tensor])
        return self.names[tensor]

    def value(self, tensor: str) -> NDArray[Any]:
        """A constant that the conversion needs to know."""
        if tensor not in self.weights:
            raise ModelError(f"{tensor!r} is computed where Candid converts constants only")
        value = self.weights[tensor]
        return value.astype(np.float32) if value.dtype.kind == "f" else value

    def first(self, node: TfNode, count: int) -> str:
        """The ONNX name of the first input of a node that must have `count` inputs at least."""
        if len(node.inputs) < count:
            raise ModelError(f"{node.name!r} has {len(node.inputs)} inputs where {node.op} takes {count}")
        return self.name(node.inputs[0])


def _fused(out: _Emission, node: TfNode, name: str) -> str:
    """What a fused operator does after its bias."""
    for operation in node.texts("fused_ops"):
        if operation == "BiasAdd":
            continue
        if operation == "Prelu":
            slope = out.graph.constant(out.value(node.inputs[3]), "slope")
            name = out.graph.add("PRelu", [name, slope])
        else:
            name = spatial.activate(out.graph, name, _ACTIVATIONS.get(operation, operation))
    return name


def _window(node: TfNode) -> spatial.Window:
    padding, layout = node.text("padding"), node.text("data_format", "NHWC")
    strides, dilations = node.integers("strides"), node.integers("dilations") or (1, 1, 1, 1)
    if padding not in ("SAME", "VALID") or layout != "NHWC" or len(strides) != 4 or len(dilations) != 4:
        raise ModelError(f"{node.name!r} has padding {padding} and layout {layout}, which is not converted")
    return spatial.Window(
        same=padding == "SAME", strides=(strides[1], strides[2]), dilations=(dilations[1], dilations[2])
    )


def _bias(out: _Emission, node: TfNode) -> NDArray[Any] | None:
    return out.value(node.inputs[2]) if len(node.inputs) > 2 else None


def _kernel(out: _Emission, node: TfNode) -> NDArray[Any]:
    kernel = out.value(node.inputs[1])
    if kernel.ndim != 4:
        raise ModelError(f"the kernel of {node.name!r} has {kernel.ndim} axes where 4 are converted")
    return kernel


def _convolution(out: _Emission, node: TfNode) -> str:
    name = out.first(node, 2)
    kernel, window = _kernel(out, node).transpose(3, 2, 0, 1), _window(node)
    return _fused(out, node, spatial.convolve(out.graph, name, kernel=kernel, bias=_bias(out, node), window=window))


def _depthwise(out: _Emission, node: TfNode) -> str:
    name = out.first(node, 2)
    kernel = _kernel(out, node)
    height, width, channels, multiplier = kernel.shape
    kernel = kernel.transpose(2, 3, 0, 1).reshape(channels * multiplier, 1, height, width)
    made = spatial.convolve(
        out.graph, name, kernel=kernel, bias=_bias(out, node), window=_window(node), groups=channels
    )
    return _fused(out, node, made)


def _pooling(kind: str) -> Callable[[_Emission, TfNode], str]:
    def emit(out: _Emission, node: TfNode) -> str:
        size = node.integers("ksize")
        if len(size) != 4:
            raise ModelError(f"{node.name!r} has no window size")
        name = out.first(node, 1)
        return spatial.pool(out.graph, name, op=kind, size=(size[1], size[2]), window=_window(node))

    return emit


def _matmul(out: _Emission, node: TfNode) -> str:
    name = out.first(node, 2)
    weights = out.value(node.inputs[1])
    if node.flag("transpose_a") or weights.ndim != 2:
        raise ModelError(f"{node.name!r} is a matrix product of a form that is not converted")
    weights = weights.T.copy() if node.flag("transpose_b") else weights
    bias = _bias(out, node)
    if bias is None:
        bias = np.zeros(weights.shape[1], np.float32)
    made = out.graph.add("Gemm", [name, out.graph.constant(weights), out.graph.constant(bias)])
    return _fused(out, node, made)


def _elementwise(kind: str) -> Callable[[_Emission, TfNode], str]:
    def emit(out: _Emission, node: TfNode) -> str:
        out.first(node, 2)
        return out.graph.add(kind, [out.name(tensor) for tensor in node.inputs[:2]])

    return emit


def _unary(kind: str) -> Callable[[_Emission, TfNode], str]:
    def emit(out: _Emission, node: TfNode) -> str:
        return out.graph.add(kind, [out.first(node, 1)])

    return emit


def _activation(kind: str) -> Callable[[_Emission, TfNode], str]:
    def emit(out: _Emission, node: TfNode) -> str:
        return spatial.activate(out.graph, out.first(node, 1), kind)

    return emit


def _softmax(out: _Emission, node: TfNode) -> str:
    return out.graph.add("Softmax", [out.first(node, 1)], axis=-1)


def _prelu(out: _Emission, node: TfNode) -> str:
    name = out.first(node, 2)
    return out.graph.add("PRelu", [name, out.graph.constant(out.value(node.inputs[1]), "slope")])


def _reduction(kind: str) -> Callable[[_Emission, TfNode], str]:
    def emit(out: _Emission, node: TfNode) -> str:
        name = out.first(node, 2)
        axes = out.graph.constant(out.value(node.inputs[1]).reshape(-1).astype(np.int64), "axes")
        return out.graph.add(kind, [name, axes], keepdims=int(node.flag("keep_dims")))

    return emit


def _reshape(out: _Emission, node: TfNode) -> str:
    name = out.first(node, 2)
    target = out.value(node.inputs[1]).reshape(-1).astype(np.int64)
    return out.graph.add("Reshape", [name, out.graph.constant(target, "shape")])


def _pad(out: _Emission, node: TfNode) -> str:
    name = out.first(node, 2)
    pads = out.value(node.inputs[1]).reshape(-1, 2).astype(np.int64)
    flat = out.graph.constant(np.concatenate([pads[:, 0], pads[:, 1]]), "pads")
    return out.graph.add("Pad", [name, flat], mode="constant")


def _concatenation(out: _Emission, node: TfNode) -> str:
    out.first(node, 2)
    axis = int(out.value(node.inputs[-1]).reshape(()))
    return out.graph.add("Concat", [out.name(tensor) for tensor in node.inputs[:-1]], axis=axis % 4)


_EMITTERS: Mapping[str, Callable[[_Emission, TfNode], str]] = {
    "Add": _elementwise("Add"),
    "AddV2": _elementwise("Add"),
    "AvgPool": _pooling("AveragePool"),
    "BiasAdd": _elementwise("Add"),
    "ConcatV2": _concatenation,
    "Conv2D": _convolution,
    "DepthwiseConv2dNative": _depthwise,
    "FusedDepthwiseConv2dNative": _depthwise,
    "Identity": _unary("Identity"),
    "MatMul": _matmul,
    "Max": _reduction("ReduceMax"),
    "MaxPool": _pooling("MaxPool"),
    "Maximum": _elementwise("Max"),
    "Mean": _reduction("ReduceMean"),
    "Minimum": _elementwise("Min"),
    "Mul": _elementwise("Mul"),
    "Pad": _pad,
    "Prelu": _prelu,
    "RealDiv": _elementwise("Div"),
    "Relu": _activation("relu"),
    "Relu6": _activation("relu6"),
    "Reshape": _reshape,
    "Sigmoid": _activation("sigmoid"),
    "Softmax": _softmax,
    "Sub": _elementwise("Sub"),
    "Tanh": _activation("tanh"),
    "_FusedConv2D": _convolution,
    "_FusedMatMul": _matmul,
}


def _in_running_order(nodes: Mapping[str, TfNode], wanted: tuple[str, ...]) -> list[TfNode]:
    """The operators that the outputs need, each after its inputs."""
    ordered: dict[str, TfNode] = {}
    waiting = list(wanted)
    open_nodes: set[str] = set()
    while waiting:
        name = waiting[-1]
        if name in ordered or name not in nodes:
            waiting.pop()
            continue
        missing = [each for each in nodes[name].inputs if each in nodes and each not in ordered]
        if not missing:
            ordered[name] = nodes[waiting.pop()]
            continue
        if name in open_nodes:
            raise ModelError(f"the model's graph runs in a circle at {name!r}")
        open_nodes.add(name)
        waiting.extend(missing)
    return list(ordered.values())


def emit_tfjs(model: TfjsModel, *, outputs: tuple[str, ...]) -> Graph:
    """Emit what the named outputs need.

    Args:
        model: what the reader gave.
        outputs: names of the nodes that become the outputs, in order.

    Raises:
        ModelError: an output that is not there; an operator, attribute or shape that is not converted.
    """
    graph = Graph()
    out = _Emission(model, graph)
    nodes = {node.name: node for node in model.nodes if node.op != "Const"}
    missing = [name for name in outputs if name not in nodes]
    if missing:
        raise ModelError(f"the model file has no output {missing[0]!r}")
    for node in _in_running_order(nodes, outputs):
        if node.op == "Placeholder":
            shape = node.shape()
            if len(shape) != 4:
                raise ModelError(f"the input {node.name!r} is no image batch")
            graph.inputs[node.name] = (None, *shape[1:])
            out.names[node.name] = node.name
        elif node.op in _EMITTERS:
            out.names[node.name] = _EMITTERS[node.op](out, node)
        else:
            raise ModelError(f"the model file uses operator {node.op}, which is not converted")
    graph.outputs = {out.names[name]: name for name in outputs}
    return graph
