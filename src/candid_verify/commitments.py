"""Salted commitments: what stands in the log instead of names, and opens only for whoever is handed the salt.

    commitment = SHA-256("candid-commitment/1" LF salt value), salt of 32 bytes, value in canonical JSON

The salt hides (nobody can try names against the log) and the hash binds (no other value fits the
commitment). Whoever deletes salt and value has erased them: what stays in the log says nothing any more.

A *pseudonym* is a commitment whose salt is derived from a secret of the customer, so that nothing needs to be
kept for it, and that goes with that secret:

    salt = HMAC-SHA256(customer's secret, kind LF value in UTF-8)
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from hashlib import sha256

from candid_verify.canonical import canonical, decode_bytes, encode_bytes
from candid_verify.errors import FormatError, ProofError

SALT_SIZE = 32
_DOMAIN = b"candid-commitment/1\n"


@dataclass(frozen=True, slots=True)
class Opening:
    """What opens a commitment.

    Attributes:
        salt: 32 bytes.
        value: what was committed to; JSON as `canonical` takes it.
    """

    salt: bytes
    value: object

    @property
    def commitment(self) -> str:
        """The commitment that this opens, as entries spell it."""
        return encode_bytes(sha256(_DOMAIN + self.salt + canonical(self.value)).digest())

    def check(self, commitment: str) -> None:
        """Check that this opens a commitment.

        Raises:
            ProofError: it opens another one.
        """
        if not hmac.compare_digest(self.commitment.encode(), commitment.encode()):
            raise ProofError("an opening does not fit its commitment: salt or value is not what was committed to")

    def as_json(self) -> dict[str, object]:
        """For a file."""
        return {"salt": encode_bytes(self.salt), "value": self.value}

    @classmethod
    def from_json(cls, found: object) -> Opening:
        """From a file.

        Raises:
            FormatError: it is none.
        """
        if not isinstance(found, dict) or set(found) != {"salt", "value"}:
            raise FormatError("an opening must have exactly salt and value")
        return cls(decode_bytes(found["salt"], SALT_SIZE), found["value"])


def pseudonym(kind: str, value: str, *, secret: bytes) -> Opening:
    """The opening of the pseudonym that a customer's access key (`key`) or collection (`collection`) has."""
    salt = hmac.digest(secret, f"{kind}\n{value}".encode(), "sha256")
    return Opening(salt, {"kind": kind, "value": value})
