"""A model's card: the JSON file beside it that says what it is, where it comes from and how to feed it."""

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any, get_args, get_type_hints

from candid.vision.errors import ModelError
from candid.vision.facts import EmbeddingContract

# Version of the JSON form.
FORMAT = 2


class Kind(StrEnum):
    """What a model is for; `stage` is one network of a detector that has several."""

    DETECTOR = "detector"
    STAGE = "stage"
    MESH = "mesh"
    IRIS = "iris"
    EMBEDDER = "embedder"
    ATTRIBUTES = "attributes"
    LIVENESS = "liveness"


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """What to feed: float32 (n, channels, height, width).

    Attributes:
        name: of the graph's input.
        layout: always NCHW for Candid's own models; NHWC is possible for a user's.
        colour: RGB, BGR or GREY.
        height: pixels; 0: free.
        width: pixels; 0: free.
        low: what a channel value of 0 becomes.
        high: what 255 becomes; values between are linear.
        batch: images a run; 0: free.
    """

    name: str = "image"
    layout: str = "NCHW"
    colour: str = "RGB"
    height: int
    width: int
    low: float
    high: float
    batch: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One output: its name, its shape in words such as (n, 896, 16), and what it means."""

    name: str
    shape: str
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a model was built from: package, version, and path and SHA-256 of the archive and each file."""

    registry: str
    package: str
    version: str
    archive_digest: str
    members: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """Everything that is known about one model.

    Attributes:
        name: its name in Candid; the files are `name.onnx` and `name.json`.
        kind: what it is for.
        family: what code decodes it.
        version: dotted digits.
        digest: SHA-256 of the ONNX file, hex.
        identity: SHA-256, hex, of what was trained: the file in the package, or the user's own file. It
            stays the same when the conversion changes, so templates stay comparable.
        source: the package, or None for a user's own file.
        licence: SPDX name or a phrase; "not stated".
        upstream: the project that trained it.
        training_data: what it was trained on; "not stated".
        use: what Candid does with it.
        input: what to feed.
        outputs: in the graph's order.
        accuracy: figures that were measured, by name.
        dim: length of the embedding; 0 for other kinds.
        preprocessing: version of detection, alignment and normalisation; empty for other kinds.
        created_by: the version of Candid that wrote the file.
        converter: version of the conversion; 0 for a user's own file.
    """

    name: str
    kind: Kind
    family: str
    version: str
    digest: str
    identity: str
    source: Source | None
    licence: str
    upstream: str
    training_data: str
    use: str
    input: Input
    outputs: tuple[Output, ...]
    accuracy: Mapping[str, str]
    dim: int = 0
    preprocessing: str = ""
    created_by: str
    converter: int = 0

    @property
    def contract(self) -> EmbeddingContract:
        """What this embedder's templates can be compared under.

        Raises:
            ModelError: this is no embedder.
        """
        if self.kind is not Kind.EMBEDDER:
            raise ModelError(f"model {self.name!r} is a {self.kind}, not an embedder")
        return EmbeddingContract(
            model=self.name,
            version=self.version,
            digest=self.identity,
            preprocessing=self.preprocessing,
            dim=self.dim,
        )

    def to_json(self) -> bytes:
        """The card's file."""
        return (json.dumps({"format": FORMAT, **asdict(self)}, indent=2, ensure_ascii=False) + "\n").encode()

    @classmethod
    def from_json(cls, content: bytes) -> Card:
        """Read a card strictly: every field, each of its type, no other.

        Raises:
            ModelError: the card is damaged or of another form.
        """
        try:
            document = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise ModelError("the card is no JSON; run `candid models pull` again") from error
        if not isinstance(document, dict) or document.pop("format", None) != FORMAT:
            raise ModelError("the card is of another form; run `candid models pull` again")
        card: Card = _read(cls, document, "card")
        return card


def _read(kind: Any, value: object, where: str) -> Any:  # noqa: ANN401
    """A value as the annotated type `kind`: dataclass, tuple, mapping of strings, enum, number or string."""
    if isinstance(kind, types.UnionType):
        return None if value is None else _read(get_args(kind)[0], value, where)
    if isinstance(kind, type) and hasattr(kind, "__dataclass_fields__"):
        names = {field.name for field in fields(kind)}
        if not isinstance(value, dict) or set(value) != names:
            raise ModelError(f"the card is damaged at {where}; run `candid models pull` again")
        hints = get_type_hints(kind)
        return kind(**{name: _read(hints[name], value[name], f"{where}.{name}") for name in names})
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        if value not in [str(member) for member in kind]:
            raise ModelError(f"the card is damaged at {where}: {value!r} is not known")
        return kind(value)
    if getattr(kind, "__origin__", None) is tuple and isinstance(value, list):
        return tuple(_read(get_args(kind)[0], item, where) for item in value)
    if getattr(kind, "__origin__", None) is Mapping and isinstance(value, dict):
        return {key: _read(str, item, f"{where}.{key}") for key, item in value.items()}
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if kind in (int, str) and type(value) is kind:
        return value
    raise ModelError(f"the card is damaged at {where}; run `candid models pull` again")
