"""Takes the transposes out of a channels-last graph.

One walk in running order. A transpose is not emitted; its result is remembered as a *view*: the
untransposed tensor and the order of its axes. Operators that can work in any axis order are emitted on the
untransposed tensor (constants, axes and pads reordered to match) and their result is a view again. Two
transposes in a row cancel by composing. Where an operator insists on the written order, the view is made
real once, and only there.

A convolution whose height and width are swapped (networks trained on transposed images) gets its kernel
swapped instead, and flattened channels-last features get the rows of the next matrix reordered instead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from candid.vision.models.convert.graph import Graph, Node, Shape
from candid.vision.models.convert.onnx_file import infer_shapes

Perm = tuple[int, ...]

_UNARY = frozenset({"Relu", "Clip", "Sigmoid", "Tanh", "Elu", "LeakyRelu", "Neg", "Abs", "Exp", "Sqrt", "Identity"})
_BINARY = frozenset({"Add", "Sub", "Mul", "Div", "Max", "Min", "PRelu"})
_WINDOWED = frozenset({"Conv", "MaxPool", "AveragePool"})
_REDUCING = frozenset({"ReduceMean", "ReduceMax", "ReduceSum"})
_SWAPPED = (0, 1, 3, 2)


def inverse(perm: Sequence[int]) -> Perm:
    """The permutation that undoes this one."""
    return tuple(int(axis) for axis in np.argsort(perm))


@dataclass(frozen=True, slots=True)
class View:
    """A tensor that equals Transpose(source, perm)."""

    source: str
    perm: Perm


@dataclass(frozen=True, slots=True, eq=False)
class _Columns:
    """A flattened tensor (n, k) that equals source[:, order]."""

    source: str
    order: NDArray[np.int64]


class _Walk:
    """The state of one pass."""

    def __init__(self, graph: Graph, shapes: dict[str, Shape]) -> None:
        self.graph = graph
        self.made = graph.like()
        self.shapes = shapes
        self.views: dict[str, View] = {}
        self.columns: dict[str, _Columns] = {}
        self._real: dict[View, str] = {}

    def real(self, name: str) -> str:
        """The tensor in its written order; a view is transposed here, once."""
        if name in self.columns:
            columns = self.columns.pop(name)
            order = self.made.constant(columns.order, "order")
            self.made.add("Gather", [columns.source, order], output=name, axis=1)
        view = self.views.get(name)
        if view is None:
            return name
        if view.perm == tuple(range(len(view.perm))):
            return view.source
        if view not in self._real:
            self._real[view] = self.made.add("Transpose", [view.source], perm=view.perm)
        return self._real[view]

    def source_shape(self, view: View, name: str) -> Shape:
        """The shape of a view's source."""
        written = self.shapes[name]
        return tuple(written[axis] for axis in inverse(view.perm))

    def emit(self, node: Node, inputs: Sequence[str], perm: Perm | None, **changed: object) -> None:
        """Emit a node on other inputs; with `perm` its result is a view of what is emitted."""
        attributes = {**node.attributes, **changed}
        if perm is None or perm == tuple(range(len(perm))):
            self.made.add(node.op, inputs, output=node.output, **attributes)
        else:
            self.views[node.output] = View(self.made.add(node.op, inputs, **attributes), perm)

    def plain(self, node: Node) -> None:
        """Emit a node as it is, on real tensors."""
        self.made.nodes.append(
            Node(node.op, tuple(self.real(name) for name in node.inputs), node.outputs, node.attributes)
        )


def _transpose(walk: _Walk, node: Node) -> None:
    name, perm = node.inputs[0], tuple(node.attributes["perm"])
    view = walk.views.get(name)
    source, whole = (name, perm) if view is None else (view.source, tuple(view.perm[axis] for axis in perm))
    walk.views[node.output] = View(source, whole)


def _unary(walk: _Walk, node: Node) -> None:
    view = walk.views[node.inputs[0]]
    walk.emit(node, [view.source, *node.inputs[1:]], view.perm)


def _reordered(walk: _Walk, name: str, perm: Perm) -> str:
    """A constant that broadcasts against the source as `name` does against its view."""
    value = walk.graph.constants[name]
    if value.size == 1:
        return walk.made.constant(value.reshape(()) if value.ndim else value)
    wide = value.reshape((1,) * (len(perm) - value.ndim) + value.shape)
    return walk.made.constant(np.ascontiguousarray(wide.transpose(inverse(perm))))


def _binary(walk: _Walk, node: Node) -> None:
    perm = next(walk.views[name].perm for name in node.inputs if name in walk.views)
    if any(len(walk.shapes[name]) > len(perm) for name in node.inputs):
        walk.plain(node)
        return
    inputs = []
    for name in node.inputs:
        view = walk.views.get(name)
        if view is not None and view.perm == perm:
            inputs.append(view.source)
        elif name in walk.graph.constants:
            inputs.append(_reordered(walk, name, perm))
        elif len(walk.shapes[name]) == len(perm):
            inputs.append(walk.made.add("Transpose", [walk.real(name)], perm=inverse(perm)))
        else:
            walk.plain(node)
            return
    if node.op == "PRelu" and inputs[1] in walk.made.constants:
        # A slope without the batch axis, as ONNX Runtime's PRelu is fastest with.
        slope = walk.made.constants[inputs[1]]
        if slope.ndim == 4 and slope.shape[0] == 1:
            inputs[1] = walk.made.constant(slope[0], "slope")
    walk.emit(node, inputs, perm)


def _windowed(walk: _Walk, node: Node) -> None:
    view = walk.views[node.inputs[0]]
    if view.perm != _SWAPPED:
        walk.plain(node)
        return
    changed: dict[str, Any] = {
        key: tuple(node.attributes[key])[::-1]
        for key in ("strides", "dilations", "kernel_shape")
        if key in node.attributes
    }
    inputs = [view.source, *node.inputs[1:]]
    if node.op == "Conv":
        kernel = walk.graph.constants[node.inputs[1]]
        inputs[1] = walk.made.constant(np.ascontiguousarray(kernel.transpose(_SWAPPED)), "kernel")
    walk.emit(node, inputs, view.perm, **changed)


def _pad(walk: _Walk, node: Node) -> None:
    view = walk.views[node.inputs[0]]
    pads = walk.graph.constants[node.inputs[1]].reshape(2, -1)[:, list(inverse(view.perm))]
    walk.emit(node, [view.source, walk.made.constant(pads.reshape(-1), "pads"), *node.inputs[2:]], view.perm)


def _resize(walk: _Walk, node: Node) -> None:
    view, scales = walk.views[node.inputs[0]], walk.graph.constants[node.inputs[2]]
    moved = walk.made.constant(scales[list(inverse(view.perm))], "scales")
    walk.emit(node, [view.source, "", moved], view.perm)


def _concat(walk: _Walk, node: Node) -> None:
    views = [walk.views.get(name) for name in node.inputs]
    perms = {view.perm for view in views if view is not None}
    if None in views or len(perms) != 1:
        walk.plain(node)
        return
    perm = perms.pop()
    axis = perm[node.attributes["axis"]]
    walk.emit(node, [view.source for view in views if view is not None], perm, axis=axis)


def _reduce(walk: _Walk, node: Node) -> None:
    view = walk.views[node.inputs[0]]
    axes = [int(axis) % len(view.perm) for axis in walk.graph.constants[node.inputs[1]]]
    inner = walk.made.constant(np.array(sorted(view.perm[axis] for axis in axes), np.int64), "axes")
    perm = view.perm
    if not node.attributes.get("keepdims", 1):
        left = [source for axis, source in enumerate(view.perm) if axis not in axes]
        perm = tuple(sorted(left).index(source) for source in left)
    walk.emit(node, [view.source, inner], perm)


def _softmax(walk: _Walk, node: Node) -> None:
    view = walk.views[node.inputs[0]]
    axis = view.perm[node.attributes.get("axis", -1) % len(view.perm)]
    walk.emit(node, [view.source], view.perm, axis=axis)


def _reshape(walk: _Walk, node: Node) -> None:
    name = node.inputs[0]
    view, target = walk.views[name], walk.graph.constants.get(node.inputs[1])
    shape = walk.source_shape(view, name)
    # Axes of size 1 may move freely: what counts is the order of the others in memory.
    moving = [axis for axis in view.perm if shape[axis] != 1]
    if target is None or view.perm[0] != 0:
        walk.plain(node)
    elif moving == sorted(moving):
        walk.emit(node, [view.source, node.inputs[1]], None)
    elif target.size == 2 and None not in shape[1:]:
        sizes = [int(size) for size in shape[1:] if size is not None]
        places = np.arange(math.prod(sizes)).reshape(sizes)
        order = places.transpose([axis - 1 for axis in view.perm[1:]]).reshape(-1)
        flat = walk.made.add("Flatten", [view.source], axis=1)
        walk.columns[node.output] = _Columns(flat, order.astype(np.int64))
    else:
        walk.plain(node)


def _gemm(walk: _Walk, node: Node) -> None:
    columns = walk.columns[node.inputs[0]]
    weights = walk.graph.constants.get(node.inputs[1])
    if weights is None or node.attributes.get("transA") or node.attributes.get("transB"):
        walk.plain(node)
        return
    moved = np.empty_like(weights)
    moved[columns.order] = weights
    walk.emit(node, [columns.source, walk.made.constant(moved, "weights"), *node.inputs[2:]], None)


_HANDLERS: dict[str, Callable[[_Walk, Node], None]] = {
    **dict.fromkeys(_UNARY, _unary),
    **dict.fromkeys(_BINARY, _binary),
    **dict.fromkeys(_WINDOWED, _windowed),
    **dict.fromkeys(_REDUCING, _reduce),
    "Pad": _pad,
    "Concat": _concat,
    "Softmax": _softmax,
    "Reshape": _reshape,
    "Resize": _resize,
}


def fold_transposes(graph: Graph, *, swapped_sides: bool = False) -> Graph:
    """A graph that computes the same and takes and gives channels-first images.

    Args:
        graph: channels-last, as the emitters give it; each input is (n, h, w, c).
        swapped_sides: the network was trained on transposed images: its second axis is the width. The result
            takes ordinary images.

    Returns:
        Each input has become (n, c, height, width), and each output of rank 4 as well.
    """
    walk = _Walk(graph, infer_shapes(graph))
    order = (0, 3, 2, 1) if swapped_sides else (0, 2, 3, 1)
    for name, shape in graph.inputs.items():
        walk.made.inputs[name] = tuple(shape[axis] for axis in inverse(order))
        walk.views[name] = View(name, order)
    for node in graph.nodes:
        if node.op == "Transpose":
            _transpose(walk, node)
        elif node.inputs[0] in walk.columns and node.op in ("Gemm", "MatMul"):
            _gemm(walk, node)
        elif node.op in _HANDLERS and any(name in walk.views for name in node.inputs):
            _HANDLERS[node.op](walk, node)
        else:
            walk.plain(node)
    _outputs(walk, order)
    return walk.made.pruned()


def _outputs(walk: _Walk, order: Perm) -> None:
    made: dict[str, str] = {}
    for name, given in walk.graph.outputs.items():
        if len(walk.shapes.get(name, ())) != 4:
            made[walk.real(name)] = given
            continue
        # An image-shaped output leaves as the input came: mostly that is the source of its view.
        view = walk.views.get(name, View(name, (0, 1, 2, 3)))
        perm = tuple(view.perm[axis] for axis in inverse(order))
        plain = perm == (0, 1, 2, 3)
        made[view.source if plain else walk.made.add("Transpose", [view.source], perm=perm)] = given
    walk.made.outputs = made
