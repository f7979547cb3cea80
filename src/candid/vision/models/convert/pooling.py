"""Moves a PRelu behind the max pooling that alone reads it, where it has a quarter of the pixels or fewer.

For a window with largest value P and smallest value -Q, the largest PRelu(x, a) in it is

- PRelu(P, a) where a ≥ 0, since PRelu then rises: P + (1 - a)·relu(-P);
- max(P, -a·Q) where a < 0, since PRelu then has a valley at zero: P + relu(-a·Q - P).

Q is the pooling of -x, so the convolution before gets one more output channel, negated, for each channel with a < 0.
Both cases are P + c·relu(D·[P, Q]) with a diagonal c and a small matrix D. Large images are bound by memory, and this
spares them every pass over the activation at full size.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from candid.vision.models.convert.graph import Graph, Node

_POINTWISE: dict[str, Any] = {"kernel_shape": (1, 1), "strides": (1, 1), "pads": (0, 0, 0, 0), "group": 1}


def _chain(graph: Graph, pool: Node) -> tuple[Node, Node] | None:
    """The convolution and the PRelu before a MaxPool, where nothing else reads what is between."""
    producers, readers = graph.producers(), graph.readers()
    prelu = producers.get(pool.inputs[0]) if pool.op == "MaxPool" else None
    conv = producers.get(prelu.inputs[0]) if prelu is not None and prelu.op == "PRelu" else None
    if prelu is None or conv is None or conv.op != "Conv" or conv.attributes["group"] != 1:
        return None
    if readers[conv.output] != 1 or readers[prelu.output] != 1:
        return None
    slope = graph.constants.get(prelu.inputs[1])
    channels = graph.constants[conv.inputs[1]].shape[0]
    return (conv, prelu) if slope is not None and slope.shape == (channels, 1, 1) else None


def pool_before_prelu(graph: Graph) -> Graph:
    """Every Conv → PRelu → MaxPool becomes Conv → MaxPool → two 1×1 convolutions on the small result."""
    chains = {pool.output: chain for pool in graph.nodes if (chain := _chain(graph, pool)) is not None}
    replaced = {node.output for chain in chains.values() for node in chain}
    made = graph.like()
    for node in graph.nodes:
        if node.output in chains:
            _pool_first(graph, made, *chains[node.output], node)
        elif node.output not in replaced:
            made.nodes.append(node)
    return made.pruned()


def _pool_first(graph: Graph, made: Graph, conv: Node, prelu: Node, pool: Node) -> None:
    kernel, bias = graph.constants[conv.inputs[1]], graph.constants[conv.inputs[2]]
    slope = graph.constants[prelu.inputs[1]].reshape(-1)
    channels, valleys = slope.size, np.flatnonzero(slope < 0)
    wide_kernel = made.constant(np.concatenate([kernel, -kernel[valleys]]), "kernel")
    wide_bias = made.constant(np.concatenate([bias, -bias[valleys]]), "bias")
    wide = made.add("Conv", [conv.inputs[0], wide_kernel, wide_bias], **conv.attributes)
    pooled = made.add("MaxPool", [wide], **pool.attributes)

    below = np.zeros((channels, channels + valleys.size, 1, 1), np.float32)
    below[np.arange(channels), np.arange(channels)] = -1
    below[valleys, channels + np.arange(valleys.size), 0, 0] = -slope[valleys]
    peaks = np.zeros_like(below)
    peaks[np.arange(channels), np.arange(channels)] = 1
    lift = np.diag(np.where(slope < 0, 1, 1 - slope)).astype(np.float32).reshape(channels, channels, 1, 1)
    zeros = made.constant(np.zeros(channels, np.float32), "bias")
    depth = made.add("Conv", [pooled, made.constant(below, "kernel"), zeros], **_POINTWISE)
    lifted = made.add("Conv", [made.add("Relu", [depth]), made.constant(lift, "kernel"), zeros], **_POINTWISE)
    kept = made.add("Conv", [pooled, made.constant(peaks, "kernel"), zeros], **_POINTWISE)
    made.add("Add", [lifted, kept], output=pool.output)
