"""The key of the verifiable random function, derived from the log's key: one secret to keep, not two."""

from __future__ import annotations

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from candid.ledger import SigningKey
from candid.ledger.vrf import VrfSecretKey


def vrf_key(signer: SigningKey) -> VrfSecretKey:
    """The VRF key of the log that this key signs (HKDF-SHA256, RFC 5869)."""
    info = b"candid vrf 1: " + signer.name.encode()
    return VrfSecretKey(HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(signer.seed))
