"""Reading a log that one does not trust: its checkpoint, entries and proofs, each checked on the way."""

from __future__ import annotations

from collections.abc import Iterator

from candid.ledger.authentic import AuthenticTiles
from candid.ledger.checkpoint import Checkpoint, SignedCheckpoint, open_checkpoint
from candid.ledger.errors import ProofError
from candid.ledger.keys import VerifierKey
from candid.ledger.layout import CHECKPOINT
from candid.ledger.notes import MAX_NOTE
from candid.ledger.proofs import prove_consistency, prove_inclusion, tree_root
from candid.ledger.sources import Source
from candid.ledger.tlogproof import TlogProof
from candid.ledger.tree import TILE_WIDTH


class LogReader:
    """A log as of one checkpoint. Not for several threads at once."""

    def __init__(self, source: Source, signed: SignedCheckpoint) -> None:
        """Read a log as of a checkpoint that the caller verified.

        Raises:
            ProofError, TileError: the log does not have the tiles of this checkpoint.
            SourceError: it cannot be read.
        """
        self.signed = signed
        self._tiles = AuthenticTiles(source, signed.checkpoint)

    @classmethod
    def open(cls, source: Source, key: VerifierKey) -> LogReader:
        """Read a log as of the checkpoint that it shows now.

        Raises:
            FormatError, SignatureError, ProofError, SourceError: what is wrong with it.
        """
        return cls(source, read_checkpoint(source, key))

    @property
    def size(self) -> int:
        """How many entries the log has."""
        return self.signed.size

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, bytes]]:
        """Entries with their indexes, in order, each proved to be in the log.

        Args:
            start: the first index.
            stop: behind the last index; None or more than there are: to the end.
        """
        stop = self.size if stop is None else min(stop, self.size)
        while start < stop:
            bundle, offset = divmod(start, TILE_WIDTH)
            for entry in self._tiles.bundle(bundle)[offset : offset + stop - start]:
                yield start, entry
                start += 1

    def entry(self, index: int) -> bytes:
        """One entry.

        Raises:
            ProofError: there is none at this index, or it is not what it must be.
        """
        self._check_index(index)
        return next(self.entries(index))[1]

    def prove(self, index: int, *, extra: bytes | None = None) -> TlogProof:
        """The proof that the entry at an index is in the log.

        Raises:
            ProofError: there is none.
        """
        self._check_index(index)
        hashes = tuple(prove_inclusion(index, self.size, self._tiles.node))
        return TlogProof(index, hashes, self.signed.note, extra)

    def prove_consistency(self, old_size: int) -> list[bytes]:
        """The proof that the log extends what it was at `old_size` entries.

        Raises:
            ProofError: it was never so large.
        """
        return prove_consistency(old_size, self.size, self._tiles.node)

    def root_at(self, size: int) -> bytes:
        """The root when the log had `size` entries.

        Raises:
            ProofError: it was never so large.
        """
        if not 0 <= size <= self.size:
            raise ProofError(f"the log has {self.size} entries, so it has no root of {size}")
        return tree_root(size, self._tiles.node)

    def check_extends(self, older: Checkpoint) -> None:
        """Check that this log holds an older checkpoint's tree unchanged as its beginning.

        Raises:
            ProofError: it does not, so history was rewritten, or the older one is of another log.
        """
        if older.origin != self.signed.origin:
            raise ProofError(
                f"a checkpoint of {older.origin} says nothing about the log {self.signed.origin}"
            )
        if older.size > self.size:
            raise ProofError(
                f"the log was already {older.size} entries long and now shows {self.size}: "
                "entries were taken away"
            )
        if self.root_at(older.size) != older.root:
            raise ProofError(
                f"the first {older.size} entries are not those that the older checkpoint stands for: "
                "history was rewritten"
            )

    def _check_index(self, index: int) -> None:
        if not 0 <= index < self.size:
            raise ProofError(f"the log has {self.size} entries; there is none at index {index}")


def read_checkpoint(source: Source, key: VerifierKey) -> SignedCheckpoint:
    """The checkpoint that a log shows now, signed by its key.

    Raises:
        FormatError, SignatureError, SourceError: what is wrong with it.
    """
    return open_checkpoint(source.read(CHECKPOINT, MAX_NOTE), key)
