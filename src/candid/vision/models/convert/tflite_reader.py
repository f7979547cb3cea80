"""Reads a TensorFlow Lite file: tensors, constants and operators of its one graph.

Format: the FlatBuffers schema `schema.fbs` of TensorFlow Lite, version 3 (file identifier TFL3). Slots
    below are
the order of its fields. Constants come back dense and as the type the file names; float16 stays float16 until
the converter widens it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from candid.vision.errors import ModelError
from candid.vision.models.convert.flatbuffer import Table
from candid.vision.models.convert.sparse import densify

# schema.fbs, enum TensorType.
_TYPES = {0: "<f4", 1: "<f2", 2: "<i4", 3: "u1", 4: "<i8", 6: "?", 9: "i1"}
# More elements than any model Candid reads has in one tensor; keeps a hostile shape from filling the memory.
_MOST_ELEMENTS = 1 << 26


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """One tensor.

    Attributes:
        name: as the file has it.
        shape: sizes; the file's own (fixed) batch.
        dtype: numpy's name of the type.
        value: the constant, or None for what an operator computes.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    value: NDArray[Any] | None


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator.

    Attributes:
        code: number in enum BuiltinOperator.
        custom: name of a custom operator, else empty.
        inputs: tensor numbers; -1 for an input left out.
        outputs: tensor numbers.
        options: its options table, if any.
    """

    code: int
    custom: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Table | None


@dataclass(frozen=True, slots=True)
class TfliteModel:
    """The graph of a file; operators stand in an order in which they can run."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def _constant(table: Table, shape: tuple[int, ...], dtype: str, buffers: list[Table]) -> NDArray[Any] | None:
    number = table.number(2, "I")
    if number >= len(buffers):
        raise ModelError("the model file is damaged: a tensor names a buffer that is not there")
    raw = buffers[number].array(0, "u1")
    if not raw.size:
        return None
    kind = np.dtype(dtype)
    if raw.size % kind.itemsize:
        raise ModelError("the model file is damaged: a constant is no whole number of elements")
    flat = raw.view(np.uint8).tobytes()
    values = np.frombuffer(flat, kind)
    sparsity = table.table(6)
    if sparsity is not None:
        return densify(values, shape, sparsity)
    if values.size != math.prod(shape):
        raise ModelError(f"the model file is damaged: a constant of shape {shape} has {values.size} elements")
    return values.reshape(shape)


def _tensor(table: Table, buffers: list[Table]) -> Tensor:
    shape = table.integers(0)
    code = table.number(1, "b")
    name = table.text(3)
    if code not in _TYPES:
        raise ModelError(f"tensor {name!r} has type {code} of TensorFlow Lite, which is not converted")
    if any(size < 0 for size in shape) or math.prod(shape) > _MOST_ELEMENTS:
        raise ModelError(f"tensor {name!r} has the shape {shape}, which is not converted")
    dtype = np.dtype(_TYPES[code]).name
    return Tensor(name, shape, dtype, _constant(table, shape, _TYPES[code], buffers))


def _operator(table: Table, codes: list[tuple[int, str]], tensors: int) -> Operator:
    number = table.number(0, "I")
    inputs, outputs = table.integers(1), table.integers(2)
    if number >= len(codes):
        raise ModelError("the model file is damaged: an operator has no code")
    if any(not -1 <= i < tensors for i in inputs) or any(not 0 <= i < tensors for i in outputs):
        raise ModelError("the model file is damaged: an operator names a tensor that is not there")
    code, custom = codes[number]
    return Operator(code, custom, inputs, outputs, table.table(4))


def read_tflite(content: bytes) -> TfliteModel:
    """Read a file.

    Raises:
        ModelError: truncated, damaged, more than one graph, or a tensor type that is not known.
    """
    model = Table.root(content, b"TFL3")
    graphs = model.tables(2)
    if len(graphs) != 1:
        raise ModelError(f"the model file has {len(graphs)} graphs; one is converted")
    graph, buffers = graphs[0], model.tables(4)
    # Codes over 127 stand in slot 3 only; older files fill only slot 0 (schema.fbs, OperatorCode).
    codes = [(max(code.number(0, "b"), code.number(3, "i")), code.text(1)) for code in model.tables(1)]
    tensors = tuple(_tensor(table, buffers) for table in graph.tables(0))
    operators = tuple(_operator(table, codes, len(tensors)) for table in graph.tables(3))
    inputs, outputs = graph.integers(1), graph.integers(2)
    if any(not 0 <= i < len(tensors) for i in inputs + outputs):
        raise ModelError("the model file is damaged: an input or output is not there")
    return TfliteModel(tensors, operators, inputs, outputs)
