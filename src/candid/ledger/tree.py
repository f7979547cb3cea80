"""RFC 6962 hashing: leaves, nodes, and the right edge of a growing tree in tiles of 256.

Layout (RFC 6962, section 2.1): leaf hash = SHA-256(0x00 || entry), node hash = SHA-256(0x01 || left ||
right), and the root of the empty tree is SHA-256 of nothing. A tree of n leaves splits at the largest power
of two below n; hashing neighbours in pairs and carrying an odd last one up gives the same tree.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256

from candid.ledger.encoding import HASH_SIZE

EMPTY_ROOT = sha256(b"").digest()
TILE_WIDTH = 256
TILE_BYTES = TILE_WIDTH * HASH_SIZE


def hash_leaf(entry: bytes) -> bytes:
    """The leaf hash of an entry."""
    return sha256(b"\x00" + entry).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    """The hash of the node above two subtrees."""
    return sha256(b"\x01" + left + right).digest()


def fold(hashes: bytes) -> bytes:
    """The root over one or more hashes, written one after the other.

    All but the last must stand for subtrees of one size; the last may stand for a smaller one.
    """
    while len(hashes) > HASH_SIZE:
        odd = len(hashes) % (2 * HASH_SIZE)
        paired = len(hashes) - odd
        nodes = [sha256(b"\x01" + hashes[i : i + 64]).digest() for i in range(0, paired, 64)]
        hashes = b"".join(nodes) + hashes[paired:]
    return hashes


@dataclass(slots=True)
class Edge:
    """The rightmost tile of each level of a tree: all that is needed to go on appending.

    Attributes:
        size: leaves in the tree.
        levels: for each tile level from the leaves up, the hashes of its rightmost, partial tile
            (0 to 255 hashes of 32 bytes). A full tile leaves only its root, in the level above.
    """

    size: int = 0
    levels: list[bytes] = field(default_factory=list)

    def copy(self) -> Edge:
        """An independent copy."""
        return Edge(self.size, list(self.levels))

    def append(self, leaves: bytes) -> Iterator[tuple[int, int, bytes]]:
        """Add leaf hashes, written one after the other, and yield each tile that becomes full.

        Yields:
            (level, index, the 8,192 bytes of the tile). The iterator must be run to its end.
        """
        start = 0
        while start < len(leaves):
            held = self.levels[0] if self.levels else b""
            end = start + TILE_BYTES - len(held)
            part = leaves[start:end]
            self.size += len(part) // HASH_SIZE
            yield from self._grow(0, held + part)
            start = end

    def _grow(self, level: int, tile: bytes) -> Iterator[tuple[int, int, bytes]]:
        while len(self.levels) <= level:
            self.levels.append(b"")
        if len(tile) < TILE_BYTES:
            self.levels[level] = tile
            return
        self.levels[level] = b""
        yield level, (self.size >> (8 * (level + 1))) - 1, tile
        above = self.levels[level + 1] if len(self.levels) > level + 1 else b""
        yield from self._grow(level + 1, above + fold(tile))

    def partial_tiles(self) -> Iterator[tuple[int, int, bytes]]:
        """Each partial tile that a checkpoint of this size needs: (level, index, bytes)."""
        for level, tile in enumerate(self.levels):
            if tile:
                yield level, self.size >> (8 * (level + 1)), tile

    def root(self) -> bytes:
        """The root of the tree."""
        if not self.size:
            return EMPTY_ROOT
        below = b""
        for tile in self.levels:
            if tile or below:
                below = fold(tile + below)
        return below


def root_of(leaf_hashes: Iterable[bytes]) -> bytes:
    """The root over leaf hashes; for small trees and as the plain reference of `Edge`."""
    joined = b"".join(leaf_hashes)
    return fold(joined) if joined else EMPTY_ROOT
