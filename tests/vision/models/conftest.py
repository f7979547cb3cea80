"""Writers of small model files in both formats, and slow, plainly right numpy forms of the operators."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import flatbuffers
import numpy as np
import onnxruntime
import pytest

from candid.vision.models.convert.graph import Graph
from candid.vision.models.convert.onnx_file import to_onnx

_TFLITE_TYPES = {"float32": 0, "float16": 1, "int32": 2, "uint8": 3, "int64": 4}


def _vector(builder: flatbuffers.Builder, values: Sequence[int], size: int, prepend: Callable) -> int:
    builder.StartVector(size, len(values), size)
    for value in reversed(values):
        prepend(value)
    return builder.EndVector()


def _table(builder: flatbuffers.Builder, fields: Mapping[int, tuple[str, Any]]) -> int:
    builder.StartObject(max(fields, default=-1) + 1)
    for slot, (form, value) in fields.items():
        {
            "b": builder.PrependInt8Slot,
            "i": builder.PrependInt32Slot,
            "I": builder.PrependUint32Slot,
            "f": builder.PrependFloat32Slot,
            "B": builder.PrependUint8Slot,
        }.get(form, builder.PrependUOffsetTRelativeSlot)(slot, value, None if form != "offset" else 0)
    return builder.EndObject()


def _ints(builder: flatbuffers.Builder, values: Sequence[int]) -> int:
    return _vector(builder, [int(value) for value in values], 4, builder.PrependInt32)


def _offsets(builder: flatbuffers.Builder, values: Sequence[int]) -> int:
    return _vector(builder, values, 4, builder.PrependUOffsetTRelative)


def _sparsity(builder: flatbuffers.Builder, parameters: Mapping[str, Any]) -> int:
    dimensions = []
    for dimension in parameters["dimensions"]:
        if isinstance(dimension, int):
            dimensions.append(_table(builder, {0: ("b", 0), 1: ("i", dimension)}))
            continue
        segments, indices = (
            _table(builder, {0: ("offset", builder.CreateNumpyVector(np.array(values, np.uint8)))})
            for values in dimension
        )
        fields = {0: ("b", 1), 2: ("B", 3), 3: ("offset", segments), 4: ("B", 3), 5: ("offset", indices)}
        dimensions.append(_table(builder, fields))
    order, blocks = _ints(builder, parameters["order"]), _ints(builder, parameters["blocks"])
    listed = _offsets(builder, dimensions)
    return _table(builder, {0: ("offset", order), 1: ("offset", blocks), 2: ("offset", listed)})


def write_tflite(
    tensors: Sequence[tuple[str, tuple[int, ...], str, np.ndarray | None]],
    operators: Sequence[tuple[int, Sequence[int], Sequence[int], Mapping[int, tuple[str, Any]]]],
    inputs: Sequence[int],
    outputs: Sequence[int],
    sparsity: Mapping[int, Mapping[str, Any]] | None = None,
) -> bytes:
    """A TensorFlow Lite file; an operator is (code, inputs, outputs, options by slot)."""
    builder = flatbuffers.Builder(1024)
    buffers = [_table(builder, {})]
    written = []
    for number, (name, shape, dtype, value) in enumerate(tensors):
        buffer = 0
        if value is not None:
            raw = np.frombuffer(np.ascontiguousarray(value).tobytes(), np.uint8)
            buffers.append(_table(builder, {0: ("offset", builder.CreateNumpyVector(raw))}))
            buffer = len(buffers) - 1
        fields = {
            0: ("offset", _ints(builder, shape)),
            1: ("b", _TFLITE_TYPES[dtype]),
            2: ("I", buffer),
            3: ("offset", builder.CreateString(name)),
        }
        if sparsity and number in sparsity:
            fields[6] = ("offset", _sparsity(builder, sparsity[number]))
        written.append(_table(builder, fields))
    codes = sorted({code for code, *_ in operators})
    steps = []
    for code, reads, writes, options in operators:
        fields = {
            0: ("I", codes.index(code)),
            1: ("offset", _ints(builder, reads)),
            2: ("offset", _ints(builder, writes)),
            4: ("offset", _table(builder, options)),
        }
        steps.append(_table(builder, fields))
    listed = [_table(builder, {0: ("b", min(code, 127)), 3: ("i", code)}) for code in codes]
    graph = {
        0: ("offset", _offsets(builder, written)),
        1: ("offset", _ints(builder, inputs)),
        2: ("offset", _ints(builder, outputs)),
        3: ("offset", _offsets(builder, steps)),
    }
    graphs = _offsets(builder, [_table(builder, graph)])
    model = {
        0: ("I", 3),
        1: ("offset", _offsets(builder, listed)),
        2: ("offset", graphs),
        4: ("offset", _offsets(builder, buffers)),
    }
    builder.Finish(_table(builder, model), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _attribute(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"b": value}
    if isinstance(value, str):
        return {"s": base64.b64encode(value.encode()).decode()}
    if value and isinstance(value[0], str):
        return {"list": {"s": [base64.b64encode(item.encode()).decode() for item in value]}}
    return {"list": {"i": [str(item) for item in value]}}


def write_tfjs(
    shape: tuple[int, ...],
    weights: Mapping[str, np.ndarray],
    nodes: Sequence[tuple[str, str, Sequence[str], Mapping[str, Any]]],
    quantised: Mapping[str, Mapping[str, Any]] | None = None,
) -> tuple[bytes, bytes]:
    """A TensorFlow.js graph model with the input `x`; a node is (name, op, inputs, attributes)."""
    dims = [{"size": str(size)} for size in shape]
    listed: list[dict[str, Any]] = [{"name": "x", "op": "Placeholder", "attr": {"shape": {"shape": {"dim": dims}}}}]
    listed += [{"name": name, "op": "Const", "attr": {}} for name in weights]
    listed += [
        {"name": name, "op": op, "input": list(reads), "attr": {k: _attribute(v) for k, v in attr.items()}}
        for name, op, reads, attr in nodes
    ]
    manifest = []
    for name, value in weights.items():
        entry: dict[str, Any] = {"name": name, "shape": list(value.shape), "dtype": value.dtype.name}
        if quantised and name in quantised:
            entry |= {"dtype": "float32", "quantization": {"dtype": value.dtype.name, **quantised[name]}}
        manifest.append(entry)
    document = {"modelTopology": {"node": listed}, "weightsManifest": [{"paths": ["w.bin"], "weights": manifest}]}
    return json.dumps(document).encode(), b"".join(value.tobytes() for value in weights.values())


def run_graph(graph: Graph, image: np.ndarray) -> dict[str, np.ndarray]:
    """What a graph answers, by the names of its outputs."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(to_onnx(graph).SerializeToString(), options)
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, {session.get_inputs()[0].name: image}), strict=True))


def _padded(x: np.ndarray, kernel: tuple[int, int], strides: tuple[int, int], same: bool, fill: float) -> np.ndarray:
    if not same:
        return x
    pads = []
    for size, k, s in zip(x.shape[1:3], kernel, strides, strict=True):
        total = max((-(-size // s) - 1) * s + k - size, 0)
        pads.append((total // 2, total - total // 2))
    return np.pad(x, ((0, 0), *pads, (0, 0)), constant_values=fill)


def plain_conv(x, kernel, bias, *, strides=(1, 1), same=True, dilations=(1, 1), groups=1):
    """Convolution of (n, h, w, c) with (height, width, c / groups, outputs), one product at a time."""
    height, width, depth, count = kernel.shape
    reach = tuple((k - 1) * d + 1 for k, d in zip((height, width), dilations, strict=True))
    x = _padded(x, reach, strides, same, 0.0)
    rows, columns = ((x.shape[i + 1] - reach[i]) // strides[i] + 1 for i in (0, 1))
    out = np.zeros((x.shape[0], rows, columns, count))
    for o in range(count):
        first = o // (count // groups) * depth
        for i in range(rows):
            for j in range(columns):
                top, left = i * strides[0], j * strides[1]
                patch = x[:, top : top + reach[0] : dilations[0], left : left + reach[1] : dilations[1]]
                product = patch[..., first : first + depth] * kernel[..., o]
                out[:, i, j, o] = product.sum(axis=(1, 2, 3)) + bias[o]
    return out


def plain_pool(x, size, *, strides, same, average):
    """Pooling of (n, h, w, c); an average counts only what lies inside."""
    x = _padded(x, size, strides, same, np.nan)
    rows, columns = ((x.shape[i + 1] - size[i]) // strides[i] + 1 for i in (0, 1))
    reduce = np.nanmean if average else np.nanmax
    out = np.zeros((x.shape[0], rows, columns, x.shape[3]))
    for i in range(rows):
        for j in range(columns):
            top, left = i * strides[0], j * strides[1]
            out[:, i, j] = reduce(x[:, top : top + size[0], left : left + size[1]], axis=(1, 2))
    return out


def plain_resize(x, height, width, *, align_corners=False, half_pixel=False):
    """Bilinear resize of (n, h, w, c)."""

    def places(size: int, wanted: int) -> np.ndarray:
        at = np.arange(wanted, dtype=float)
        if align_corners:
            return at * (size - 1) / (wanted - 1)
        return (at + 0.5) * size / wanted - 0.5 if half_pixel else at * size / wanted

    for axis, wanted in ((1, height), (2, width)):
        at = np.clip(places(x.shape[axis], wanted), 0, x.shape[axis] - 1)
        low = np.floor(at).astype(int)
        high = np.minimum(low + 1, x.shape[axis] - 1)
        share = (at - low).reshape([-1 if i == axis else 1 for i in range(4)])
        x = np.take(x, low, axis) * (1 - share) + np.take(x, high, axis) * share
    return x


@pytest.fixture(scope="session")
def files() -> SimpleNamespace:
    """The writers and `run`."""
    return SimpleNamespace(tflite=write_tflite, tfjs=write_tfjs, run=run_graph)


@pytest.fixture(scope="session")
def plain() -> SimpleNamespace:
    """The slow operators."""
    return SimpleNamespace(conv=plain_conv, pool=plain_pool, resize=plain_resize)
