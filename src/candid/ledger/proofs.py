"""Inclusion and consistency proofs of RFC 6962 (sections 2.1.1 and 2.1.2), made and verified.

A proof is named by the ranges of leaves whose subtree hashes it consists of; who reads them from tiles,
memory or a test's list is the caller's affair. Verification follows RFC 9162, sections 2.1.3.2 and 2.1.4.2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from candid.ledger.encoding import HASH_SIZE
from candid.ledger.errors import ProofError
from candid.ledger.tree import EMPTY_ROOT, hash_node

# (level, index) → hash of the perfect subtree over leaves [index * 2^level, (index + 1) * 2^level).
NodeReader: TypeAlias = Callable[[int, int], bytes]
Range: TypeAlias = tuple[int, int]


def _split(width: int) -> int:
    """The largest power of two below `width` (which is at least 2)."""
    return 1 << ((width - 1).bit_length() - 1)


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """The half-open ranges of leaves whose hashes prove leaf `index` in a tree of `size`, from the leaf up.

    Raises:
        ProofError: there is no such leaf.
    """
    if not 0 <= index < size:
        raise ProofError(f"there is no entry {index} in a log of {size} entries")
    low, high, ranges = 0, size, []
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            ranges.append((middle, high))
            high = middle
        else:
            ranges.append((low, middle))
            low = middle
    return ranges[::-1]


def consistency_ranges(old: int, new: int) -> list[Range]:
    """The ranges of leaves whose hashes prove that a tree of `new` leaves extends one of `old`.

    Raises:
        ProofError: `new` is smaller than `old`.
    """
    if not 0 <= old <= new:
        raise ProofError(f"a log of {new} entries cannot extend one of {old}")
    if old in (0, new):
        return []
    low, high, ranges = 0, new, []
    while high != old:
        middle = low + _split(high - low)
        if old <= middle:
            ranges.append((middle, high))
            high = middle
        else:
            ranges.append((low, middle))
            low = middle
    if low:
        ranges.append((low, high))
    return ranges[::-1]


def range_hash(low: int, high: int, read: NodeReader) -> bytes:
    """The hash of the subtree over leaves [low, high), where `low` is where such a subtree can begin."""
    nodes = []
    while low < high:
        level = (high - low).bit_length() - 1
        nodes.append(read(level, low >> level))
        low += 1 << level
    result = nodes.pop()
    while nodes:
        result = hash_node(nodes.pop(), result)
    return result


def prove_inclusion(index: int, size: int, read: NodeReader) -> list[bytes]:
    """The inclusion proof of leaf `index` in the tree of `size` leaves."""
    return [range_hash(low, high, read) for low, high in inclusion_ranges(index, size)]


def prove_consistency(old: int, new: int, read: NodeReader) -> list[bytes]:
    """The proof that the tree of `new` leaves extends the tree of `old`."""
    return [range_hash(low, high, read) for low, high in consistency_ranges(old, new)]


def tree_root(size: int, read: NodeReader) -> bytes:
    """The root of the tree of the first `size` leaves."""
    return range_hash(0, size, read) if size else EMPTY_ROOT


def verify_inclusion(*, leaf_hash: bytes, index: int, size: int, root: bytes, proof: Sequence[bytes]) -> None:
    """Check that the entry with `leaf_hash` stands at `index` in the tree with this size and root.

    Raises:
        ProofError: it is not established.
    """
    # 1. The proof has exactly the length that the index and the size ask for.
    expected = len(inclusion_ranges(index, size))
    _check_hashes(proof, expected, f"entry {index} of {size}")
    # 2. Hashing from the leaf up meets the root.
    found, position, last = leaf_hash, index, size - 1
    for sibling in proof:
        if position & 1 or position == last:
            found = hash_node(sibling, found)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            found = hash_node(found, sibling)
        position, last = position >> 1, last >> 1
    if found != root:
        raise ProofError(
            f"the entry is not at index {index} of the log of {size} entries: its proof leads to another root"
        )


def verify_consistency(
    *, old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the tree (new_size, new_root) begins with the tree (old_size, old_root), unchanged.

    Raises:
        ProofError: it is not established.
    """
    # 1. The proof has exactly the length that the sizes ask for.
    expected = len(consistency_ranges(old_size, new_size))
    _check_hashes(proof, expected, f"sizes {old_size} and {new_size}")
    # 2. The trivial cases: the empty tree, which anything extends, and the same tree.
    if old_size == 0 and old_root != EMPTY_ROOT:
        raise ProofError("the root of an empty log is the hash of nothing, and this one is not")
    if old_size == new_size and old_root != new_root:
        raise ProofError(f"two different roots for one size {old_size}: the log shows two histories")
    if old_size in (0, new_size):
        return
    # 3. Hashing upwards meets both roots.
    old, new = _consistency_roots(old_size, new_size, old_root, proof)
    if old != old_root or new != new_root:
        raise ProofError(
            f"the log of {new_size} entries does not extend the log of {old_size} entries: "
            "history was rewritten"
        )


def _consistency_roots(
    old_size: int, new_size: int, old_root: bytes, proof: Sequence[bytes]
) -> tuple[bytes, bytes]:
    hashes = list(proof)
    if old_size & (old_size - 1) == 0:  # a power of two: the old root is itself a node of the new tree
        hashes.insert(0, old_root)
    position, last = old_size - 1, new_size - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old = new = hashes[0]
    for sibling in hashes[1:]:
        if position & 1 or position == last:
            old, new = hash_node(sibling, old), hash_node(sibling, new)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            new = hash_node(new, sibling)
        position, last = position >> 1, last >> 1
    return old, new


def _check_hashes(proof: Sequence[bytes], expected: int, what: str) -> None:
    if len(proof) != expected:
        raise ProofError(f"a proof for {what} has {expected} hashes, not {len(proof)}")
    if any(len(item) != HASH_SIZE for item in proof):
        raise ProofError(f"a proof consists of hashes of {HASH_SIZE} bytes")
