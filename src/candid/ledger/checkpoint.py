"""Checkpoints of C2SP tlog-checkpoint: a signed origin, size and root.

Layout of the text: origin line, tree size in decimal, root hash in base64, then optional non-empty extension
lines. Witnesses vouch for nothing in extension lines, so Candid writes none.
"""

from __future__ import annotations

from dataclasses import dataclass

from candid.ledger.encoding import HASH_SIZE, MAX_NUMBER, decode_decimal, decode_hash, encode_base64
from candid.ledger.errors import CheckpointError, FormatError
from candid.ledger.keys import Algorithm, SigningKey, VerifierKey
from candid.ledger.notes import Note, Verified, sign_note, verify_note
from candid.ledger.tree import EMPTY_ROOT


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log states about itself at one moment.

    Attributes:
        origin: which log.
        size: how many entries.
        root: the root hash over them, 32 bytes.
        extensions: further lines, not vouched for by witnesses.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        lines = (self.origin, *self.extensions)
        if not all(lines) or any("\n" in line for line in lines):
            raise CheckpointError(
                "the origin and the extension lines of a checkpoint are non-empty single lines"
            )
        if not 0 <= self.size <= MAX_NUMBER or len(self.root) != HASH_SIZE:
            raise CheckpointError(f"no log has size {self.size} and a root of {len(self.root)} bytes")

    @property
    def text(self) -> bytes:
        """The text that is signed."""
        head = self.origin.encode() + b"\n%d\n" % self.size + encode_base64(self.root) + b"\n"
        return head + "".join(line + "\n" for line in self.extensions).encode()

    @classmethod
    def parse(cls, text: bytes) -> Checkpoint:
        """Read the text of a note.

        Raises:
            CheckpointError: it is no checkpoint.
        """
        try:
            lines = text.decode("utf-8").split("\n")
        except UnicodeDecodeError as error:
            raise CheckpointError("a checkpoint must be UTF-8 text") from error
        if len(lines) < 4 or lines.pop() or "" in lines:
            raise CheckpointError("a checkpoint has an origin, a size and a root, each on a line of its own")
        try:
            size = decode_decimal(lines[1].encode(), "the size of the checkpoint")
            root = decode_hash(lines[2].encode(), "the root of the checkpoint")
        except FormatError as error:
            raise CheckpointError(str(error)) from error
        return cls(lines[0], size, root, tuple(lines[3:]))


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint with the note it came in and the signatures that were checked."""

    checkpoint: Checkpoint
    note: Note
    verified: tuple[Verified, ...]

    @property
    def origin(self) -> str:
        """Which log."""
        return self.checkpoint.origin

    @property
    def size(self) -> int:
        """How many entries."""
        return self.checkpoint.size

    @property
    def root(self) -> bytes:
        """The root over them."""
        return self.checkpoint.root

    def __bytes__(self) -> bytes:
        return bytes(self.note)


def sign_checkpoint(checkpoint: Checkpoint, signer: SigningKey) -> SignedCheckpoint:
    """Sign with the log's own key, whose name must be the origin.

    Raises:
        CheckpointError: the key belongs to another log, or is a witness's.
    """
    if signer.name != checkpoint.origin or signer.algorithm is not Algorithm.ED25519:
        raise CheckpointError(f"the key of {signer.name} cannot sign for the log {checkpoint.origin}")
    note = sign_note(checkpoint.text, [signer])
    return SignedCheckpoint(checkpoint, note, (Verified(signer.verifier, note.signatures[0], None),))


def open_checkpoint(data: bytes, key: VerifierKey) -> SignedCheckpoint:
    """Read and verify a checkpoint of the log that has this key.

    Raises:
        NoteError, CheckpointError: it cannot be read.
        SignatureError: it is not, or not truly, signed by this key.
    """
    # 1. It is a note, and the log's own key signed it.
    note = Note.parse(data)
    verified = verify_note(note, [key])
    # 2. It is a checkpoint.
    checkpoint = Checkpoint.parse(note.text)
    # 3. It is of the log that the key belongs to, and not a witness's word taken for the log's.
    if checkpoint.origin != key.name or key.algorithm is not Algorithm.ED25519:
        raise CheckpointError(f"a checkpoint of {checkpoint.origin} was signed by the key of {key.name}")
    # 4. Without entries there is one possible root.
    if checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT:
        raise CheckpointError("a log without entries has the hash of nothing as its root")
    return SignedCheckpoint(checkpoint, note, tuple(verified))
