"""Keys of signed notes: verifier keys ("vkeys"), private keys, and the two algorithms that Candid speaks.

Layout (C2SP signed-note, "Verifier keys"): `<name>+<8 hex digits of key id>+<base64 of algorithm || public
key>`, key id = SHA-256(name || 0x0A || algorithm || public key)[:4]. Private keys use Go's spelling of the
same: `PRIVATE+KEY+<name>+<key id>+<base64 of algorithm || 32-byte Ed25519 seed>`. Algorithm 0x01 is Ed25519
over the note's text; 0x04 is the timestamped cosignature of tlog-cosignature.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from candid.ledger.encoding import MAX_NUMBER, decode_base64, encode_base64
from candid.ledger.errors import FormatError, KeyFormatError, SignatureError

_KEY_ID = re.compile(r"[0-9a-f]{8}", re.ASCII)
_PRIVATE = "PRIVATE+KEY+"
_ED25519_SIZE = 32
_TIME_SIZE = 8


class Algorithm(IntEnum):
    """Signature types of signed-note that Candid makes and checks."""

    ED25519 = 0x01
    COSIGNATURE = 0x04


def valid_name(name: str) -> bool:
    """Whether a key may have this name: not empty; no spaces of any script, plus or control characters."""
    return bool(name) and "+" not in name and not any(c.isspace() or ord(c) < 0x20 for c in name)


def _key_id(name: str, algorithm: int, public: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + bytes([algorithm]) + public).digest()[:4]


def cosigned_message(text: bytes, time: int) -> bytes:
    """What an Ed25519 cosignature signs (tlog-cosignature, "Ed25519 signed message")."""
    return b"cosignature/v1\ntime %d\n" % time + text


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with its name; `str()` is the vkey."""

    name: str
    algorithm: Algorithm
    public: bytes

    @property
    def key_id(self) -> bytes:
        """The four bytes that stand before a signature."""
        return _key_id(self.name, self.algorithm, self.public)

    def __str__(self) -> str:
        material = encode_base64(bytes([self.algorithm]) + self.public).decode()
        return f"{self.name}+{self.key_id.hex()}+{material}"

    @classmethod
    def parse(cls, vkey: str) -> VerifierKey:
        """Read a vkey.

        Raises:
            KeyFormatError: it is malformed, its key id is not its own, or its algorithm is not one of ours.
        """
        name, algorithm, public = _parse(vkey, "a log key (vkey)")
        key = cls(name, algorithm, public)
        if vkey != str(key):
            raise KeyFormatError(
                f"the key id in the key of {name} does not belong to the key: was it mistyped?"
            )
        return key

    def verify(self, text: bytes, payload: bytes) -> int | None:
        """Check a signature over the text of a note.

        Args:
            text: the note's text with its final newline.
            payload: the signature as in its line, without the key id.

        Returns:
            The time (seconds since the epoch) that a cosignature states, None for a plain signature.

        Raises:
            SignatureError: the signature is false.
        """
        time: int | None = None
        message, signature = text, payload
        if self.algorithm is Algorithm.COSIGNATURE:
            time = int.from_bytes(payload[:_TIME_SIZE], "big")
            if not 0 < time <= MAX_NUMBER:
                raise SignatureError(f"the cosignature of {self.name} states an impossible time")
            message, signature = cosigned_message(text, time), payload[_TIME_SIZE:]
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError) as error:
            raise SignatureError(f"the signature of {self.name} is false: the text was changed") from error
        return time


@dataclass(frozen=True, slots=True, repr=False)
class SigningKey:
    """A private key with its name. It never shows itself: `repr()` names the public key only."""

    name: str
    algorithm: Algorithm
    seed: bytes
    _private: Ed25519PrivateKey = field(init=False, compare=False)  # of the seed; made once, as it costs a signature
    verifier: VerifierKey = field(init=False, compare=False)
    """The public key."""

    def __post_init__(self) -> None:
        private = Ed25519PrivateKey.from_private_bytes(self.seed)
        public = private.public_key().public_bytes_raw()
        object.__setattr__(self, "_private", private)
        object.__setattr__(self, "verifier", VerifierKey(self.name, self.algorithm, public))

    @classmethod
    def generate(
        cls,
        name: str,
        algorithm: Algorithm = Algorithm.ED25519,
        *,
        randomness: Callable[[int], bytes] = os.urandom,
    ) -> SigningKey:
        """A new key.

        Raises:
            KeyFormatError: the name cannot be that of a key.
        """
        if not valid_name(name):
            raise KeyFormatError(f"{name!r} cannot name a key: it must have no spaces and no plus signs")
        return cls(name, algorithm, randomness(_ED25519_SIZE))

    @classmethod
    def parse(cls, text: str) -> SigningKey:
        """Read a private key as `export` writes it.

        Raises:
            KeyFormatError: it is malformed.
        """
        if not text.startswith(_PRIVATE):
            raise KeyFormatError(f"a private key begins with {_PRIVATE}")
        key = cls(*_parse(text.removeprefix(_PRIVATE), "a private key"))
        if text != key.export():
            raise KeyFormatError(f"the key id in the private key of {key.name} does not belong to it")
        return key

    def export(self) -> str:
        """The private key as text, to be kept secret."""
        material = encode_base64(bytes([self.algorithm]) + self.seed).decode()
        return f"{_PRIVATE}{self.name}+{self.verifier.key_id.hex()}+{material}"

    def __repr__(self) -> str:
        return f"SigningKey({self.verifier})"

    def sign(self, text: bytes, *, time: int | None = None) -> bytes:
        """The signature over the text of a note, as it stands in its line behind the key id.

        Args:
            text: the note's text with its final newline.
            time: seconds since the epoch; needed for a cosignature, and only there.
        """
        if self.algorithm is Algorithm.ED25519:
            return self._private.sign(text)
        if time is None or not 0 < time <= MAX_NUMBER:
            raise SignatureError("a cosignature needs the time at which it is made")
        return time.to_bytes(_TIME_SIZE, "big") + self._private.sign(cosigned_message(text, time))


def _parse(text: str, what: str) -> tuple[str, Algorithm, bytes]:
    """Take apart `name+keyid+base64`, without judging whether the key id belongs to the key."""
    name, _, rest = text.partition("+")
    key_id, _, encoded = rest.partition("+")
    if not valid_name(name) or _KEY_ID.fullmatch(key_id) is None:
        raise KeyFormatError(f"{what} has the form name+key id+base64, and this has not: {text[:20]!r}")
    try:
        material = decode_base64(encoded.encode(), what)
    except FormatError as error:
        raise KeyFormatError(f"{what} of {name} is damaged: its last part is not base64") from error
    if len(material) != 1 + _ED25519_SIZE or material[0] not in set(Algorithm):
        raise KeyFormatError(f"{what} of {name} is of a type that Candid does not know (it knows Ed25519)")
    return name, Algorithm(material[0]), material[1:]
