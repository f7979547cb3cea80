"""Amazon Rekognition's service model, as data, from the installed botocore.

The file is botocore's `data/rekognition/2016-06-27/service-2.json` (or `.json.gz`). It is read without
importing botocore, which would cost more time at start than everything else here.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson

from candid.wire.patterns import translate

_FILE = Path("data", "rekognition", "2016-06-27", "service-2.json")


class ModelError(Exception):
    """The service model cannot be read."""


@dataclass(frozen=True)
class Shape:
    """One type of the model. Not slotted, so that its pattern is compiled when first used.

    Attributes:
        name: its name in the model.
        kind: structure, list, map, string, blob, integer, long, float, boolean or timestamp.
        members: of a structure: member → name of its shape.
        required: of a structure.
        member: of a list: name of its members' shape.
        key: of a map: name of its keys' shape.
        value: of a map: name of its values' shape.
        low, high: of a string or blob its length, of a list or map its size, of a number its value.
        pattern_text: of a string.
        enum: of a string; empty where any value goes.
    """

    name: str
    kind: str
    members: Mapping[str, str]
    required: tuple[str, ...]
    member: str
    key: str
    value: str
    low: float | None
    high: float | None
    pattern_text: str | None
    enum: tuple[str, ...]

    @cached_property
    def pattern(self) -> re.Pattern[str] | None:
        """What the whole value must match."""
        return None if self.pattern_text is None else translate(self.pattern_text)


@dataclass(frozen=True, slots=True)
class ModelledOperation:
    """One of the model's operations.

    Attributes:
        name: such as `DetectFaces`.
        input: shape of its requests.
        output: shape of its replies.
        images: how many images a request can hold as bytes.
        body_limit: bytes that the longest valid body can have.
    """

    name: str
    input: Shape
    output: Shape
    images: int
    body_limit: int


@dataclass(frozen=True, slots=True)
class ServiceModel:
    """All shapes and operations."""

    target_prefix: str
    shapes: Mapping[str, Shape]
    operations: Mapping[str, ModelledOperation]
    errors: frozenset[str]


# What a body may hold besides blobs. The longest valid lists of ids and tags stay under a third of it.
_BODY_ALLOWANCE = 1024 * 1024
IMAGE_SHAPE = "ImageBlob"


def model_file() -> Path:
    """Where the installed botocore keeps the model.

    Raises:
        ModelError: botocore, or its model of Rekognition, is not installed.
    """
    spec = find_spec("botocore")
    if spec is None or spec.origin is None:
        raise ModelError("botocore is not installed; install Candid's dependencies again")
    plain = Path(spec.origin).parent / _FILE
    for path in (plain, plain.with_name(plain.name + ".gz")):
        if path.is_file():
            return path
    raise ModelError("the installed botocore has no model of Rekognition; install another version of it")


def load_model(path: Path | None = None) -> ServiceModel:
    """Read the model.

    Args:
        path: its file; None takes the installed botocore's.

    Raises:
        ModelError: it is not there or not what is expected.
    """
    path = model_file() if path is None else path
    raw = path.read_bytes()
    if path.suffix == ".gz":
        raw = gzip.decompress(raw)
    try:
        return _build(orjson.loads(raw))
    except (KeyError, ValueError, TypeError) as error:
        raise ModelError(f"botocore's model of Rekognition is not understood: {error!r}") from error


def _build(document: Any) -> ServiceModel:  # noqa: ANN401
    metadata = document["metadata"]
    if (metadata["protocol"], metadata["jsonVersion"]) != ("json", "1.1"):
        raise ValueError("another protocol than JSON 1.1")
    shapes = {name: _shape(name, raw) for name, raw in document["shapes"].items()}
    errors = frozenset(name for name, raw in document["shapes"].items() if raw.get("exception"))
    operations = {}
    for name, raw in document["operations"].items():
        taken, given = shapes[raw["input"]["shape"]], shapes[raw["output"]["shape"]]
        blobs = _blobs(taken, shapes)
        limit = _BODY_ALLOWANCE + sum(4 * -(-int(blob.high or 0) // 3) for blob in blobs)
        images = sum(blob.name == IMAGE_SHAPE for blob in blobs)
        operations[name] = ModelledOperation(name, taken, given, images, limit)
    return ServiceModel(metadata["targetPrefix"], shapes, operations, errors)


def _shape(name: str, raw: Mapping[str, Any]) -> Shape:
    def reference(member: str) -> str:
        return str(raw.get(member, {}).get("shape", ""))

    return Shape(
        name=name,
        kind=raw["type"],
        members={member: to["shape"] for member, to in raw.get("members", {}).items()},
        required=tuple(raw.get("required", ())),
        member=reference("member"),
        key=reference("key"),
        value=reference("value"),
        low=raw.get("min"),
        high=raw.get("max"),
        pattern_text=raw.get("pattern"),
        enum=tuple(raw.get("enum", ())),
    )


def _blobs(shape: Shape, shapes: Mapping[str, Shape], above: tuple[str, ...] = ()) -> list[Shape]:
    """Every blob that a structure can hold, once for each way to it; the model holds none in lists."""
    if shape.kind == "blob":
        return [shape]
    if shape.kind != "structure" or shape.name in above:
        return []
    inner = (*above, shape.name)
    return [blob for name in shape.members.values() for blob in _blobs(shapes[name], shapes, inner)]
