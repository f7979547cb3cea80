"""Proofs that a key is in the verifiable map, or is not; `docs/evidence-format.md` has the layout."""

from __future__ import annotations

from hashlib import sha256

from candid_verify.errors import FormatError, ProofError

EMPTY = bytes(32)
"""The root of a map without entries."""
_DEPTH = 256
_END_SIZES = {0: 0, 1: 32, 2: 64}  # nothing, the key's own leaf, another leaf


def check_map_proof(key: bytes, proof: bytes, root: bytes) -> bytes | None:
    """Check a proof of the map.

    Args:
        key: 32 bytes.
        proof: what follows the VRF's proof.
        root: the map's.

    Returns:
        The key's value, 32 bytes; None: it is proved that the key is not in the map.

    Raises:
        FormatError: the proof is not in its one spelling.
        ProofError: it proves neither.
    """
    # 1. The proof has the documented layout.
    kind, siblings, end = _read(proof)
    # 2. Another leaf stands in the key's way, so it shares the way but is another.
    path = int.from_bytes(key, "big")
    if kind == 2:
        shared = _DEPTH - (int.from_bytes(end[:32], "big") ^ path).bit_length()
        if shared == _DEPTH or shared < len(siblings):
            raise ProofError("a leaf in a proof of the map does not stand where the label's would")
    # 3. Hashing upwards from there gives the root.
    found = EMPTY if kind == 0 else _leaf(key, end) if kind == 1 else _leaf(end[:32], end[32:])
    for depth in reversed(range(len(siblings))):
        beside = siblings[depth]
        right = path >> (_DEPTH - 1 - depth) & 1
        found = sha256(b"\x03" + (beside + found if right else found + beside)).digest()
    if found != root:
        raise ProofError("a proof of the map leads to another root than the one in the log")
    return end if kind == 1 else None


def _leaf(key: bytes, value: bytes) -> bytes:
    return sha256(b"\x02" + key + value).digest()


def _read(proof: bytes) -> tuple[int, list[bytes], bytes]:
    """The kind, the siblings from the root on, and what stands at the end."""
    length = int.from_bytes(proof[1:3], "big")
    spare = -length % 8
    flags_end = 3 + (length + spare) // 8
    flags = int.from_bytes(proof[3:flags_end], "big")
    start = flags_end + 32 * flags.bit_count()
    kind = proof[0] if proof else -1
    if length > _DEPTH or kind not in _END_SIZES or len(proof) != start + _END_SIZES[kind]:
        raise FormatError("a proof of the map has not the form of one, or is cut off")
    kept = [proof[at : at + 32] for at in range(flags_end, start, 32)]
    if flags & ((1 << spare) - 1) or EMPTY in kept:
        raise FormatError("a proof of the map is not in its one spelling")
    hashes = iter(kept)
    there = [flags >> (spare + length - 1 - depth) & 1 for depth in range(length)]
    return kind, [next(hashes) if each else EMPTY for each in there], proof[start:]
