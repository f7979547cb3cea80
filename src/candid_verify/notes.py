"""Signed notes and keys of C2SP signed-note, and the cosignatures of tlog-cosignature, read strictly.

Key: `<name>+<8 hex digits of key id>+<base64 of algorithm, public key>`, key id = SHA-256(name LF algorithm, public
key)[:4]; algorithm 01 is Ed25519 over the text, 04 a cosignature with its time. Note: a text that ends in a line feed,
an empty line, lines `— <name> <base64 of key id, signature>`; UTF-8 without control characters; at most 1 MiB and
64 signatures.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from candid_verify.errors import FormatError, InputError, ProofError, WrongKeyError

ED25519, COSIGNATURE = 1, 4
MAX_NOTE, MAX_SIGNATURES = 1 << 20, 64
MAX_NUMBER = (1 << 63) - 1
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_DASH = "— "


def decimal(text: str) -> int:
    """ASCII decimal without sign or leading zeroes, below 2^63.

    Raises:
        FormatError: it is none.
    """
    if _DECIMAL.fullmatch(text) is None or int(text) > MAX_NUMBER:
        raise FormatError(f"{text[:40]!r} is no decimal number without leading zeroes")
    return int(text)


def standard_base64(text: str) -> bytes:
    """Standard base64 with padding, in its one spelling.

    Raises:
        FormatError: it is none.
    """
    try:
        data = b64decode(text.encode(), validate=True)
    except ValueError as error:
        raise FormatError(f"{text[:40]!r} is no base64") from error
    if b64encode(data).decode() != text:
        raise FormatError(f"{text[:40]!r} is not base64 in its one spelling")
    return data


@dataclass(frozen=True, slots=True)
class Key:
    """A public key with its name; `str()` is the key as people hand it on."""

    name: str
    algorithm: int
    public: bytes

    @property
    def key_id(self) -> bytes:
        """The four bytes before a signature."""
        return sha256(self.name.encode() + b"\n" + bytes([self.algorithm]) + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{b64encode(bytes([self.algorithm]) + self.public).decode()}"

    @classmethod
    def parse(cls, text: str, *, algorithm: int = ED25519) -> Key:
        """Read a key.

        Raises:
            InputError: it is none of this algorithm.
        """
        name, _, rest = text.partition("+")
        try:
            material = standard_base64(rest.partition("+")[2])
            key = cls(name, material[0] if material else 0, material[1:])
            sound = _valid_name(name) and len(key.public) == 32 and str(key) == text
        except (FormatError, UnicodeEncodeError):
            sound = False
        if not sound:
            shown = text[:60].encode("ascii", "replace").decode()
            raise InputError(
                f"{shown!r} is no public key: one has the form name+key id+base64; was it cut off or mistyped?"
            )
        if key.algorithm != algorithm:
            wanted = {ED25519: "a log's (Ed25519)", COSIGNATURE: "a witness's (cosignature)"}[algorithm]
            raise InputError(f"the key of {name} is of another type than {wanted}")
        return key


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature line: whose it claims to be, and the signature itself."""

    name: str
    key_id: bytes
    payload: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A note whose signatures nobody has checked yet; `text` ends in a line feed."""

    text: str
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, whole: str) -> Note:
        """Take a note apart.

        Raises:
            FormatError: it is none, or above the limits.
        """
        text, blank, lines = whole.rpartition("\n\n")
        rows = lines.removesuffix("\n").split("\n")
        if not blank or not lines.endswith("\n") or any(each < " " and each != "\n" for each in whole):
            raise FormatError("a signed note is a text, an empty line and signatures, and this is not")
        if len(whole) > MAX_NOTE or len(rows) > MAX_SIGNATURES:
            raise FormatError(f"a signed note has at most {MAX_NOTE} characters and {MAX_SIGNATURES} signatures")
        return cls(text + "\n", tuple(map(_signature, rows)))

    def signed_by(self, key: Key) -> list[int | None]:
        """Check the signatures of a key; those of others are not looked at.

        Returns:
            For each signature of the key what time it states: seconds since the epoch, None if it is no cosignature.

        Raises:
            ProofError: one of them is false.
        """
        return [
            _check(self.text.encode(), each.payload, key)
            for each in self.signatures
            if each.name == key.name and each.key_id == key.key_id
        ]


def open_note(whole: str, key: Key, what: str) -> Note:
    """Read a note and check that a log signed it.

    Args:
        whole: the note.
        key: the log's.
        what: what the note is, for messages.

    Raises:
        FormatError, ProofError: it is none, or not truly signed.
        WrongKeyError: others signed it.
    """
    note = Note.parse(whole)
    if not note.signed_by(key):
        names = ", ".join(f"{each.name}+{each.key_id.hex()}" for each in note.signatures)
        raise WrongKeyError(
            f"{what} is not signed by the key given ({key.name}+{key.key_id.hex()}) but by {names}: it is of "
            "another log, or the key is, or it was changed"
        )
    return note


def _signature(row: str) -> Signature:
    name, _, encoded = row.removeprefix(_DASH).partition(" ")
    if not row.startswith(_DASH) or not _valid_name(name):
        raise FormatError(f"a signature begins with '— <name> ', and this does not: {row[:60]!r}")
    data = standard_base64(encoded)
    if len(data) <= 4:
        raise FormatError(f"the signature of {name} is empty")
    return Signature(name, data[:4], data[4:])


def _valid_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(each.isspace() or each < " " for each in name)


def _check(text: bytes, payload: bytes, key: Key) -> int | None:
    time = None
    if key.algorithm == COSIGNATURE:
        time, payload = int.from_bytes(payload[:8], "big"), payload[8:]
        if not 0 < time <= MAX_NUMBER:
            raise ProofError(f"the cosignature of {key.name} states an impossible time")
        text = b"cosignature/v1\ntime %d\n" % time + text
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(payload, text)
    except (InvalidSignature, ValueError) as error:
        raise ProofError(f"the signature of {key.name} is false: what it signed was changed, or it was") from error
    return time
