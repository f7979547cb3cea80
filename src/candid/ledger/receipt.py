"""Receipts: the log's signed word that an entry has its place, given before the entry is in a checkpoint.

Layout: a signed note with the text `candid-receipt/v1`, origin, index, leaf hash in base64, time in
milliseconds since the epoch, each on a line of its own. The first line keeps a receipt from being taken for
a checkpoint: as one, its second line would have to be a size. Whoever holds a receipt and does not find the
entry at its index has proof that the log broke its word.
"""

from __future__ import annotations

from dataclasses import dataclass

from candid.ledger.encoding import decode_decimal, decode_hash, encode_base64
from candid.ledger.errors import FormatError
from candid.ledger.keys import Algorithm, SigningKey, VerifierKey
from candid.ledger.notes import Note, Signature, verify_note
from candid.ledger.sequencer import Sequenced

_HEADER = b"candid-receipt/v1"
_LINES = 6  # five, and the nothing behind the last newline


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a receipt states.

    Attributes:
        origin: which log.
        entry: the entry's index, leaf hash and time.
    """

    origin: str
    entry: Sequenced

    @property
    def text(self) -> bytes:
        """The text that is signed."""
        entry = self.entry
        lines = (
            _HEADER,
            self.origin.encode(),
            b"%d" % entry.index,
            encode_base64(entry.leaf_hash),
            b"%d" % entry.time,
        )
        return b"".join(line + b"\n" for line in lines)

    def sign(self, signer: SigningKey) -> Note:
        """The receipt, signed with the log's key.

        Raises:
            FormatError: the key is of another log.
        """
        if signer.name != self.origin or signer.algorithm is not Algorithm.ED25519:
            raise FormatError(f"the key of {signer.name} cannot sign receipts of the log {self.origin}")
        text = self.text  # five lines without control characters, so this note needs no reading to see that it is one
        return Note(text, (Signature(signer.name, signer.verifier.key_id, signer.sign(text)),))

    @classmethod
    def open(cls, data: bytes, key: VerifierKey) -> Receipt:
        """Read and verify a receipt.

        Raises:
            FormatError: it is none.
            SignatureError: it is not of the log with this key.
        """
        # 1. It is signed by the key.
        note = Note.parse(data)
        verify_note(note, [key])
        # 2. It is a receipt, of the log that the key belongs to.
        lines = note.text.split(b"\n")
        if len(lines) != _LINES or lines[0] != _HEADER:
            raise FormatError("this note is no receipt")
        if lines[1] != key.name.encode() or key.algorithm is not Algorithm.ED25519:
            raise FormatError(f"this receipt is not one of the log {key.name}")
        index = decode_decimal(lines[2], "the index of the receipt")
        leaf_hash = decode_hash(lines[3], "the leaf hash of the receipt")
        return cls(key.name, Sequenced(index, leaf_hash, decode_decimal(lines[4], "the time of the receipt")))
