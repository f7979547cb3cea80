"""Takes the package from Candid's sources, or from beside this file where a source distribution has it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class SourcesBesideCandid(BuildHookInterface):  # type: ignore[type-arg]
    """Adds the package to whatever is built."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatch's signature
        """Called by hatch before it builds."""
        here = Path(self.root)
        if not (here / "candid_verify").is_dir():
            build_data["force_include"][str(here.parents[1] / "src" / "candid_verify")] = "candid_verify"
