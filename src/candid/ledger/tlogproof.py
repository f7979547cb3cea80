"""Proof files of C2SP tlog-proof: one entry's inclusion in one checkpoint, verified offline.

Layout: `c2sp.org/tlog-proof@v1`; optionally `extra <base64>`; `index <decimal>`; one base64 hash a line from
the leaf's sibling to the root's child; an empty line; the checkpoint note, unchanged. The extra data is not
authenticated. Files end in `.tlog-proof`. Limit: 63 hashes (a tree has less than 2^63 leaves).
"""

from __future__ import annotations

from dataclasses import dataclass

from candid.ledger.checkpoint import Checkpoint, SignedCheckpoint, open_checkpoint
from candid.ledger.encoding import decode_base64, decode_decimal, decode_hash, encode_base64
from candid.ledger.errors import FormatError
from candid.ledger.keys import VerifierKey
from candid.ledger.notes import MAX_NOTE, Note
from candid.ledger.proofs import verify_inclusion

_HEADER = b"c2sp.org/tlog-proof@v1"
_MAX_HASHES = 63


@dataclass(frozen=True, slots=True)
class TlogProof:
    """A proof file, not yet verified.

    Attributes:
        index: where the entry stands.
        hashes: the inclusion proof, leaf's sibling first.
        note: the checkpoint with its signatures.
        extra: opaque and not authenticated; None where the file has none.
    """

    index: int
    hashes: tuple[bytes, ...]
    note: Note
    extra: bytes | None = None

    @classmethod
    def parse(cls, data: bytes) -> TlogProof:
        """Read a proof file.

        Raises:
            FormatError: it is not one.
        """
        if len(data) > 2 * MAX_NOTE:
            raise FormatError(f"a proof file of {len(data)} bytes is above the limit of {2 * MAX_NOTE}")
        head, blank, checkpoint = data.partition(b"\n\n")
        lines = head.split(b"\n")
        if not blank or lines.pop(0) != _HEADER:
            raise FormatError(
                "this is no proof file: it does not begin with c2sp.org/tlog-proof@v1, or is cut off"
            )
        extra = None
        if lines and lines[0].startswith(b"extra "):
            extra = decode_base64(lines.pop(0).removeprefix(b"extra "), "the extra data")
        if not lines or not lines[0].startswith(b"index "):
            raise FormatError("the proof file does not say which entry it proves")
        index = decode_decimal(lines.pop(0).removeprefix(b"index "), "the index")
        if len(lines) > _MAX_HASHES:
            raise FormatError(f"the proof file has more than {_MAX_HASHES} hashes")
        hashes = tuple(decode_hash(line, "a hash of the proof") for line in lines)
        note = Note.parse(checkpoint)
        Checkpoint.parse(note.text)
        return cls(index, hashes, note, extra)

    def __bytes__(self) -> bytes:
        lines = [_HEADER]
        if self.extra is not None:
            lines.append(b"extra " + encode_base64(self.extra))
        lines.append(b"index %d" % self.index)
        lines.extend(encode_base64(item) for item in self.hashes)
        return b"\n".join(lines) + b"\n\n" + bytes(self.note)

    def verify(self, leaf_hash: bytes, key: VerifierKey) -> SignedCheckpoint:
        """Check that the entry with this leaf hash is in the log with this key, at `index`.

        Witnesses are another question: ask a `Policy` about the checkpoint that comes back.

        Raises:
            NoteError, CheckpointError: the checkpoint cannot be read.
            SignatureError: it is not of this log.
            ProofError: the entry is not there.
        """
        # 1. The checkpoint is the log's.
        signed = open_checkpoint(bytes(self.note), key)
        # 2. The entry leads to its root.
        verify_inclusion(
            leaf_hash=leaf_hash, index=self.index, size=signed.size, root=signed.root, proof=self.hashes
        )
        return signed
