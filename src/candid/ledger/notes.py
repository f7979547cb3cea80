"""Signed notes of C2SP signed-note: a text, a blank line, and signature lines.

Layout: the text ends in a newline; after the last empty line stand one or more lines
`— <key name> <base64 of key id (4 bytes) || signature>`. Valid UTF-8, no control characters but newline.
Limits: 1 MiB a note and 64 signature lines, so that a hostile note costs little (the specification asks for
at least 16 signatures).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from candid.ledger.encoding import decode_base64, encode_base64
from candid.ledger.errors import FormatError, NoteError, UnknownKeyError
from candid.ledger.keys import SigningKey, VerifierKey, valid_name

MAX_NOTE = 1 << 20
MAX_SIGNATURES = 64
_DASH = "— "
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f]")  # but newline
_KEY_ID = 4


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line.

    Attributes:
        name: the key's name.
        key_id: the four bytes that choose among keys of one name.
        payload: the signature itself.
    """

    name: str
    key_id: bytes
    payload: bytes

    @property
    def line(self) -> bytes:
        """The line with its newline."""
        return f"{_DASH}{self.name} ".encode() + encode_base64(self.key_id + self.payload) + b"\n"

    @classmethod
    def parse(cls, line: str) -> Signature:
        """Read one line without its newline.

        Raises:
            NoteError: it is no signature line.
        """
        name, _, encoded = line.removeprefix(_DASH).partition(" ")
        if not line.startswith(_DASH) or not valid_name(name):
            raise NoteError(f"a signature line begins with '— <key name> ', and this does not: {line[:60]!r}")
        try:
            data = decode_base64(encoded.encode(), f"the signature of {name}")
        except FormatError as error:
            raise NoteError(str(error)) from error
        if len(data) <= _KEY_ID:
            raise NoteError(f"the signature of {name} is empty")
        return cls(name, data[:_KEY_ID], data[_KEY_ID:])

    def by(self, key: VerifierKey) -> bool:
        """Whether the line claims to be of this key."""
        return self.name == key.name and self.key_id == key.key_id


@dataclass(frozen=True, slots=True)
class Note:
    """A note whose signatures nobody has checked yet.

    Attributes:
        text: the signed text with its final newline.
        signatures: its signature lines, in order; at least one.
    """

    text: bytes
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, data: bytes) -> Note:
        """Take a note apart.

        Raises:
            NoteError: it is not a signed note, or above the limits.
        """
        if len(data) > MAX_NOTE:
            raise NoteError(f"a signed note of {len(data)} bytes is above the limit of {MAX_NOTE}")
        try:
            whole = data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise NoteError("a signed note must be UTF-8 text") from error
        if _CONTROL.search(whole) is not None:
            raise NoteError("a signed note must have no control characters but newlines")
        text, blank, lines = whole.rpartition("\n\n")
        if not blank or not lines.endswith("\n"):
            raise NoteError(
                "a signed note is a text, an empty line and signature lines; is the file cut off?"
            )
        rows = lines[:-1].split("\n")
        if len(rows) > MAX_SIGNATURES:
            raise NoteError(
                f"a signed note with {len(rows)} signatures is above the limit of {MAX_SIGNATURES}"
            )
        return cls((text + "\n").encode(), tuple(Signature.parse(row) for row in rows))

    def __bytes__(self) -> bytes:
        return self.text + b"\n" + b"".join(signature.line for signature in self.signatures)


@dataclass(frozen=True, slots=True)
class Verified:
    """One signature that was checked and is true; `time` is what a cosignature states, in seconds."""

    key: VerifierKey
    signature: Signature
    time: int | None


def verify_note(note: Note, keys: Sequence[VerifierKey]) -> list[Verified]:
    """Check the signatures of known keys; those of unknown keys are ignored, as the specification demands.

    Returns:
        What was verified: at least one, at most one a key, in the order of the lines.

    Raises:
        SignatureError: a signature of a known key is false.
        UnknownKeyError: no known key signed.
    """
    verified: list[Verified] = []
    for signature in note.signatures:
        for key in keys:
            if signature.by(key):
                # 1. A known key's signature must be true, also where another one already was.
                time = key.verify(note.text, signature.payload)
                # 2. Each key counts once.
                if all(found.key != key for found in verified):
                    verified.append(Verified(key, signature, time))
    # 3. Somebody known signed.
    if not verified:
        wanted = ", ".join(key.name for key in keys) or "nobody"
        found = ", ".join(signature.name for signature in note.signatures)
        raise UnknownKeyError(f"not signed by the key given ({wanted}); its signatures are of {found}")
    return verified


def sign_note(text: bytes, signers: Sequence[SigningKey], *, time: int | None = None) -> Note:
    """Sign a text.

    Args:
        text: must end in a newline.
        signers: at least one.
        time: seconds since the epoch, for cosignatures among the signers.

    Raises:
        NoteError: the text cannot be the text of a note.
    """
    if not text.endswith(b"\n") or not signers:
        raise NoteError("the text of a note ends in a newline, and somebody must sign it")
    lines = tuple(Signature(s.name, s.verifier.key_id, s.sign(text, time=time)) for s in signers)
    return Note.parse(bytes(Note(text, lines)))  # refuses what no reader would accept
