"""Tiles that are proved before they are believed.

The tiles on the right edge of a tree together give its root, so they are checked against the checkpoint once.
Each full tile's root stands in the tile above it; so every other tile is checked against that, up to the
edge. Whoever reads through this class needs no further proof that a hash is of the checkpoint's tree.
"""

from __future__ import annotations

from collections import OrderedDict

from candid.ledger.checkpoint import Checkpoint
from candid.ledger.encoding import HASH_SIZE
from candid.ledger.errors import MissingError, ProofError
from candid.ledger.sources import Source
from candid.ledger.tiles import (
    ENTRIES,
    MAX_BUNDLE,
    Tile,
    bundle_hashes,
    check_tile,
    decode_bundle,
    edge_tiles,
    width_at,
)
from candid.ledger.tree import TILE_BYTES, Edge, fold

_KEPT = 1024  # tiles, 8 MiB


class AuthenticTiles:
    """The tiles of one checkpoint's tree. Not for several threads at once."""

    _kept: OrderedDict[Tile, bytes]  # the most recently used full tiles, all of them checked

    def __init__(self, source: Source, checkpoint: Checkpoint) -> None:
        """Read and check the right edge.

        Args:
            source: where the tiles are.
            checkpoint: of whose signature the caller is already sure.

        Raises:
            ProofError, TileError: the tiles are not those of the checkpoint.
            SourceError: they cannot be read.
        """
        self._source, self._size, self._kept = source, checkpoint.size, OrderedDict()
        self._edge = {tile: read_tile(source, tile) for tile in edge_tiles(self._size)}
        if self.edge().root() != checkpoint.root:
            raise ProofError(
                f"the tiles at the end of the log do not give the root of its checkpoint of size {self._size}"
            )

    def edge(self) -> Edge:
        """The right edge, to append to."""
        levels: list[bytes] = []
        for tile, data in self._edge.items():
            levels += [b""] * (tile.level - len(levels)) + [data]
        return Edge(self._size, levels)

    def tile(self, level: int, index: int) -> bytes:
        """The hashes of one tile, as wide as it is in this tree.

        Raises:
            ProofError, TileError, SourceError: it is not what it must be, or cannot be read.
        """
        tile = Tile(level, index, width_at(level, index, self._size))
        if tile.partial:
            return self._edge[tile]
        if tile in self._kept:
            self._kept.move_to_end(tile)
            return self._kept[tile]
        data = read_tile(self._source, tile)
        above = self.tile(level + 1, index // 256)
        place = index % 256 * HASH_SIZE
        if fold(data) != above[place : place + HASH_SIZE]:
            raise ProofError(f"{tile.path} does not lead to the root of the checkpoint: it was changed")
        self._kept[tile] = data
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return data

    def node(self, level: int, index: int) -> bytes:
        """The hash over leaves [index * 2^level, (index + 1) * 2^level), all of them in the tree."""
        tile_level, height = divmod(level, 8)
        first = index << height
        data = self.tile(tile_level, first // 256)
        start = first % 256 * HASH_SIZE
        return fold(data[start : start + (HASH_SIZE << height)])

    def bundle(self, index: int) -> list[bytes]:
        """The entries of one bundle, as many as it has in this tree.

        Raises:
            ProofError, TileError, SourceError: they are not what they must be, or cannot be read.
        """
        tile = Tile(ENTRIES, index, width_at(ENTRIES, index, self._size))
        data = read_bundle(self._source, tile)
        if bundle_hashes(tile, data) != self.tile(0, index):
            raise ProofError(f"{tile.path} holds an entry that is not the one in the tree: it was changed")
        return decode_bundle(tile, data)


def read_tile(source: Source, tile: Tile) -> bytes:
    """The hashes of a tile, unchecked but for their number.

    A partial tile may have been removed once the full one was there; then its beginning is taken.
    """
    try:
        return check_tile(tile, source.read(tile.path, TILE_BYTES))
    except MissingError:
        if not tile.partial:
            raise
        return check_tile(tile.full(), source.read(tile.full().path, TILE_BYTES))[: tile.width * HASH_SIZE]


def read_bundle(source: Source, tile: Tile) -> bytes:
    """The bytes of a bundle, unchecked; of a full one where the partial one was removed."""
    try:
        return source.read(tile.path, MAX_BUNDLE)
    except MissingError:
        if not tile.partial:
            raise
        data = source.read(tile.full().path, MAX_BUNDLE)
        entries = decode_bundle(tile.full(), data)[: tile.width]
        return data[: sum(2 + len(entry) for entry in entries)]
