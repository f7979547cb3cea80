"""The published log as of one checkpoint: entries as objects, found by time, and proved together."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from candid.evidence.errors import EvidenceDamaged
from candid.ledger import Source, VerifierKey, read_checkpoint
from candid.ledger.authentic import AuthenticTiles
from candid.ledger.proofs import NodeReader, range_hash
from candid.ledger.tree import TILE_WIDTH
from candid_verify.entries import parse_entry
from candid_verify.errors import EntryError

Entry = dict[str, Any]


class View:
    """A log as of the checkpoint that it shows now. Not for several threads at once."""

    _bundle: tuple[int, list[bytes]]  # the entries that were read last, with their bundle's number

    def __init__(self, source: Source, key: VerifierKey) -> None:
        """Open it.

        Raises:
            LedgerError: it cannot be read, or is not what its checkpoint says.
        """
        self._signed = read_checkpoint(source, key)
        self._tiles = AuthenticTiles(source, self._signed.checkpoint)
        self._bundle = (-1, [])

    @property
    def size(self) -> int:
        """How many entries it has."""
        return self._signed.size

    @property
    def checkpoint(self) -> bytes:
        """The checkpoint with all its signatures."""
        return bytes(self._signed)

    def data(self, index: int) -> bytes:
        """The bytes of an entry.

        Raises:
            EvidenceDamaged: there is none.
            LedgerError: it is not the one that was signed.
        """
        if not 0 <= index < self.size:
            raise EvidenceDamaged(f"the published log has {self.size} entries, and entry {index} is not among them")
        bundle, place = divmod(index, TILE_WIDTH)
        if self._bundle[0] != bundle:
            self._bundle = bundle, self._tiles.bundle(bundle)
        return self._bundle[1][place]

    def entry(self, index: int) -> Entry:
        """An entry.

        Raises:
            EvidenceDamaged: there is none, or it is not as entries are written.
            LedgerError: it is not the one that was signed.
        """
        return read(index, self.data(index))

    def scan(self, words: Sequence[bytes], start: int = 0, stop: int | None = None) -> Iterator[tuple[int, Entry]]:
        """The entries whose bytes hold one of these, in order.

        Args:
            words: such as a pseudonym; looked for before anything is parsed.
            start: the first index.
            stop: behind the last index; None: to the end.

        Raises:
            As `entry`.
        """
        for index in range(start, self.size if stop is None else min(stop, self.size)):
            data = self.data(index)
            for word in words:
                if word in data:
                    yield index, read(index, data)
                    break

    def first_at(self, time: int) -> int:
        """The index of the first entry of this time or later, by bisection; the size where there is none.

        Args:
            time: milliseconds since the epoch.

        Raises:
            As `entry`.
        """
        return bisect_left(range(self.size), time, key=lambda index: self.entry(index)["time"])

    def prove(self, indexes: Iterable[int]) -> list[bytes]:
        """The hashes that prove all these entries at once (`docs/evidence-format.md`, `tree`)."""
        return multiproof(sorted(set(indexes)), self.size, self._tiles.node)


def read(index: int, data: bytes) -> Entry:
    """An entry from its bytes.

    Raises:
        EvidenceDamaged: they are none.
    """
    try:
        return parse_entry(data)
    except EntryError as error:
        raise EvidenceDamaged(f"entry {index} is not as entries are written ({error}); audit the log") from error


def multiproof(indexes: Sequence[int], size: int, node: NodeReader) -> list[bytes]:
    """The hashes of all largest subtrees without any of some entries, from left to right.

    Args:
        indexes: of the entries, rising, each once; at least one.
        size: of the tree.
        node: reads the hashes of perfect subtrees.
    """
    return list(_hashes(indexes, 0, size, node))


def _hashes(indexes: Sequence[int], low: int, high: int, node: NodeReader) -> Iterator[bytes]:
    if not indexes:
        yield range_hash(low, high, node)
    elif high - low > 1:
        middle = low + (1 << ((high - low - 1).bit_length() - 1))
        cut = bisect_left(indexes, middle)
        yield from _hashes(indexes[:cut], low, middle, node)
        yield from _hashes(indexes[cut:], middle, high, node)
