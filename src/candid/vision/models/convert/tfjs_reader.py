"""Reads a TensorFlow.js graph model: a JSON topology and the weights in one or more binary files.

Format: the `model.json` of tfjs-converter. `modelTopology.node` lists TensorFlow operators with their
    attributes in
protobuf's JSON form (64-bit integers as strings, strings in base64); `weightsManifest` lists, per group of
files, each weight's name, shape, type and quantisation in the order of the bytes. A quantised weight is
`scale * q + min`; float16 is stored as such.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from candid.vision.errors import ModelError

_TYPES = {"float32": "<f4", "int32": "<i4", "bool": "?", "uint8": "u1", "uint16": "<u2", "float16": "<f2"}
_DAMAGED = "the model's JSON is damaged: "


@dataclass(frozen=True, slots=True, eq=False)
class TfNode:
    """One TensorFlow operator.

    Attributes:
        name: its own; its first output has the same name.
        op: TensorFlow's name of the operator.
        inputs: names of the tensors, with `:0` and control inputs taken away.
        attributes: name to the protobuf JSON of the value.
    """

    name: str
    op: str
    inputs: tuple[str, ...]
    attributes: Mapping[str, Any]

    def _typed(self, key: str, kind: str) -> object:
        value = self.attributes.get(key)
        return value.get(kind) if isinstance(value, dict) else None

    def text(self, key: str, default: str = "") -> str:
        """A string attribute."""
        value = self._typed(key, "s")
        return _text(value) if isinstance(value, str) else default

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings."""
        return tuple(_text(item) for item in self._list(key, "s") if isinstance(item, str))

    def integers(self, key: str) -> tuple[int, ...]:
        """A list of integers."""
        return tuple(_integer(item) for item in self._list(key, "i"))

    def flag(self, key: str) -> bool:
        """A boolean attribute, false where it is absent."""
        return self._typed(key, "b") is True

    def _list(self, key: str, kind: str) -> list[object]:
        value = self._typed(key, "list")
        items = value.get(kind) if isinstance(value, dict) else None
        return items if isinstance(items, list) else []

    def shape(self) -> tuple[int | None, ...]:
        """The attribute `shape`; None: free."""
        value = self._typed("shape", "shape")
        sizes = value.get("dim") if isinstance(value, dict) else None
        if not isinstance(sizes, list) or not all(isinstance(size, dict) for size in sizes):
            raise ModelError(f"{_DAMAGED}{self.name!r} has no shape")
        found = [_integer(size.get("size", 0)) for size in sizes]
        return tuple(size if size >= 0 else None for size in found)


@dataclass(frozen=True, slots=True, eq=False)
class TfjsModel:
    """Operators in the file's order, and the weights by name; float16 is not widened yet."""

    nodes: tuple[TfNode, ...]
    weights: Mapping[str, NDArray[Any]]


def _text(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ModelError(f"{_DAMAGED}a string is no base64") from error


def _integer(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ModelError(f"{_DAMAGED}a number was expected")
    try:
        return int(value)
    except ValueError as error:
        raise ModelError(f"{_DAMAGED}a number was expected") from error


def _node(item: object) -> TfNode:
    if not isinstance(item, dict) or not isinstance(item.get("name"), str) or not isinstance(item.get("op"), str):
        raise ModelError(f"{_DAMAGED}an operator has no name")
    inputs, attributes = item.get("input", []), item.get("attr", {})
    if not isinstance(inputs, list) or not all(isinstance(name, str) for name in inputs):
        raise ModelError(f"{_DAMAGED}the inputs of {item['name']!r} are no list of names")
    if not isinstance(attributes, dict):
        raise ModelError(f"{_DAMAGED}the attributes of {item['name']!r} are no object")
    plain = tuple(name.removesuffix(":0") for name in inputs if not name.startswith("^"))
    return TfNode(item["name"], item["op"], plain, attributes)


def _weight(item: object, content: bytes, at: int) -> tuple[str, NDArray[Any], int]:
    """A weight's name and value, and where the next one begins."""
    if not isinstance(item, dict) or not isinstance(item.get("name"), str):
        raise ModelError(f"{_DAMAGED}a weight has no name")
    quantisation = item.get("quantization")
    stored = quantisation.get("dtype") if isinstance(quantisation, dict) else item.get("dtype")
    sizes = item.get("shape")
    if not isinstance(stored, str) or stored not in _TYPES or not isinstance(sizes, list):
        raise ModelError(f"the weight {item['name']!r} has a type or shape that is not converted")
    shape = tuple(_integer(size) for size in sizes)
    kind = np.dtype(_TYPES[stored])
    count = math.prod(shape)
    end = at + count * kind.itemsize
    if any(size < 0 for size in shape) or end > len(content):
        raise ModelError(f"the weights end before {item['name']!r}: the model is truncated")
    value = np.frombuffer(content, kind, count, at).reshape(shape)
    if isinstance(quantisation, dict) and stored in ("uint8", "uint16"):
        scale, least = quantisation.get("scale"), quantisation.get("min")
        if not isinstance(scale, int | float) or not isinstance(least, int | float):
            raise ModelError(f"{_DAMAGED}{item['name']!r} has no scale")
        value = (value.astype(np.float64) * scale + least).astype(np.float32)
    return item["name"], value, end


def read_tfjs(topology: bytes, weights: bytes) -> TfjsModel:
    """Read a model whose weights stand in one group.

    Args:
        topology: content of the JSON file.
        weights: content of the binary files, one after the other.

    Raises:
        ModelError: truncated, damaged, or of a form that is not converted.
    """
    try:
        document = json.loads(topology)
        nodes = document["modelTopology"]["node"]
        groups = document["weightsManifest"]
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        raise ModelError("the model file is no TensorFlow.js graph model, or it is truncated") from error
    if not isinstance(nodes, list) or not isinstance(groups, list):
        raise ModelError(f"{_DAMAGED}operators and weights are no lists")
    found: dict[str, NDArray[Any]] = {}
    at = 0
    for group in groups:
        listed = group.get("weights") if isinstance(group, dict) else None
        for item in listed if isinstance(listed, list) else []:
            name, value, at = _weight(item, weights, at)
            found[name] = value
    if at != len(weights):
        raise ModelError(f"the weights have {len(weights)} bytes where the model's JSON lists {at}")
    return TfjsModel(tuple(_node(item) for item in nodes), found)
