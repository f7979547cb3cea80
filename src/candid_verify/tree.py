"""The log's tree (RFC 6962, section 2.1), and the proof that several entries are in it at once.

The proof is the list of the hashes of all largest subtrees without any of the entries, from left to right.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256

from candid_verify.errors import ProofError


def leaf_hash(entry: bytes) -> bytes:
    """The hash of an entry."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash above two subtrees."""
    return sha256(b"\x01" + left + right).digest()


def check_inclusion(leaves: Mapping[int, bytes], proof: Sequence[bytes], *, size: int, root: bytes) -> None:
    """Check that these leaves stand at these indexes in a tree.

    Args:
        leaves: leaf hashes by index; at least one.
        proof: hashes of 32 bytes.
        size: of the tree.
        root: of the tree.

    Raises:
        ProofError: they do not, or the proof is of another tree.
    """
    # 1. There are such entries at all.
    indexes = sorted(leaves)
    if indexes[-1] >= size:
        raise ProofError(f"entry {indexes[-1]} is not in a log of {size} entries")
    # 2. Hashing them together with the proof gives the root.
    hashes = iter(proof)
    found = _hash(leaves, indexes, hashes, 0, size)
    # 3. All of the proof was needed.
    if found != root or next(hashes, None) is not None:
        raise ProofError(
            "the entries and the hashes beside them do not give the root of the checkpoint: an entry was changed, or "
            "the proof is of a tree of another size"
        )


def _hash(
    leaves: Mapping[int, bytes], indexes: Sequence[int], hashes: Iterator[bytes], low: int, high: int
) -> bytes:
    """The hash of the subtree over leaves [low, high), of which `indexes` are known."""
    if not indexes:
        found = next(hashes, None)
        if found is None:
            raise ProofError("hashes are missing in the proof that the entries are in the log")
        return found
    if high - low == 1:
        return leaves[low]
    middle = low + (1 << ((high - low - 1).bit_length() - 1))
    cut = bisect_left(indexes, middle)
    left = _hash(leaves, indexes[:cut], hashes, low, middle)
    return node_hash(left, _hash(leaves, indexes[cut:], hashes, middle, high))
