"""Makes padding explicit, and takes constant Pads into the convolution that follows."""

from __future__ import annotations

from typing import Any

import numpy as np

from candid.vision.models.convert.graph import Graph, Node, Shape
from candid.vision.models.convert.onnx_file import infer_shapes


def same_pads(size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """TensorFlow's SAME padding of one axis: (before, after), the odd one after.

    https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2
    """
    reach = (kernel - 1) * dilation + 1
    total = max((-(-size // stride) - 1) * stride + reach - size, 0)
    return total // 2, total - total // 2


def explicit_padding(graph: Graph) -> Graph:
    """Replace `auto_pad` where the sizes are known; a free size keeps SAME_UPPER."""
    shapes = infer_shapes(graph)
    made = graph.like()
    made.nodes = [_explicit(node, shapes) if "auto_pad" in node.attributes else node for node in graph.nodes]
    return made


def _explicit(node: Node, shapes: dict[str, Shape]) -> Node:
    attributes: dict[str, Any] = dict(node.attributes)
    kernel, strides = attributes["kernel_shape"], attributes["strides"]
    dilations = attributes.get("dilations", (1, 1))
    sides = shapes.get(node.inputs[0], (None,) * 4)[2:]
    if attributes["auto_pad"] == "VALID" or kernel == (1, 1) == strides:
        pads: tuple[int, ...] = (0, 0, 0, 0)
    elif None in sides:
        return node
    else:
        pairs = [
            same_pads(int(size or 0), *rest) for size, *rest in zip(sides, kernel, strides, dilations, strict=True)
        ]
        pads = (pairs[0][0], pairs[1][0], pairs[0][1], pairs[1][1])
    del attributes["auto_pad"]
    attributes["pads"] = pads
    return Node(node.op, node.inputs, node.outputs, attributes)


def fuse_pad(graph: Graph) -> Graph:
    """A Pad with zeros along height and width goes into the convolution that alone reads it."""
    made, producers, readers = graph.like(), graph.producers(), graph.readers()
    for node in graph.nodes:
        pad = producers.get(node.inputs[0]) if node.op == "Conv" and "pads" in node.attributes else None
        if pad is None or pad.op != "Pad" or readers[node.inputs[0]] != 1 or len(pad.inputs) != 2:
            made.nodes.append(node)
            continue
        pads = graph.constants[pad.inputs[1]].reshape(2, -1)
        if pads.shape[1] != 4 or pads[:, :2].any() or (pads < 0).any():
            made.nodes.append(node)
            continue
        total = tuple(int(p) for p in np.array(node.attributes["pads"]) + pads[:, 2:].reshape(-1))
        inputs = (pad.inputs[0], *node.inputs[1:])
        made.nodes.append(Node("Conv", inputs, node.outputs, {**node.attributes, "pads": total}))
    return made.pruned()
