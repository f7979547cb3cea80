"""Checks proofs of the verifiable random function ECVRF-EDWARDS25519-SHA512-TAI (RFC 9381, section 5.3, suite 0x03).

Layout of a proof: gamma (a point, 32 bytes), c (16 bytes), s (32 bytes, below the group's order), little-endian.
"""

from __future__ import annotations

from functools import cache
from hashlib import sha512

from candid_verify import curve
from candid_verify.errors import ProofError

PROOF_SIZE = 80
KEY_SIZE = 32
_SUITE = b"\x03"
_HALF = 128  # s is cut there, so that the sum with the base point takes half the doublings


class VrfKey:
    """A VRF's public key, with what every check with it needs."""

    def __init__(self, encoded: bytes) -> None:
        """Read and fully validate a key (section 5.4.5).

        Raises:
            ProofError: these bytes are no point, or one of low order.
        """
        point = curve.decode(encoded)
        if point is None or curve.is_identity(curve.times_cofactor(point)):
            raise ProofError("the log states a VRF key that is none")
        x, y, z, t = point
        self._encoded = encoded
        self._opposite = curve.odd_multiples((curve.P - x, y, z, curve.P - t))

    def output(self, label: bytes, proof: bytes) -> bytes:
        """Check a proof.

        Args:
            label: the VRF's input.
            proof: 80 bytes.

        Returns:
            The VRF's output, 64 bytes.

        Raises:
            ProofError: the proof is not of this key and this input.
        """
        # 1. The proof can be read.
        gamma = curve.decode(proof[:32])
        c, s = int.from_bytes(proof[32:48], "little"), int.from_bytes(proof[48:], "little")
        if len(proof) != PROOF_SIZE or gamma is None or s >= curve.L:
            raise ProofError("a VRF proof has not the form of one")
        # 2. Its challenge is the one that its own points give: U = sB - cY, V = sH - c gamma.
        hashed = _to_curve(self._encoded, label)
        base, base_above = _base()
        u = curve.sum_of([(s & ((1 << _HALF) - 1), base), (s >> _HALF, base_above), (c, self._opposite)])
        x, y, z, t = gamma
        minus_gamma = curve.odd_multiples((curve.P - x, y, z, curve.P - t))
        v = curve.sum_of([(s, curve.odd_multiples(hashed)), (c, minus_gamma)])
        points = self._encoded + curve.encode(hashed) + proof[:32] + curve.encode(u) + curve.encode(v)
        if sha512(_SUITE + b"\x02" + points + b"\x00").digest()[:16] != proof[32:48]:
            raise ProofError("a VRF proof is false: it is of another key or another label, or was changed")
        # 3. The output is gamma's (section 5.2).
        return sha512(_SUITE + b"\x03" + curve.encode(curve.times_cofactor(gamma)) + b"\x00").digest()


@cache
def _base() -> tuple[dict[int, curve.Addend], dict[int, curve.Addend]]:
    """The base point's multiples, and those of 2^128 times it."""
    above = curve.BASE
    for _ in range(_HALF):
        above = curve.double(above)
    return curve.odd_multiples(curve.BASE), curve.odd_multiples(above)


def _to_curve(salt: bytes, label: bytes) -> curve.Point:
    """Try and increment (section 5.4.1.1): two tries on average."""
    for counter in range(256):
        data = sha512(_SUITE + b"\x01" + salt + label + bytes([counter]) + b"\x00").digest()
        point = curve.decode(data[:32])
        if point is not None and not curve.is_identity(point := curve.times_cofactor(point)):
            return point
    raise ProofError("this label has no place on the curve")  # pragma: no cover - one in 2^256
