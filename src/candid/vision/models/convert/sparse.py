"""Writes a sparse constant of TensorFlow Lite out in full.

Format: schema.fbs, SparsityParameters: dimensions are visited in `traversal_order`, the blocked ones last;
    each
is dense, or compressed sparse rows given by segments and indices.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from candid.vision.errors import ModelError
from candid.vision.models.convert.flatbuffer import Table

_DENSE, _SPARSE_CSR = 0, 1
# enum SparseIndexVector: which width the indices have.
_WIDTHS = {1: "<i4", 2: "<u2", 3: "u1"}


def _indices(dimension: Table, kind_slot: int) -> NDArray[np.int64]:
    kind, holder = dimension.number(kind_slot, "B"), dimension.table(kind_slot + 1)
    if kind not in _WIDTHS or holder is None:
        raise ModelError("the model file is damaged: a sparse constant has no indices")
    return holder.array(0, _WIDTHS[kind]).astype(np.int64)


def _expand(
    dimension: Table, parents: NDArray[np.int64], places: list[NDArray[np.int64]], limit: int
) -> tuple[NDArray[np.int64], list[NDArray[np.int64]]]:
    """Go one dimension deeper: the number of each stored element, and its place in each dimension so far."""
    form = dimension.number(0, "b")
    if form == _DENSE:
        size = dimension.number(1, "i")
        if size <= 0 or parents.size * size > limit:
            raise ModelError("the model file is damaged: a sparse constant overflows its shape")
        children = (parents[:, None] * size + np.arange(size)).reshape(-1)
        own = np.tile(np.arange(size), parents.size)
        return children, [np.repeat(place, size) for place in places] + [own]
    if form != _SPARSE_CSR:
        raise ModelError("the model file is damaged: a sparse constant has an unknown form")
    segments, indices = _indices(dimension, 2), _indices(dimension, 4)
    if parents.size and parents.max() + 1 >= segments.size:
        raise ModelError("the model file is damaged: a sparse constant has too few segments")
    if segments.size and (np.diff(segments, prepend=0) < 0).any():
        raise ModelError("the model file is damaged: a sparse constant's segments do not ascend")
    if segments.size and segments[-1] > min(indices.size, limit):
        raise ModelError("the model file is damaged: a sparse constant's segments reach too far")
    counts = segments[parents + 1] - segments[parents]
    rows = [np.arange(segments[p], segments[p + 1]) for p in parents]
    children = np.concatenate(rows or [np.zeros(0, np.int64)])
    return children, [np.repeat(place, counts) for place in places] + [indices[children]]


def densify(values: NDArray[Any], shape: tuple[int, ...], sparsity: Table) -> NDArray[Any]:
    """The dense constant.

    Args:
        values: the stored elements, flat.
        shape: the dense shape.
        sparsity: the SparsityParameters table.

    Raises:
        ModelError: parameters that contradict each other, the shape or the values.
    """
    order, block_map, dimensions = sparsity.integers(0), sparsity.integers(1), sparsity.tables(2)
    rank = len(shape)
    if sorted(order) != list(range(len(dimensions))) or len(order) != rank + len(block_map):
        raise ModelError("the model file is damaged: a sparse constant's dimensions do not fit its shape")
    if any(not 0 <= axis < rank for axis in block_map):
        raise ModelError("the model file is damaged: a sparse constant's blocks do not fit its shape")
    elements = np.zeros(1, np.int64)
    places: list[NDArray[np.int64]] = []
    for dimension in dimensions:
        elements, places = _expand(dimension, elements, places, max(values.size, 1))
    if elements.size != values.size:
        raise ModelError("the model file is damaged: a sparse constant has too few or too many elements")
    index = [np.zeros(values.size, np.int64) for _ in range(rank)]
    for axis, place in zip(order, places, strict=True):
        if axis < rank:
            index[axis] += place * math.prod(
                dimensions[order.index(rank + b)].number(1, "i") for b, a in enumerate(block_map) if a == axis
            )
        else:
            index[block_map[axis - rank]] += place
    if any((i < 0).any() or (i >= size).any() for i, size in zip(index, shape, strict=True)):
        raise ModelError("the model file is damaged: a sparse constant reaches beyond its shape")
    dense = np.zeros(shape, values.dtype)
    dense[tuple(index)] = values[elements]
    return dense
