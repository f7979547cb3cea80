"""A witness: it cosigns a log's checkpoint only if it extends the newest one it cosigned before.

The state machine of C2SP tlog-witness `add-checkpoint`, without HTTP. Request: `old <size>`, up to 63 base64
hashes of the consistency proof, an empty line, the checkpoint. What it vouched for last lies in one file for
each log, named by the SHA-256 of the origin, and is durable before the cosignature leaves.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

from candid.ledger.checkpoint import Checkpoint
from candid.ledger.encoding import decode_decimal, decode_hash
from candid.ledger.errors import FormatError, KeyFormatError, LedgerError, ProofError, SignatureError
from candid.ledger.keys import Algorithm, SigningKey, VerifierKey
from candid.ledger.notes import MAX_NOTE, Note, Signature, verify_note
from candid.ledger.proofs import verify_consistency
from candid.ledger.storage import DISK, Disk, FolderLock, write_file
from candid.ledger.tree import EMPTY_ROOT

MAX_REQUEST = 2 * MAX_NOTE
SIZE_TYPE = "text/x.tlog.size"
_MAX_HASHES = 63
_BAD, _FORBIDDEN, _UNKNOWN, _CONFLICT, _UNPROVED, _FAILED = 400, 403, 404, 409, 422, 500


class WitnessRefusal(LedgerError):
    """The witness does not cosign.

    Attributes:
        status: the HTTP status that tlog-witness gives the reason.
        size: for a conflict (409), the size that the witness cosigned last.
    """

    def __init__(self, status: int, message: str, size: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.size = size


class Witness:
    """Watches the logs whose keys it was given. For several threads at once."""

    def __init__(
        self,
        folder: Path,
        signer: SigningKey,
        logs: Sequence[VerifierKey],
        *,
        clock: Callable[[], float] = time.time,
        disk: Disk = DISK,
    ) -> None:
        """Open the witness's state; one process may.

        Args:
            folder: of its state; it is made if missing, and must survive.
            signer: its key, for cosignatures.
            logs: keys of the logs it watches; a key's name is the log's origin.
            clock: seconds since the epoch.
            disk: where to write.

        Raises:
            KeyFormatError: a key is of the wrong type for its part.
            LogLocked: another process has the folder open.
        """
        if signer.algorithm is not Algorithm.COSIGNATURE:
            raise KeyFormatError(f"the key of {signer.name} is not for cosignatures: make one for a witness")
        if any(key.algorithm is not Algorithm.ED25519 for key in logs):
            raise KeyFormatError("a witness watches logs by their own keys, not by those of witnesses")
        self._folder, self._signer, self._clock = folder, signer, clock
        self._logs = tuple(logs)
        self._disk = disk
        self._lock = threading.Lock()  # held from reading a log's state to writing it
        folder.mkdir(parents=True, exist_ok=True)
        self._folder_lock = FolderLock(folder / "lock")

    @property
    def key(self) -> VerifierKey:
        """The witness's public key."""
        return self._signer.verifier

    def close(self) -> None:
        """Let go of the folder."""
        self._folder_lock.release()

    def add_checkpoint(self, body: bytes) -> bytes:
        """Answer one request.

        Returns:
            The cosignature line.

        Raises:
            WitnessRefusal: with the status that the protocol gives.
        """
        # 1. The request is in the form, for a log that is watched, and signed by it.
        old, proof, note, checkpoint = _parse(body)
        keys = [key for key in self._logs if key.name == checkpoint.origin]
        if not keys:
            raise WitnessRefusal(_UNKNOWN, f"the log {checkpoint.origin} is not watched here")
        try:
            verify_note(note, keys)
        except SignatureError as error:
            raise WitnessRefusal(_FORBIDDEN, str(error)) from error
        if old > checkpoint.size:
            raise WitnessRefusal(_BAD, f"the old size {old} is above the size {checkpoint.size}")
        with self._lock:
            # 2. It starts from what was cosigned last.
            last = self._last(checkpoint.origin)
            if old != last.size:
                message = f"the last size cosigned is {last.size}, not {old}"
                raise WitnessRefusal(_CONFLICT, message, last.size)
            if old == checkpoint.size and last.root != checkpoint.root:
                message = f"another root was cosigned for size {old}"
                raise WitnessRefusal(_CONFLICT, message, last.size)
            # 3. It extends that.
            try:
                verify_consistency(
                    old_size=old,
                    old_root=last.root,
                    new_size=checkpoint.size,
                    new_root=checkpoint.root,
                    proof=proof,
                )
            except ProofError as error:
                raise WitnessRefusal(_UNPROVED, str(error)) from error
            # 4. It is remembered before anybody sees the cosignature.
            return self._cosign(checkpoint, note, keys)

    def latest(self, origin_hash: str) -> bytes | None:
        """The newest cosigned checkpoint of a log, by the hex SHA-256 of its origin; None for none."""
        for key in self._logs:
            path = self._path(key.name)
            if path.name == origin_hash and path.exists():
                return path.read_bytes()
        return None

    def _path(self, origin: str) -> Path:
        return self._folder / sha256(origin.encode()).hexdigest()

    def _last(self, origin: str) -> Checkpoint:
        """What was cosigned last, always from disk: after a failed write only the disk knows.

        Raises:
            WitnessRefusal: the state is damaged; going on could cosign a fork.
        """
        path = self._path(origin)
        if not path.exists():
            return Checkpoint(origin, 0, EMPTY_ROOT)
        try:
            note = Note.parse(path.read_bytes())
            verify_note(note, [self.key])
            return Checkpoint.parse(note.text)
        except (LedgerError, OSError) as error:
            raise WitnessRefusal(_FAILED, f"the witness's state of this log is damaged: {error}") from error

    def _cosign(self, checkpoint: Checkpoint, note: Note, keys: Sequence[VerifierKey]) -> bytes:
        payload = self._signer.sign(checkpoint.text, time=int(self._clock()))
        line = Signature(self._signer.name, self.key.key_id, payload)
        own = tuple(found.signature for found in verify_note(note, keys))
        try:
            write_file(self._disk, self._path(checkpoint.origin), bytes(Note(note.text, (*own, line))))
        except OSError as error:
            raise WitnessRefusal(_FAILED, f"the witness cannot write its state: {error.strerror}") from error
        return line.line


def _parse(body: bytes) -> tuple[int, list[bytes], Note, Checkpoint]:
    head, blank, rest = body.partition(b"\n\n")
    lines = head.split(b"\n")
    if (
        len(body) > MAX_REQUEST
        or not blank
        or not lines[0].startswith(b"old ")
        or len(lines) > _MAX_HASHES + 1
    ):
        raise WitnessRefusal(_BAD, "expected `old <size>`, at most 63 hashes, an empty line and a checkpoint")
    try:
        old = decode_decimal(lines[0].removeprefix(b"old "), "the old size")
        proof = [decode_hash(line, "a hash of the consistency proof") for line in lines[1:]]
        note = Note.parse(rest)
        return old, proof, note, Checkpoint.parse(note.text)
    except FormatError as error:
        raise WitnessRefusal(_BAD, str(error)) from error
