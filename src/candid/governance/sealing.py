"""Secrets of customers at rest: AES-256-GCM under a key derived from the master key.

    sealed = nonce (12 random bytes) | ciphertext | tag (16)

Each ciphertext is bound, as associated data, to its purpose (an access key id, or `pseudonyms`) and its customer, so
that exchanging two rows is an authentication failure. Random nonces: NIST SP 800-38D section 8.3 allows 2**32 under
one key.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from candid.governance.errors import GovernanceDamaged, WrongKey

MASTER_KEY_BYTES = 32
_NONCE_BYTES = 12


class Sealer:
    """Seals and opens secrets. Thread-safe: it holds nothing that changes."""

    __slots__ = ("_aead", "_randomness", "fingerprint")

    def __init__(self, master: bytes, randomness: Callable[[int], bytes]) -> None:
        """Take the master key.

        Raises:
            WrongKey: it is not 32 bytes long.
        """
        if len(master) != MASTER_KEY_BYTES:
            raise WrongKey(f"the master key has {MASTER_KEY_BYTES} bytes, this one {len(master)}")
        self._aead = AESGCM(_derive(master, b"secrets of access keys", 32))
        self._randomness = randomness
        self.fingerprint = _derive(master, b"fingerprint", 16)

    def matches(self, fingerprint: bytes) -> bool:
        """Whether a stored fingerprint is this key's."""
        return hmac.compare_digest(fingerprint, self.fingerprint)

    def seal(self, secret: str, *, purpose: str, customer: str) -> bytes:
        """Encrypt a secret for its row."""
        nonce = self._randomness(_NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, secret.encode(), _bind(purpose, customer))

    def open(self, sealed: bytes, *, purpose: str, customer: str) -> str:
        """Decrypt a secret.

        Raises:
            GovernanceDamaged: the bytes were changed, or belong to another row.
        """
        nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return self._aead.decrypt(nonce, ciphertext, _bind(purpose, customer)).decode()
        except (InvalidTag, ValueError) as error:
            raise GovernanceDamaged(
                "a stored secret fails its authentication; restore governance.db from a backup"
            ) from error


def _derive(master: bytes, purpose: bytes, length: int) -> bytes:
    info = b"candid governance 1: " + purpose
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=info).derive(master)


def _bind(*fields: str) -> bytes:
    raw = [field.encode() for field in fields]
    return b"".join(len(field).to_bytes(4, "big") + field for field in raw)
