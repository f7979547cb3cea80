"""Hashing of the verifiable map, and its root computed the plain way.

The map is a binary tree over 256-bit keys, walked from the first bit of the key. A part of it without
entries is EMPTY (32 zero bytes); with exactly one entry it is that entry's leaf, at whatever depth; else a
node over its two halves. So the tree, and its root, depend on the entries alone and not on the order in
which they came.

leaf = SHA-256(0x02 || key || value), node = SHA-256(0x03 || left || right): other first bytes than RFC
6962's, so that nothing of the map can be passed off as part of the log, or a leaf as a node.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256

KEY_SIZE = 32
VALUE_SIZE = 32
DEPTH = 8 * KEY_SIZE
EMPTY = bytes(32)


def leaf_hash(key: bytes, value: bytes) -> bytes:
    """The hash of an entry."""
    return sha256(b"\x02" + key + value).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a part with two or more entries."""
    return sha256(b"\x03" + left + right).digest()


def bit(key: bytes, depth: int) -> int:
    """The bit of a key that decides at a depth: 0 goes left."""
    return key[depth >> 3] >> (7 - (depth & 7)) & 1


def map_root(entries: Mapping[bytes, bytes]) -> bytes:
    """The root of a map with these entries, computed from them alone, as an auditor does after a replay."""
    return _root(sorted(entries.items()), 0)


def _root(items: Sequence[tuple[bytes, bytes]], depth: int) -> bytes:
    if not items:
        return EMPTY
    if len(items) == 1:
        return leaf_hash(*items[0])
    middle = split(items, depth)
    return node_hash(_root(items[:middle], depth + 1), _root(items[middle:], depth + 1))


def split(items: Sequence[tuple[bytes, bytes]], depth: int) -> int:
    """Where the sorted items that share their first `depth` bits pass from bit 0 to bit 1."""
    byte, mask = depth >> 3, 0x80 >> (depth & 7)
    low, high = 0, len(items)
    while low < high:
        middle = (low + high) >> 1
        if items[middle][0][byte] & mask:
            high = middle
        else:
            low = middle + 1
    return low
