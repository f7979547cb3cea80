"""A graph under construction: ONNX operators by name, constants as numpy arrays.

Both readers emit into a `Graph`; each pass makes a new one. Nodes stand in an order in which they can run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Shape = tuple[int | None, ...]  # None: a size that is free, such as the batch


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One ONNX operator; an input left out is the empty name."""

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def output(self) -> str:
        """The first output."""
        return self.outputs[0]


class Graph:
    """Nodes, constants, inputs and outputs.

    Attributes:
        nodes: in running order.
        constants: name to value.
        inputs: name to shape, float32.
        outputs: tensor to the name that the model gives it, in order.
    """

    def __init__(self) -> None:
        """An empty graph."""
        self.nodes: list[Node] = []
        self.constants: dict[str, NDArray[Any]] = {}
        self.inputs: dict[str, Shape] = {}
        self.outputs: dict[str, str] = {}
        self._made = 0

    def fresh(self, hint: str) -> str:
        """A name that no tensor has yet."""
        self._made += 1
        return f"{hint.lower()}.{self._made}"

    def constant(self, value: NDArray[Any], hint: str = "constant") -> str:
        """Store a constant; float16 and float64 become float32."""
        name = self.fresh(hint)
        self.constants[name] = value.astype(np.float32) if value.dtype.kind == "f" else value
        return name

    def add(self, op: str, inputs: Sequence[str], *, output: str | None = None, **attributes: object) -> str:
        """Append a node with one output and name that output."""
        made = output if output is not None else self.fresh(op)
        self.nodes.append(Node(op, tuple(inputs), (made,), attributes))
        return made

    def like(self) -> Graph:
        """A graph with the same inputs, constants and outputs and no nodes; names made in it stay unique."""
        other = Graph()
        other.constants = dict(self.constants)
        other.inputs = dict(self.inputs)
        other.outputs = dict(self.outputs)
        other._made = self._made
        return other

    def producers(self) -> dict[str, Node]:
        """Tensor name to the node that makes it."""
        return {output: node for node in self.nodes for output in node.outputs}

    def readers(self) -> dict[str, int]:
        """Tensor name to how many times it is read, graph outputs included."""
        counts: dict[str, int] = dict.fromkeys(self.outputs, 1)
        for node in self.nodes:
            for name in node.inputs:
                counts[name] = counts.get(name, 0) + 1
        return counts

    def pruned(self) -> Graph:
        """The same graph without nodes and constants that no output needs."""
        wanted = set(self.outputs)
        kept: list[Node] = []
        for node in reversed(self.nodes):
            if wanted.intersection(node.outputs):
                wanted.update(node.inputs)
                kept.append(node)
        made = self.like()
        made.nodes = kept[::-1]
        made.constants = {name: value for name, value in self.constants.items() if name in wanted}
        return made
