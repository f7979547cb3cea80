"""Makes the fixed batch of a user's ONNX file free, where the result is proved to be the same."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper

from candid.vision.errors import ModelError
from candid.vision.models.foreign import Port
from candid.vision.models.references import run_once

_SEED = 20240301
# Batching changes the order of sums a little; anything more is another function.
_TOLERANCE = 1e-4


def _reshape_targets(model: onnx.ModelProto) -> set[str]:
    return {node.input[1] for node in model.graph.node if node.op_type == "Reshape" and len(node.input) == 2}


def _freed(model: onnx.ModelProto, port: Port) -> bytes:
    """The file with every statement about the batch taken out: input, outputs, Reshape targets."""
    freed = onnx.ModelProto()
    freed.CopyFrom(model)
    for info in (*freed.graph.input, *freed.graph.output):
        sizes = info.type.tensor_type.shape.dim
        if len(sizes) and sizes[0].dim_value == port.shape[0]:
            sizes[0].dim_param = "batch"
    del freed.graph.value_info[:]
    targets = _reshape_targets(freed)
    constants = [tensor for tensor in freed.graph.initializer if tensor.name in targets]
    for node in freed.graph.node:
        if node.op_type == "Constant" and node.output[0] in targets:
            constants += [a.t for a in node.attribute if a.name == "value"]
    for tensor in constants:
        value = numpy_helper.to_array(tensor).copy()
        if value.ndim == 1 and value.size > 1 and value[0] == port.shape[0]:
            value[0] = 0  # ONNX: copy this size from the input
            tensor.CopyFrom(numpy_helper.from_array(value, tensor.name))
    content: bytes = freed.SerializeToString(deterministic=True)
    return content


def free_batch(content: bytes, model: onnx.ModelProto, port: Port, *, side: int) -> tuple[bytes, int]:
    """The file to use, and its batch: 0 where it is free.

    A file whose batch is fixed is changed, and the change is kept only if three different images give each
    the same answer together as the untouched file gives them.
    """
    sizes = [size if size is not None else side for size in port.shape[1:]]
    images = np.random.default_rng(_SEED).uniform(-1, 1, (3, *sizes)).astype(np.float32)
    fixed = port.shape[0]
    try:
        changed = content if fixed is None else _freed(model, port)
        together = run_once(changed, images)
        for at in range(len(images)):
            alone = run_once(content, np.repeat(images[at : at + 1], fixed or 1, axis=0))
            for name, value in alone.items():
                scale = float(np.abs(value).max()) or 1.0
                if together[name].shape[0] != len(images):
                    return content, fixed or 1
                if float(np.abs(together[name][at] - value[0]).max()) > _TOLERANCE * scale:
                    return content, fixed or 1
    except ModelError:
        return content, fixed or 1
    return changed, 0
