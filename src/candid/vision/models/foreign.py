"""Reads a user's own ONNX file, and refuses what a face model has no need of.

Refused: weights in other files (they could name any file of the machine), operators outside the ONNX
    standard (they
would need foreign code), functions, loops and branches, and files over a limit. ONNX Runtime's own parser
then reads what is left; a user should still add only files whose origin they trust.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import onnx

from candid.vision.errors import ModelError

# The largest face embedders in use (ResNet-200 in float32) have about 500 MB.
MOST_BYTES = 1 << 30
_STANDARD = frozenset({"", "ai.onnx"})
_FLOW = frozenset({"If", "Loop", "Scan", "SequenceMap"})


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output: name, and sizes with None where one is free."""

    name: str
    shape: tuple[int | None, ...]
    element: int

    def __str__(self) -> str:
        sizes = ", ".join("?" if size is None else str(size) for size in self.shape)
        return f"{self.name} ({sizes})"


def _port(info: onnx.ValueInfoProto) -> Port:
    tensor = info.type.tensor_type
    sizes = tuple(
        int(size.dim_value) if size.HasField("dim_value") and size.dim_value > 0 else None for size in tensor.shape.dim
    )
    return Port(info.name, sizes, int(tensor.elem_type))


def _tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    yield from model.graph.initializer
    for sparse in model.graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    for node in model.graph.node:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)


def _refuse(model: onnx.ModelProto) -> None:
    if model.functions:
        raise ModelError("the file defines functions of its own, which are not taken; export it without them")
    for node in model.graph.node:
        if node.domain not in _STANDARD:
            raise ModelError(
                f"the file uses the operator {node.domain}.{node.op_type}, which is not in the ONNX "
                f"standard; export it with standard operators only"
            )
        if node.op_type in _FLOW or any(a.HasField("g") or a.graphs for a in node.attribute):
            raise ModelError(f"the file uses {node.op_type}; loops and branches are not taken")
    if any(t.data_location == onnx.TensorProto.EXTERNAL or t.external_data for t in _tensors(model)):
        raise ModelError("the file keeps weights in other files; save it again as one file")


def read_foreign(path: Path) -> tuple[bytes, onnx.ModelProto]:
    """The bytes and the parsed model of a user's file.

    Raises:
        ModelError: it cannot be read, is too long, is no ONNX file, or has what is refused.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            content = file.read() if size <= MOST_BYTES else b""
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}") from error
    if size > MOST_BYTES:
        raise ModelError(f"{path} has over {MOST_BYTES >> 20} MiB, more than a face model has")
    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
    except Exception as error:  # DecodeError, whose module has no type stubs
        raise ModelError(f"{path} is no ONNX file, or it is truncated") from error
    if not model.graph.node or not model.graph.output:
        raise ModelError(f"{path} is no ONNX file, or it is truncated: it has no operators or outputs")
    _refuse(model)
    return content, model


def image_input(model: onnx.ModelProto) -> Port:
    """The one input that is no weight.

    Raises:
        ModelError: there are several, or it is no batch of float32 images.
    """
    weights = {tensor.name for tensor in model.graph.initializer}
    ports = [_port(info) for info in model.graph.input if info.name not in weights]
    if len(ports) != 1 or len(ports[0].shape) != 4 or ports[0].element != onnx.TensorProto.FLOAT:
        found = "; ".join(str(port) for port in ports) or "none"
        raise ModelError(f"the model must have one float32 input of four sizes; its inputs are: {found}")
    return ports[0]


def outputs(model: onnx.ModelProto) -> tuple[Port, ...]:
    """The outputs, as the file states them."""
    return tuple(_port(info) for info in model.graph.output)
