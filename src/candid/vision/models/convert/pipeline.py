"""From the bytes of a model file to the bytes of an ONNX file: read, emit, fold, fuse, write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import onnx

from candid.vision.errors import ModelError
from candid.vision.models.convert.fuse import drop_idle, fuse_affine, fuse_clip, fuse_prelu, fuse_softmax
from candid.vision.models.convert.graph import Graph, Shape
from candid.vision.models.convert.layout import fold_transposes
from candid.vision.models.convert.onnx_file import infer_shapes, to_onnx
from candid.vision.models.convert.padding import explicit_padding, fuse_pad
from candid.vision.models.convert.pairs import sigmoids_for_pairs
from candid.vision.models.convert.pooling import pool_before_prelu
from candid.vision.models.convert.tfjs_ops import emit_tfjs
from candid.vision.models.convert.tfjs_reader import read_tfjs
from candid.vision.models.convert.tflite_ops import emit_tflite
from candid.vision.models.convert.tflite_reader import read_tflite
from candid.vision.models.convert.widen import split_prelu, widen_channels

# Raised when a pass changes what it writes, so that `pull` makes the files again.
CONVERTER = 2


def simplify(graph: Graph, *, swapped_sides: bool = False) -> Graph:
    """Every pass, in the order in which they help each other.

    Args:
        graph: as emitted, channels last.
        swapped_sides: see `layout.fold_transposes`.

    Returns:
        A graph that takes (n, c, height, width) and computes the same.
    """
    graph = drop_idle(graph.pruned())
    for fuse in (fuse_prelu, fuse_clip, fuse_softmax):
        graph = fuse(graph)
    graph = fuse_affine(fold_transposes(graph, swapped_sides=swapped_sides))
    graph = fuse_pad(explicit_padding(graph))
    if any(None in shape[2:] for shape in graph.inputs.values()):
        # Measured: a third faster on large images, which are bound by memory; slower on 24 and 48 pixels.
        graph = sigmoids_for_pairs(pool_before_prelu(graph))
    return split_prelu(drop_idle(widen_channels(graph)))


def _flat(graph: Graph, shapes: Mapping[str, Shape]) -> Graph:
    """Outputs of one pixel, (n, c, 1, 1), become (n, c)."""
    made = graph.like()
    made.nodes = list(graph.nodes)
    made.outputs = {}
    for tensor, given in graph.outputs.items():
        single = shapes.get(tensor, ())[2:] == (1, 1)
        made.outputs[made.add("Flatten", [tensor], axis=1) if single else tensor] = given
    return made


def _finish(graph: Graph, *, name: str, outputs: Mapping[str, str], swapped_sides: bool) -> bytes:
    """Simplify, give the outputs Candid's names and the input the name `image`, and write."""
    missing = set(outputs) - set(graph.outputs.values())
    if missing:
        raise ModelError(f"the model file has no output {sorted(missing)[0]!r}")
    tensors = {given: tensor for tensor, given in graph.outputs.items()}
    graph.outputs = {tensors[theirs]: ours for theirs, ours in outputs.items()}
    graph = simplify(graph, swapped_sides=swapped_sides)
    graph = _flat(graph, infer_shapes(graph))
    model = to_onnx(graph, name=name, shapes=infer_shapes(graph))
    rename = {**dict.fromkeys(graph.inputs, "image"), **graph.outputs}
    kept = [node for node in model.graph.node if node.op_type != "Identity"]
    for node in kept:
        for names in (node.input, node.output):
            names[:] = [rename.get(each, each) for each in names]
    del model.graph.node[:]
    model.graph.node.extend(kept)
    model.graph.input[0].name = "image"
    onnx.checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


@contextmanager
def _refusing_damage(name: str) -> Iterator[None]:
    """Whatever a damaged file makes numpy or ONNX say becomes this room's error."""
    try:
        yield
    except ModelError:
        raise
    except Exception as error:  # numpy, onnx and its checker raise some ten kinds for shapes that do not fit
        raise ModelError(f"the file of {name} is damaged or of an unknown form: {error}") from error


def convert_tflite(
    content: bytes,
    *,
    name: str,
    outputs: Mapping[str, str],
    free_sides: bool = False,
    swapped_sides: bool = False,
) -> bytes:
    """Convert a TensorFlow Lite file.

    Args:
        content: the file.
        name: of the model.
        outputs: the file's output names to Candid's, in Candid's order; outputs not named are cut off.
        free_sides: height and width stay free.
        swapped_sides: the network was trained on transposed images.

    Returns:
        An ONNX file with one float32 input `image` (batch, channels, height, width).

    Raises:
        ModelError: the file cannot be read or converted.
    """
    with _refusing_damage(name):
        graph = emit_tflite(read_tflite(content), free_sides=free_sides)
        return _finish(graph, name=name, outputs=outputs, swapped_sides=swapped_sides)


def convert_tfjs(topology: bytes, weights: bytes, *, name: str, outputs: Mapping[str, str]) -> bytes:
    """Convert a TensorFlow.js graph model; arguments, result and errors as `convert_tflite`."""
    with _refusing_damage(name):
        graph = emit_tfjs(read_tfjs(topology, weights), outputs=tuple(outputs))
        return _finish(graph, name=name, outputs=outputs, swapped_sides=False)
