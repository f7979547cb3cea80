"""Tiles and entry bundles of C2SP tlog-tiles: their names, their widths and their bytes.

A tile is up to 256 hashes of 32 bytes, one after the other. A bundle is up to 256 entries, each behind its
length as a big-endian uint16, so that an entry has at most 65,535 bytes. Names ("Merkle Tree", "Partial
Tiles", "Log entries" of the specification): `tile/<L>/<N>[.p/<W>]` and `tile/entries/<N>[.p/<W>]`, N in
groups of three digits, all but the last behind an `x`; W from 1 to 255 only for partial ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from candid.ledger.encoding import HASH_SIZE, MAX_NUMBER
from candid.ledger.errors import EntryError, TileError
from candid.ledger.tree import TILE_WIDTH

ENTRIES = -1
MAX_LEVEL = 63
MAX_ENTRY = 0xFFFF
MAX_BUNDLE = TILE_WIDTH * (2 + MAX_ENTRY)

_PATH = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)/(?P<index>(?:x[0-9]{3}/)*[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """The name of one tile, or of one bundle where `level` is ENTRIES.

    Attributes:
        level: 0 for leaf hashes, up to 63; ENTRIES for a bundle.
        index: which tile of the level, from 0.
        width: hashes or entries in it, 1 to 256.
    """

    level: int
    index: int
    width: int = TILE_WIDTH

    @property
    def partial(self) -> bool:
        """Whether the tile has room left."""
        return self.width < TILE_WIDTH

    def full(self) -> Tile:
        """The same tile once it is full."""
        return Tile(self.level, self.index)

    @property
    def path(self) -> str:
        """The name under the log's prefix."""
        groups = f"{self.index % 1000:03}"
        rest = self.index // 1000
        while rest:
            groups = f"x{rest % 1000:03}/{groups}"
            rest //= 1000
        level = "entries" if self.level == ENTRIES else str(self.level)
        return f"tile/{level}/{groups}" + (f".p/{self.width}" if self.partial else "")

    @classmethod
    def parse(cls, path: str) -> Tile:
        """Read a name; the one spelling of each tile is accepted.

        Raises:
            TileError: the path names no tile.
        """
        found = _PATH.fullmatch(path)
        if found is None:
            raise TileError(f"no tile has the path {path[:80]!r}")
        level = ENTRIES if found["level"] == "entries" else int(found["level"])
        index = int(found["index"].replace("/", "").replace("x", ""))
        tile = cls(level, index, int(found["width"] or TILE_WIDTH))
        if level > MAX_LEVEL or index > MAX_NUMBER or tile.path != path:
            raise TileError(f"no tile has the path {path[:80]!r}")
        return tile


def width_at(level: int, index: int, size: int) -> int:
    """How wide a tile is in a tree of `size` leaves: 0 where it does not exist, 256 where it is full."""
    above_leaves = max(level, 0)
    return max(0, min(TILE_WIDTH, (size >> (8 * above_leaves)) - index * TILE_WIDTH))


def edge_tiles(size: int) -> Iterator[Tile]:
    """The partial tiles of hashes that a tree of `size` leaves ends with, from the leaves up."""
    level = 0
    while size >> (8 * level):
        index, width = divmod(size >> (8 * level), TILE_WIDTH)
        if width:
            yield Tile(level, index, width)
        level += 1


def check_tile(tile: Tile, data: bytes) -> bytes:
    """Return the data if it has the length of the tile.

    Raises:
        TileError: another length.
    """
    if len(data) != tile.width * HASH_SIZE:
        raise TileError(f"{tile.path} has {len(data)} bytes, expected {tile.width * HASH_SIZE}")
    return data


def encode_bundle(entries: Iterable[bytes]) -> bytes:
    """Entries behind their lengths.

    Raises:
        EntryError: an entry has more than 65,535 bytes.
    """
    parts = []
    for entry in entries:
        if len(entry) > MAX_ENTRY:
            raise EntryError(
                f"an entry has at most {MAX_ENTRY} bytes, not {len(entry)}: log its hash instead"
            )
        parts.append(len(entry).to_bytes(2, "big"))
        parts.append(entry)
    return b"".join(parts)


def decode_bundle(tile: Tile, data: bytes) -> list[bytes]:
    """The entries of a bundle, exactly as many as its name says and nothing behind them.

    Raises:
        TileError: too few, too many, or cut off.
    """
    entries: list[bytes] = []
    at, end = 0, len(data)
    while at < end and len(entries) < tile.width:
        start = at + 2
        at = start + int.from_bytes(data[at:start], "big")
        entries.append(data[start:at])
    if at != end or len(entries) != tile.width:
        raise TileError(f"{tile.path} is cut off or does not hold exactly {tile.width} entries")
    return entries


def bundle_hashes(tile: Tile, data: bytes) -> bytes:
    """The leaf hashes of a bundle, one after the other; what `decode_bundle` reads, hashed.

    Raises:
        TileError: as `decode_bundle`.
    """
    return b"".join([sha256(b"\x00" + entry).digest() for entry in decode_bundle(tile, data)])
