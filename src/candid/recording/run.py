"""What a server says of itself when it starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from candid_verify.canonical import encode_bytes


@dataclass(frozen=True, slots=True)
class Software:
    """The program that writes the entries."""

    name: str
    version: str

    def as_json(self) -> dict[str, str]:
        """For an entry."""
        return {"name": self.name, "version": self.version}


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """One model that the server may run.

    Attributes:
        name: its name.
        version: dotted digits.
        sha256: of its file, 32 bytes.
        contract: id of the contract of its embeddings; None for other models.
    """

    name: str
    version: str
    sha256: bytes
    contract: str | None = None

    def as_json(self) -> dict[str, str]:
        """For an entry."""
        found = {"name": self.name, "version": self.version, "sha256": encode_bytes(self.sha256)}
        return found if self.contract is None else found | {"contract": self.contract}


def start_entry(
    *, software: Software, models: Sequence[LoadedModel], policy: str, rules: Sequence[str], previous: str
) -> dict[str, Any]:
    """The `start/1` entry, without its time."""
    return {
        "kind": "start/1",
        "software": software.as_json(),
        "models": [model.as_json() for model in models],
        "policy": {"version": policy, "rules": list(rules)},
        "previous": previous,
    }
