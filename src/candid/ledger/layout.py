"""Where the files of a log lie in its folder.

Public, and served as they are (C2SP tlog-tiles): `checkpoint` and `tile/`. Private to the writer: `.state/`,
with the journal of entries not yet in tiles, the newest checkpoint that was signed (published or not), the
lock, and the log's public key for people's convenience. No secret key lies here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

CHECKPOINT = "checkpoint"


@dataclass(frozen=True, slots=True)
class Layout:
    """The files of the log in `folder`."""

    folder: Path

    @property
    def checkpoint(self) -> Path:
        """The newest checkpoint that everyone may see."""
        return self.folder / CHECKPOINT

    @property
    def tiles(self) -> Path:
        """The folder of tiles and bundles."""
        return self.folder / "tile"

    @property
    def state(self) -> Path:
        """The folder of what only the writer needs."""
        return self.folder / ".state"

    @property
    def journal(self) -> Path:
        """Entries that are durable but not yet in tiles."""
        return self.state / "journal"

    @property
    def signed(self) -> Path:
        """The newest checkpoint that was ever signed; the tiles hold at least its entries."""
        return self.state / "signed"

    @property
    def lock(self) -> Path:
        """Held by the one writer."""
        return self.state / "lock"

    @property
    def key(self) -> Path:
        """The log's public key."""
        return self.state / "key"
