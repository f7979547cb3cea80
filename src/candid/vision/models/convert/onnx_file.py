"""Writes a `Graph` as an ONNX model, and asks ONNX for the shapes inside it."""

from __future__ import annotations

import onnx
from onnx import helper, numpy_helper

from candid.vision.models.convert.graph import Graph, Shape

# Opset 18 is the first in which every reduction takes its axes as an input; ONNX Runtime 1.14 reads it.
OPSET = 18
IR_VERSION = 8
# Names of free sizes. An output's sides are other than the input's, and equal names would say they are the
# same.
_INPUT_AXES = ("batch", "channels", "height", "width")
_OUTPUT_AXES = ("batch", "output_channels", "output_height", "output_width")


def _dimensions(shape: Shape, names: tuple[str, ...]) -> list[int | str]:
    return [size if size is not None else names[axis] for axis, size in enumerate(shape)]


def to_onnx(graph: Graph, *, name: str = "candid", shapes: dict[str, Shape] | None = None) -> onnx.ModelProto:
    """The model; outputs without a known shape are left open."""
    nodes = [
        helper.make_node(node.op, list(node.inputs), list(node.outputs), **node.attributes) for node in graph.nodes
    ]
    nodes += [
        helper.make_node("Identity", [tensor], [given]) for tensor, given in graph.outputs.items() if tensor != given
    ]
    shapes = shapes or {}
    inputs = [
        helper.make_tensor_value_info(tensor, onnx.TensorProto.FLOAT, _dimensions(shape, _INPUT_AXES))
        for tensor, shape in graph.inputs.items()
    ]
    outputs = [
        helper.make_tensor_value_info(
            given,
            onnx.TensorProto.FLOAT,
            _dimensions(shapes[tensor], _OUTPUT_AXES) if tensor in shapes else None,
        )
        for tensor, given in graph.outputs.items()
    ]
    constants = [numpy_helper.from_array(value, tensor) for tensor, value in graph.constants.items()]
    made = helper.make_graph(nodes, name, inputs, outputs, constants)
    return helper.make_model(
        made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="candid"
    )


def infer_shapes(graph: Graph) -> dict[str, Shape]:
    """Tensor name to shape, as far as ONNX can tell; a free size is None."""
    model = onnx.shape_inference.infer_shapes(to_onnx(graph), data_prop=True)
    found: dict[str, Shape] = dict(graph.inputs)
    found.update({name: value.shape for name, value in graph.constants.items()})
    for info in (*model.graph.value_info, *model.graph.output):
        if info.type.tensor_type.HasField("shape"):
            found[info.name] = tuple(
                size.dim_value if size.HasField("dim_value") else None for size in info.type.tensor_type.shape.dim
            )
    for tensor, given in graph.outputs.items():
        if given in found:
            found.setdefault(tensor, found[given])
    return found
