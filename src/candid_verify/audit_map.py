"""The verifiable map once more, replayed in memory by whoever audits the log: its root from its labels alone.

The map is a binary tree over 256-bit keys, walked from the first bit of the key. A part of it without entries is
EMPTY; with exactly one entry it is that entry's leaf, at whatever depth; else a node over its two halves.

    leaf = SHA-256(0x02 key value), node = SHA-256(0x03 left right), EMPTY = 32 zero bytes

Memory: about 400 bytes for each label. A root is computed from what changed since the last one.
"""

from __future__ import annotations

from hashlib import sha256

EMPTY = bytes(32)
_KEY = 32


class _Node:
    """A part with two entries or more."""

    __slots__ = ("hash", "left", "right")

    def __init__(self, left: _Part, right: _Part) -> None:
        self.left, self.right = left, right
        self.hash: bytes | None = None  # None: something below it has changed


_Part = _Node | bytes | None
"""A node; or a leaf, which is its key and value; or nothing."""


class ReplayedMap:
    """A map that labels are put into, and whose root can be asked for after each batch."""

    def __init__(self) -> None:
        """An empty one."""
        self._root: _Part = None
        self.count = 0

    def get(self, key: bytes) -> bytes | None:
        """The value of a key of 32 bytes; None where the map has none."""
        part, depth = self._root, 0
        while isinstance(part, _Node):
            part = part.right if _bit(key, depth) else part.left
            depth += 1
        return part[_KEY:] if part is not None and part[:_KEY] == key else None

    def put(self, key: bytes, value: bytes) -> None:
        """Add a key, or give it another value; both of 32 bytes."""
        leaf, path, part = key + value, list[_Node](), self._root
        while isinstance(part, _Node):
            part.hash = None
            path.append(part)
            part = part.right if _bit(key, len(path) - 1) else part.left
        fresh: _Part = leaf
        if part is None:
            self.count += 1
        elif part[:_KEY] != key:
            self.count += 1
            fresh = _both(part, leaf, len(path))
        if not path:
            self._root = fresh
        elif _bit(key, len(path) - 1):
            path[-1].right = fresh
        else:
            path[-1].left = fresh

    def root(self) -> bytes:
        """The root hash."""
        return _hash(self._root)


def _bit(key: bytes, depth: int) -> int:
    return key[depth >> 3] >> (7 - (depth & 7)) & 1


def _both(one: bytes, other: bytes, depth: int) -> _Node:
    """The part that holds two leaves of different keys, which share the first `depth` bits."""
    split = depth
    while _bit(one, split) == _bit(other, split):
        split += 1
    left, right = (other, one) if _bit(one, split) else (one, other)
    node = _Node(left, right)
    for above in range(split - 1, depth - 1, -1):
        node = _Node(None, node) if _bit(one, above) else _Node(node, None)
    return node


def _hash(part: _Part) -> bytes:
    if part is None:
        return EMPTY
    if isinstance(part, bytes):
        return sha256(b"\x02" + part).digest()
    if part.hash is None:
        part.hash = sha256(b"\x03" + _hash(part.left) + _hash(part.right)).digest()
    return part.hash
