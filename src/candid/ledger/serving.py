"""Which public file of a log answers which path; for the web server that serves it.

Only names that tlog-tiles knows are answered, in their one spelling, so nothing else in the folder is
reachable.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from candid.ledger.errors import TileError
from candid.ledger.layout import CHECKPOINT, Layout
from candid.ledger.tiles import Tile


@dataclass(frozen=True, slots=True)
class PublicFile:
    """A file to serve, with its headers.

    Attributes:
        path: the file; it may be missing (404).
        content_type: for the header of that name.
        cache_control: likewise; checkpoints change, tiles never do.
    """

    path: Path
    content_type: str
    cache_control: str


def public_file(folder: Path, path: str) -> PublicFile | None:
    """The file for a path below the log's prefix, such as `tile/0/000.p/7`; None for any other path."""
    if path == CHECKPOINT:
        return PublicFile(Layout(folder).checkpoint, "text/plain; charset=utf-8", "no-cache")
    try:
        name = Tile.parse(path).path
    except TileError:
        return None
    return PublicFile(folder / name, "application/octet-stream", "public, max-age=31536000, immutable")
