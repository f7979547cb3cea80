"""Emits TensorFlow's channels-last operators as ONNX's channels-first ones between transposes.

The transposes are there to be plainly right; `layout` takes them away afterwards. Padding SAME is emitted
as `auto_pad` (TensorFlow pads the extra row or column at the end, ONNX's SAME_UPPER) and made explicit by
`padding`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from candid.vision.errors import ModelError
from candid.vision.models.convert.graph import Graph, Node

TO_NCHW = (0, 3, 1, 2)
TO_NHWC = (0, 2, 3, 1)


@dataclass(frozen=True, slots=True)
class Window:
    """How a convolution or pooling moves: padded `same` or not, strides, dilations as (height, width)."""

    same: bool
    strides: tuple[int, int]
    dilations: tuple[int, int] = (1, 1)

    def attributes(self) -> dict[str, Any]:
        """The ONNX attributes."""
        made: dict[str, Any] = {"strides": self.strides, "auto_pad": "SAME_UPPER" if self.same else "VALID"}
        if self.dilations != (1, 1):
            made["dilations"] = self.dilations
        return made


def transpose(graph: Graph, name: str, perm: Sequence[int]) -> str:
    """Emit a Transpose."""
    return graph.add("Transpose", [name], perm=tuple(perm))


def between(graph: Graph, op: str, inputs: Sequence[str], **attributes: object) -> str:
    """Emit `op` on the channels-first form of its first input; the result is channels-last again."""
    first, made = transpose(graph, inputs[0], TO_NCHW), graph.fresh(op)
    graph.nodes.append(Node(op, (first, *inputs[1:]), (made,), attributes))
    return transpose(graph, made, TO_NHWC)


def convolve(
    graph: Graph,
    name: str,
    *,
    kernel: NDArray[Any],
    bias: NDArray[Any] | None,
    window: Window,
    groups: int = 1,
) -> str:
    """Emit a convolution of a channels-last tensor.

    Args:
        graph: where to.
        name: input (n, h, w, c).
        kernel: (output channels, input channels of a group, height, width).
        bias: (output channels,) or None.
        window: padding, strides, dilations.
        groups: 1, or the number of input channels for a depthwise convolution.
    """
    if bias is None:
        bias = np.zeros(kernel.shape[0], np.float32)
    inputs = [name, graph.constant(np.ascontiguousarray(kernel), "kernel"), graph.constant(bias, "bias")]
    size = tuple(kernel.shape[2:])
    return between(graph, "Conv", inputs, kernel_shape=size, group=groups, **window.attributes())


def pool(graph: Graph, name: str, *, op: str, size: tuple[int, int], window: Window) -> str:
    """Emit MaxPool or AveragePool; an average counts only what lies inside the image, as TensorFlow does."""
    return between(graph, op, [name], kernel_shape=size, **window.attributes())


def resize_bilinear(
    graph: Graph, name: str, *, scale: tuple[float, float], align_corners: bool, half_pixel: bool
) -> str:
    """Emit a bilinear resize by fixed factors (height, width)."""
    mode = "align_corners" if align_corners else "half_pixel" if half_pixel else "asymmetric"
    scales = graph.constant(np.array([1.0, 1.0, *scale], np.float32), "scales")
    return between(graph, "Resize", [name, "", scales], mode="linear", coordinate_transformation_mode=mode)


def depth_to_space(graph: Graph, name: str, *, block: int) -> str:
    """Emit DepthToSpace with TensorFlow's order, depth-column-row."""
    return between(graph, "DepthToSpace", [name], blocksize=block, mode="DCR")


def activate(graph: Graph, name: str, kind: str) -> str:
    """Emit the activation that an operator has built in.

    Raises:
        ModelError: one that is not known.
    """
    if kind == "none":
        return name
    if kind in ("relu", "tanh", "sigmoid", "elu"):
        return graph.add({"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid", "elu": "Elu"}[kind], [name])
    bounds = {"relu6": (0.0, 6.0), "relu_n1_to_1": (-1.0, 1.0)}
    if kind not in bounds:
        raise ModelError(f"the activation {kind!r} is not converted")
    low, high = (graph.constant(np.array(bound, np.float32), "bound") for bound in bounds[kind])
    return graph.add("Clip", [name, low, high])
