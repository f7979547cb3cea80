"""The verifiable random function ECVRF-EDWARDS25519-SHA512-TAI of RFC 9381 (section 5, suite 0x03).

The holder of the secret key turns an input into 64 bytes that nobody else can compute or guess, and can prove
for each input that these are the ones. So the labels in the verifiable map can be looked up with the log's
help, and not by trying names.

Layout of a proof (section 5.1): gamma (32 bytes, a point), c (16 bytes), s (32 bytes), little-endian.
Secret scalars are `edwards.SecretScalar`s; verifying uses the plain, variable-time multiplication.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha512

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from candid.ledger.edwards import BASE, L, Point, SecretScalar, multiply
from candid.ledger.errors import VrfError

PROOF_SIZE = 80
OUTPUT_SIZE = 64
KEY_SIZE = 32
_SUITE = b"\x03"
_CHALLENGE = 16


@dataclass(frozen=True)
class VrfPublicKey:
    """The key with which anyone verifies."""

    encoded: bytes

    @cached_property
    def point(self) -> Point:
        """The key as a point, fully validated (section 5.4.5).

        Raises:
            VrfError: it is no point, or of low order.
        """
        point = Point.decode(self.encoded)
        if point is None or point.times_cofactor().is_identity:
            raise VrfError("these 32 bytes are no VRF key")
        return point

    def verify(self, alpha: bytes, proof: bytes) -> bytes:
        """Check a proof (section 5.3).

        Args:
            alpha: the input.
            proof: 80 bytes.

        Returns:
            The output, 64 bytes.

        Raises:
            VrfError: the proof is not of this key and this input.
        """
        # 1. The key and the proof can be read.
        key = self.point
        gamma, challenge, s = _read_proof(proof)
        # 2. The challenge is the one that the proof's own points give.
        hashed = _encode_to_curve(self.encoded, alpha)
        u = multiply(s, BASE).add(multiply(challenge, key).negate())
        v = multiply(s, hashed).add(multiply(challenge, gamma).negate())
        if _challenge(self.encoded, hashed.encode(), gamma.encode(), u, v) != challenge:
            raise VrfError("the VRF proof is false: it is of another key or another input, or was changed")
        return _output(gamma)


class VrfSecretKey:
    """The key that computes and proves. It never shows itself."""

    def __init__(self, seed: bytes) -> None:
        """Take a key as 32 random bytes, the same as an Ed25519 seed.

        Raises:
            VrfError: not 32 bytes.
        """
        if len(seed) != KEY_SIZE:
            raise VrfError(f"a VRF key has {KEY_SIZE} bytes, not {len(seed)}")
        digest = bytearray(sha512(seed).digest())
        digest[0] &= 0xF8
        digest[31] = (digest[31] & 0x7F) | 0x40
        self._scalar = int.from_bytes(digest[:32], "little")
        self._secret = SecretScalar(self._scalar)
        self._prefix = bytes(digest[32:])
        self.seed = seed
        self.public = VrfPublicKey(Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw())

    @classmethod
    def generate(cls, *, randomness: Callable[[int], bytes] = os.urandom) -> VrfSecretKey:
        """A new key."""
        return cls(randomness(KEY_SIZE))

    def output(self, alpha: bytes) -> bytes:
        """The output for an input, 64 bytes, without the proof: a third of its work."""
        return _output(self._secret.multiply(_encode_to_curve(self.public.encoded, alpha)))

    def prove(self, alpha: bytes) -> bytes:
        """The proof for an input, 80 bytes (section 5.1; the nonce is that of section 5.4.2.2)."""
        hashed = _encode_to_curve(self.public.encoded, alpha)
        encoded = hashed.encode()
        gamma = self._secret.multiply(hashed)
        nonce = int.from_bytes(sha512(self._prefix + encoded).digest(), "little") % L
        secret_nonce = SecretScalar(nonce)
        u, v = secret_nonce.multiply(BASE), secret_nonce.multiply(hashed)
        challenge = _challenge(self.public.encoded, encoded, gamma.encode(), u, v)
        s = (nonce + challenge * self._scalar) % L
        return gamma.encode() + challenge.to_bytes(_CHALLENGE, "little") + s.to_bytes(32, "little")


def proof_output(proof: bytes) -> bytes:
    """The output that a proof stands for (section 5.2). It says nothing about whether the proof is true.

    Raises:
        VrfError: it is no proof.
    """
    return _output(_read_proof(proof)[0])


def _read_proof(proof: bytes) -> tuple[Point, int, int]:
    gamma = Point.decode(proof[:32])
    challenge = int.from_bytes(proof[32:48], "little")
    s = int.from_bytes(proof[48:], "little")
    if len(proof) != PROOF_SIZE or gamma is None or s >= L:
        raise VrfError("these bytes are no VRF proof")
    return gamma, challenge, s


def _encode_to_curve(salt: bytes, alpha: bytes) -> Point:
    """Try and increment (section 5.4.1.1): two tries on average."""
    for counter in range(256):
        data = sha512(_SUITE + b"\x01" + salt + alpha + bytes([counter]) + b"\x00").digest()
        point = Point.decode(data[:32])
        if point is not None and not (point := point.times_cofactor()).is_identity:
            return point
    raise VrfError("this input cannot be used")  # pragma: no cover - one in 2^256


def _challenge(key: bytes, hashed: bytes, gamma: bytes, u: Point, v: Point) -> int:
    """Section 5.4.3."""
    data = _SUITE + b"\x02" + key + hashed + gamma + u.encode() + v.encode() + b"\x00"
    return int.from_bytes(sha512(data).digest()[:_CHALLENGE], "little")


def _output(gamma: Point) -> bytes:
    return sha512(_SUITE + b"\x03" + gamma.times_cofactor().encode() + b"\x00").digest()
