"""Checkpoints of C2SP tlog-checkpoint: origin, size and root of a log, signed by it and perhaps cosigned.

Text: the origin, the size in decimal, the root in standard base64, a line each. Extension lines are refused: nobody
vouches for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from candid_verify.errors import FormatError, ProofError
from candid_verify.notes import Key, Note, decimal, open_note, standard_base64


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint whose log's signature was checked.

    Attributes:
        origin: which log.
        size: how many entries.
        root: the hash over them, 32 bytes.
        note: with its signatures; those of witnesses are not checked.
    """

    origin: str
    size: int
    root: bytes
    note: Note


def open_checkpoint(whole: str, key: Key) -> Checkpoint:
    """Read a checkpoint and check that the log signed it.

    Raises:
        FormatError, ProofError, WrongKeyError: it is none, or not of the log that has this key.
    """
    # 1. It is a note that the log signed.
    note = open_note(whole, key, "the checkpoint")
    # 2. Its text is a checkpoint.
    lines = note.text.split("\n")
    if len(lines) != 4 or lines[3]:
        raise FormatError("a checkpoint has an origin, a size and a root, and nothing else")
    size, root = decimal(lines[1]), standard_base64(lines[2])
    # 3. It is of the log that the key belongs to.
    if lines[0] != key.name:
        raise ProofError(f"a checkpoint of {lines[0]} was signed with the key of {key.name}")
    # 4. Size and root are possible.
    if len(root) != 32 or (size == 0) != (root == sha256(b"").digest()):
        raise FormatError("the root of the checkpoint is not one that a log of its size can have")
    return Checkpoint(lines[0], size, root, note)
