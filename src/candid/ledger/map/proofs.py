"""Proofs of the verifiable map: a key is in it with this value, or is not in it at all.

Layout, integers big-endian: one byte for what stands where the key's path ends (0 nothing, 1 the key's own
leaf, 2 another leaf), u16 length of the path, a bit for each step from the root on (1: the sibling is not
EMPTY; the last byte filled with zeroes), those siblings from the root on, then for 1 the value, for 2 key
and value of the other leaf. With a million entries that is about 700 bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

from candid.ledger.errors import FormatError, ProofError
from candid.ledger.map.hashing import DEPTH, EMPTY, KEY_SIZE, VALUE_SIZE, bit, leaf_hash, node_hash

_NOTHING, _OWN, _OTHER = 0, 1, 2
_HEAD = 3
_HASH = 32


@dataclass(frozen=True, slots=True)
class MapProof:
    """A proof for one key.

    Attributes:
        siblings: the hashes beside the path, from the root on.
        value: the key's value; None where the key is not in the map.
        other: the leaf (key, value) that stands where the key's would; None where nothing does.
    """

    siblings: tuple[bytes, ...]
    value: bytes | None = None
    other: tuple[bytes, bytes] | None = None

    def verify(self, key: bytes, root: bytes) -> bytes | None:
        """Check the proof.

        Returns:
            The key's value, or None: it is proved that the key is not in the map.

        Raises:
            ProofError: neither is established.
        """
        # 1. A key has so many bits and no more.
        if len(key) != KEY_SIZE or len(self.siblings) > DEPTH:
            raise ProofError("this is no proof for a key of the map")
        # 2. Another leaf stands in the key's way, so it shares the way but is another.
        if self.other is not None and not _in_the_way(self.other[0], key, len(self.siblings)):
            raise ProofError("the leaf in this proof does not stand where the key's would")
        # 3. Hashing from there up meets the root.
        found = self._end(key)
        for depth in reversed(range(len(self.siblings))):
            sibling = self.siblings[depth]
            found = node_hash(sibling, found) if bit(key, depth) else node_hash(found, sibling)
        if found != root:
            raise ProofError("the proof leads to another root of the map than the one given")
        return self.value

    def _end(self, key: bytes) -> bytes:
        if self.value is not None:
            return leaf_hash(key, self.value)
        return EMPTY if self.other is None else leaf_hash(*self.other)

    def __bytes__(self) -> bytes:
        kind = _OWN if self.value is not None else _NOTHING if self.other is None else _OTHER
        present = [sibling != EMPTY for sibling in self.siblings]
        bits = sum(1 << i for i, there in enumerate(reversed(present)) if there)
        spare = -len(present) % 8
        flags = (bits << spare).to_bytes((len(present) + 7) // 8, "big")
        kept = [sibling for sibling in self.siblings if sibling != EMPTY]
        end = self.value if self.value is not None else b"".join(self.other or ())
        return bytes([kind]) + len(present).to_bytes(2, "big") + flags + b"".join(kept) + end

    @classmethod
    def decode(cls, data: bytes) -> MapProof:
        """Read a proof; each has one encoding.

        Raises:
            FormatError: these bytes are none.
        """
        length = int.from_bytes(data[1:_HEAD], "big")
        kind, flags_end = data[:1], _HEAD + (length + 7) // 8
        flags = int.from_bytes(data[_HEAD:flags_end], "big") >> (-length % 8)
        count = flags.bit_count()
        end = flags_end + count * _HASH
        sizes = {b"\x00": 0, b"\x01": VALUE_SIZE, b"\x02": KEY_SIZE + VALUE_SIZE}
        if length > DEPTH or kind not in sizes or len(data) != end + sizes[kind]:
            raise FormatError("these bytes are no proof of the map, or are cut off")
        hashes = iter([data[at : at + _HASH] for at in range(flags_end, end, _HASH)])
        siblings = tuple(next(hashes) if flags >> i & 1 else EMPTY for i in reversed(range(length)))
        rest = data[end:]
        proof = cls(
            siblings,
            rest if kind == b"\x01" else None,
            (rest[:KEY_SIZE], rest[KEY_SIZE:]) if kind == b"\x02" else None,
        )
        if bytes(proof) != data:
            raise FormatError("this proof of the map is not in its canonical encoding")
        return proof


def _in_the_way(other: bytes, key: bytes, depth: int) -> bool:
    if len(other) != KEY_SIZE or other == key:
        return False
    return all(bit(other, i) == bit(key, i) for i in range(depth))
