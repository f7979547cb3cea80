"""Emits the operators of a TensorFlow Lite graph, channels last, with a free batch.

Operator numbers and options: schema.fbs, enum BuiltinOperator and the `…Options` tables; slots are the
order of their fields.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from candid.vision.errors import ModelError
from candid.vision.models.convert import spatial
from candid.vision.models.convert.flatbuffer import Table
from candid.vision.models.convert.graph import Graph
from candid.vision.models.convert.tflite_reader import Operator, TfliteModel

# enum ActivationFunctionType.
_ACTIVATIONS = {0: "none", 1: "relu", 2: "relu_n1_to_1", 3: "relu6", 4: "tanh"}


class _Emission:
    """The state of one conversion: which tensor became which name or constant."""

    def __init__(self, model: TfliteModel, graph: Graph) -> None:
        self.model = model
        self.graph = graph
        self.names: dict[int, str] = {}
        self.values: dict[int, NDArray[Any]] = {
            number: tensor.value for number, tensor in enumerate(model.tensors) if tensor.value is not None
        }

    def name(self, number: int) -> str:
        """The ONNX name of a tensor; a constant is stored at its first use."""
        if number not in self.names:
            if number not in self.values:
                raise ModelError(f"tensor {number} is read before it is computed")
            self.names[number] = self.graph.constant(self.values[number])
        return self.names[number]

    def value(self, number: int) -> NDArray[Any]:
        """A constant that the conversion needs to know."""
        if number not in self.values:
            raise ModelError("an operator has a computed input where Candid converts constants only")
        value = self.values[number]
        return value.astype(np.float32) if value.dtype.kind == "f" else value

    def shape(self, number: int) -> tuple[int, ...]:
        """The shape that the file states, with its own batch."""
        return self.model.tensors[number].shape


def _options(op: Operator) -> Table:
    if op.options is None:
        raise ModelError(f"operator {op.code} of the model file has no options")
    return op.options


def _activated(out: _Emission, op: Operator, name: str, slot: int) -> str:
    code = op.options.number(slot, "b") if op.options is not None else 0
    return spatial.activate(out.graph, name, _ACTIVATIONS.get(code, str(code)))


def _bias(out: _Emission, op: Operator) -> NDArray[Any] | None:
    return out.value(op.inputs[2]) if len(op.inputs) > 2 and op.inputs[2] >= 0 else None


def _window(options: Table, dilation_slot: int) -> spatial.Window:
    return spatial.Window(
        same=options.number(0, "b") == 0,
        strides=(options.number(2, "i"), options.number(1, "i")),
        dilations=(options.number(dilation_slot + 1, "i", 1), options.number(dilation_slot, "i", 1)),
    )


def _convolution(out: _Emission, op: Operator) -> str:
    kernel = out.value(op.inputs[1]).transpose(0, 3, 1, 2)
    window = _window(_options(op), 4)
    name = spatial.convolve(out.graph, out.name(op.inputs[0]), kernel=kernel, bias=_bias(out, op), window=window)
    return _activated(out, op, name, 3)


def _depthwise(out: _Emission, op: Operator) -> str:
    kernel = out.value(op.inputs[1]).transpose(3, 0, 1, 2)
    groups = out.shape(op.inputs[0])[3]
    window = _window(_options(op), 5)
    name = spatial.convolve(
        out.graph, out.name(op.inputs[0]), kernel=kernel, bias=_bias(out, op), window=window, groups=groups
    )
    return _activated(out, op, name, 4)


def _pooling(kind: str) -> Callable[[_Emission, Operator], str]:
    def emit(out: _Emission, op: Operator) -> str:
        options = _options(op)
        window = spatial.Window(
            same=options.number(0, "b") == 0, strides=(options.number(2, "i"), options.number(1, "i"))
        )
        size = (options.number(4, "i"), options.number(3, "i"))
        name = spatial.pool(out.graph, out.name(op.inputs[0]), op=kind, size=size, window=window)
        return _activated(out, op, name, 5)

    return emit


def _fully_connected(out: _Emission, op: Operator) -> str:
    weights = out.value(op.inputs[1])
    name = out.name(op.inputs[0])
    if len(out.shape(op.inputs[0])) != 2:
        flat = out.graph.constant(np.array([0, weights.shape[1]], np.int64), "shape")
        name = out.graph.add("Reshape", [name, flat])
    bias = _bias(out, op)
    if bias is None:
        bias = np.zeros(weights.shape[0], np.float32)
    made = out.graph.add("Gemm", [name, out.graph.constant(weights.T.copy()), out.graph.constant(bias)])
    return _activated(out, op, made, 0)


def _elementwise(kind: str) -> Callable[[_Emission, Operator], str]:
    def emit(out: _Emission, op: Operator) -> str:
        return _activated(out, op, out.graph.add(kind, [out.name(number) for number in op.inputs]), 0)

    return emit


def _unary(kind: str) -> Callable[[_Emission, Operator], str]:
    def emit(out: _Emission, op: Operator) -> str:
        return out.graph.add(kind, [out.name(op.inputs[0])])

    return emit


def _prelu(out: _Emission, op: Operator) -> str:
    slope = out.graph.constant(out.value(op.inputs[1]), "slope")
    return out.graph.add("PRelu", [out.name(op.inputs[0]), slope])


def _reduction(kind: str) -> Callable[[_Emission, Operator], str]:
    def emit(out: _Emission, op: Operator) -> str:
        axes = out.value(op.inputs[1]).reshape(-1).astype(np.int64) % len(out.shape(op.inputs[0]))
        keep = op.options.number(0, "b") if op.options is not None else 0
        return out.graph.add(kind, [out.name(op.inputs[0]), out.graph.constant(axes, "axes")], keepdims=int(bool(keep)))

    return emit


def _reshape(out: _Emission, op: Operator) -> str:
    # The file's first size is its fixed batch; 0 makes ONNX copy the batch that comes in.
    before, after = out.shape(op.inputs[0]), out.shape(op.outputs[0])
    if not before or not after or before[0] != after[0]:
        raise ModelError(f"a Reshape from {before} to {after} mixes the batch with other axes")
    target = np.array([0, *after[1:]], np.int64)
    return out.graph.add("Reshape", [out.name(op.inputs[0]), out.graph.constant(target, "shape")])


def _pad(out: _Emission, op: Operator) -> str:
    pads = out.value(op.inputs[1]).astype(np.int64)
    flat = out.graph.constant(np.concatenate([pads[:, 0], pads[:, 1]]), "pads")
    return out.graph.add("Pad", [out.name(op.inputs[0]), flat], mode="constant")


def _concatenation(out: _Emission, op: Operator) -> str:
    axis = _options(op).number(0, "i") % len(out.shape(op.outputs[0]))
    made = out.graph.add("Concat", [out.name(number) for number in op.inputs], axis=axis)
    return _activated(out, op, made, 1)


def _resize(out: _Emission, op: Operator) -> str:
    before, after = out.shape(op.inputs[0]), out.shape(op.outputs[0])
    options = _options(op)
    return spatial.resize_bilinear(
        out.graph,
        out.name(op.inputs[0]),
        scale=(after[1] / before[1], after[2] / before[2]),
        align_corners=bool(options.number(2, "b")),
        half_pixel=bool(options.number(3, "b")),
    )


def _depth_to_space(out: _Emission, op: Operator) -> str:
    return spatial.depth_to_space(out.graph, out.name(op.inputs[0]), block=_options(op).number(0, "i"))


def _constant_only(out: _Emission, op: Operator) -> str:
    """DEQUANTIZE of float16 and DENSIFY: the reader has done the work, the constant passes through."""
    out.values[op.outputs[0]] = out.value(op.inputs[0])
    return out.name(op.outputs[0])


_EMITTERS: dict[int, Callable[[_Emission, Operator], str]] = {
    0: _elementwise("Add"),
    1: _pooling("AveragePool"),
    2: _concatenation,
    3: _convolution,
    4: _depthwise,
    5: _depth_to_space,
    6: _constant_only,
    9: _fully_connected,
    14: _unary("Sigmoid"),
    17: _pooling("MaxPool"),
    18: _elementwise("Mul"),
    19: _unary("Relu"),
    22: _reshape,
    23: _resize,
    34: _pad,
    40: _reduction("ReduceMean"),
    41: _elementwise("Sub"),
    42: _elementwise("Div"),
    47: _unary("Exp"),
    54: _prelu,
    59: _unary("Neg"),
    74: _reduction("ReduceSum"),
    82: _reduction("ReduceMax"),
    101: _unary("Abs"),
    124: _constant_only,
}


def emit_tflite(model: TfliteModel, *, free_sides: bool = False) -> Graph:
    """Emit a whole file.

    Args:
        model: what the reader gave.
        free_sides: height and width are free as well (a fully convolutional network).

    Raises:
        ModelError: an operator, option or shape that is not converted.
    """
    graph = Graph()
    out = _Emission(model, graph)
    for number in model.inputs:
        tensor = model.tensors[number]
        if len(tensor.shape) != 4 or tensor.dtype != "float32":
            raise ModelError(f"the input {tensor.name!r} is no float32 image batch")
        _, height, width, channels = tensor.shape
        graph.inputs[tensor.name] = (None, None, None, channels) if free_sides else (None, height, width, channels)
        out.names[number] = tensor.name
    for op in model.operators:
        if op.code not in _EMITTERS or len(op.outputs) != 1:
            raise ModelError(f"the model file uses operator {op.code} {op.custom}, which is not converted")
        out.names[op.outputs[0]] = _EMITTERS[op.code](out, op)
    graph.outputs = {out.name(number): model.tensors[number].name for number in model.outputs}
    return graph
