"""Encryption at rest, with ISO/IEC 24745's demands on stored biometric references in mind.

Confidentiality and integrity: AES-256-GCM. Every collection has keys of its own, derived with HKDF-SHA256
from the master key and 32 random bytes (the salt) that stand in one row of the database only.

Irreversibility: deleting the row deletes the salt, and with it the only way to the keys, even for whoever has
the master key and an old copy of the ciphertexts.

Unlinkability: equal embeddings in two collections, or twice in one, give unrelated ciphertexts.

Renewability: a compromised reference is revoked by deleting it, and a whole collection by moving it to a new
one; embeddings of another model are unrelated to the old ones. An embedding itself cannot be re-randomised,
which is why it is never handed out.

Each ciphertext is bound, as associated data, to account, collection, contract and owner (a face, a user), so
that exchanging two rows is an authentication failure, not another identity.

    sealed = nonce (12 random bytes) | ciphertext | tag (16)

Random nonces: NIST SP 800-38D section 8.3 allows 2**32 of them under one key. Embeddings, crops, user vectors
and index files have separate keys in each collection, and a collection gives out fewer than 2**32 face
numbers.
"""

from __future__ import annotations

import hmac
import struct
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from candid.gallery.errors import GalleryDamaged, WrongKey
from candid.gallery.keys import KEY_BYTES
from candid.gallery.records import Vectors

NONCE_BYTES = 12
SEALED_BYTES = NONCE_BYTES + 16  # more than the plaintext
REMEMBERED = 4096  # ciphers of collections; each is a few kilobytes


class Sealable(Protocol):
    """What a collection's keys hang on."""

    @property
    def account(self) -> str: ...  # noqa: D102
    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def salt(self) -> bytes: ...  # noqa: D102


def bind(*fields: str | bytes) -> bytes:
    """Fields as one unambiguous string of bytes: each with its length (4 bytes, big-endian) before it."""
    raw = [field.encode() if isinstance(field, str) else field for field in fields]
    return b"".join(struct.pack(">I", len(field)) + field for field in raw)


class CollectionCipher:
    """Seals and opens one kind of data of one collection. Thread-safe: it holds nothing that changes."""

    __slots__ = ("_aead", "_context", "_randomness")

    def __init__(self, key: bytes, context: bytes, randomness: Callable[[int], bytes]) -> None:
        self._aead = AESGCM(key)
        self._context = context
        self._randomness = randomness

    def seal(self, data: bytes | memoryview, *, owner: bytes, contract: str) -> bytes:
        """Encrypt `data` for its owner under a contract."""
        nonce = self._randomness(NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, data, self._context + bind(contract, owner))

    def open(self, sealed: bytes | memoryview, *, owner: bytes, contract: str) -> bytes:
        """Decrypt.

        Raises:
            GalleryDamaged: the bytes were changed, or belong to another owner, contract or collection.
        """
        try:
            return self._aead.decrypt(
                sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], self._context + bind(contract, owner)
            )
        except (InvalidTag, ValueError) as error:
            raise GalleryDamaged(
                "a stored ciphertext fails its authentication; restore the gallery from a backup"
            ) from error

    def seal_vector(self, vector: Vectors, *, owner: bytes, contract: str) -> bytes:
        """Encrypt a float32 (d,) vector, stored little-endian."""
        return self.seal(np.ascontiguousarray(vector, dtype="<f4").tobytes(), owner=owner, contract=contract)

    def open_vectors(
        self, rows: list[tuple[bytes, bytes]], *, contract: str, dimension: int
    ) -> Vectors:
        """Decrypt many vectors.

        Args:
            rows: pairs of owner and sealed vector.
            contract: the contract they were sealed under.
            dimension: the length each must have.

        Returns:
            float32 (n, dimension).

        Raises:
            GalleryDamaged: one of them fails its authentication or has another length.
        """
        decrypt = self._aead.decrypt
        prefix = self._context + bind(contract)
        try:
            plain = [
                decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], prefix + bind(owner))
                for owner, sealed in rows
            ]
        except (InvalidTag, ValueError) as error:
            raise GalleryDamaged(
                "a stored embedding fails its authentication; restore the gallery from a backup"
            ) from error
        if any(len(vector) != 4 * dimension for vector in plain):
            raise GalleryDamaged(f"a stored embedding has not the collection's dimension {dimension}")
        flat = np.frombuffer(b"".join(plain), dtype="<f4").astype(np.float32, copy=False)
        return flat.reshape(len(rows), dimension)


class KeyRing:
    """Every key of a gallery, derived from the master key."""

    def __init__(self, master: bytes, randomness: Callable[[int], bytes]) -> None:
        """Take the master key.

        Raises:
            WrongKey: it is not 32 bytes long.
        """
        if len(master) != KEY_BYTES:
            raise WrongKey(f"a gallery's key has {KEY_BYTES} bytes, this one {len(master)}")
        self._master = master
        self._randomness = randomness
        self._lock = threading.Lock()
        self._ciphers: OrderedDict[tuple[str, bytes], CollectionCipher] = OrderedDict()  # guarded by _lock
        self.fingerprint = self._derive("fingerprint", length=16)
        self.backups = self._derive("backups")
        self.tokens = AESSIV(self._derive("page tokens", length=64))
        self.outcomes = AESSIV(self._derive("outcomes of idempotent calls", length=64))

    def _derive(self, purpose: str, *, salt: bytes = b"", context: bytes = b"", length: int = 32) -> bytes:
        info = bind("candid gallery 1", purpose) + context
        return HKDF(algorithm=SHA256(), length=length, salt=salt or None, info=info).derive(self._master)

    def cipher(self, collection: Sealable, purpose: str) -> CollectionCipher:
        """The cipher of one purpose (`template`, `crop`, `user`, `index`) in one collection."""
        name = (purpose, collection.salt)
        with self._lock:
            found = self._ciphers.get(name)
            if found is not None:
                self._ciphers.move_to_end(name)
                return found
        context = bind(purpose, collection.account, collection.id)
        key = self._derive(purpose, salt=collection.salt, context=bind(collection.account, collection.id))
        made = CollectionCipher(key, context, self._randomness)
        with self._lock:
            self._ciphers[name] = made
            while len(self._ciphers) > REMEMBERED:
                self._ciphers.popitem(last=False)
        return made

    def source(self, collection: Sealable, image_digest: bytes, external_image_id: str) -> bytes:
        """What stands for one image under one name in one collection, 16 bytes.

        Keyed, so that nobody who has the database alone can ask it whether a certain image was enrolled.
        """
        context = bind(collection.account, collection.id)
        key = self._derive("sources of faces", salt=collection.salt, context=context)
        return hmac.digest(key, bind(image_digest, external_image_id), "sha256")[:16]

    def forget(self, collection: Sealable) -> None:
        """Drop a deleted collection's ciphers from memory."""
        with self._lock:
            for name in [name for name in self._ciphers if name[1] == collection.salt]:
                del self._ciphers[name]
