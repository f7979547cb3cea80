"""What a model is built from: packages, files in them with digests, and what inputs and outputs mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from candid.vision.models.card import Input, Kind, Output


class Registry(StrEnum):
    """Where a package is published."""

    NPM = "npm"
    PYPI = "pypi"


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One version of a package.

    Attributes:
        registry: npm or PyPI.
        name: as the registry writes it.
        version: exactly this one.
        archive: file name of the published archive (.tgz, .whl).
        digest: SHA-256 of that archive, hex.
        licence: SPDX name that the package states.
    """

    registry: Registry
    name: str
    version: str
    archive: str
    digest: str
    licence: str


@dataclass(frozen=True, slots=True)
class Member:
    """A file in a package's archive, with its SHA-256 in hex."""

    path: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How one of Candid's models is made, and what is known about it.

    Attributes:
        name: the model's name in Candid.
        kind: what it is for.
        family: what code decodes it.
        version: Candid's own, dotted digits; a new one is not comparable with the old.
        package: where its files come from.
        members: one TensorFlow Lite file, or a TensorFlow.js topology and its weights.
        outputs: the file's output names to what they are in Candid.
        input: what to feed.
        licence: SPDX name of the weights' licence, as far as upstream states it.
        upstream: the project that trained it.
        training_data: what it was trained on, or "not stated".
        use: what Candid does with it.
        accuracy: what was measured, by name; empty where nothing was.
        preprocessing: version of detection, alignment and normalisation, for an embedder.
        swapped_sides: trained on transposed images.
    """

    name: str
    kind: Kind
    family: str
    version: str = "1.0"
    package: Package
    members: tuple[Member, ...]
    outputs: Mapping[str, Output]
    input: Input
    licence: str
    upstream: str
    training_data: str
    use: str
    accuracy: Mapping[str, str]
    preprocessing: str = ""
    swapped_sides: bool = False
