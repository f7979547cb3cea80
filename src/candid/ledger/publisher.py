"""Turns durable entries into tiles and signed checkpoints, apart from appending and at its own pace.

Order, which `recovery` relies on: tiles and bundles durable; then the checkpoint signed and durable in
`.state/signed` and in the guard; then cosigned by witnesses; then public; then partial tiles that became full
are removed. Any step may fail and is tried again as a whole: the same entries always give the same tiles and,
as the root is a function of them, the same checkpoint.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from candid.ledger.authentic import AuthenticTiles
from candid.ledger.checkpoint import Checkpoint, SignedCheckpoint, open_checkpoint, sign_checkpoint
from candid.ledger.errors import (
    LedgerError,
    LogBroken,
    LogClosed,
    LogError,
    LogForked,
    LogFull,
    LogRolledBack,
    WitnessAhead,
    WitnessDisputes,
)
from candid.ledger.keys import SigningKey
from candid.ledger.layout import Layout
from candid.ledger.proofs import prove_consistency
from candid.ledger.recovery import Recovered
from candid.ledger.sequencer import Sequencer
from candid.ledger.sources import FolderSource
from candid.ledger.storage import Disk, DurableFiles, no_room, write_file
from candid.ledger.tiles import ENTRIES, Tile, encode_bundle, width_at
from candid.ledger.tree import TILE_WIDTH
from candid.ledger.witnessing import Witnesses

_LOGGER = logging.getLogger(__name__)
# Entries that are put into tiles at once; bounds how much memory catching up takes.
_CHUNK = 1 << 16


class Publisher:
    """Owns the right edge of the tree and the signed checkpoints."""

    # All of these are touched under _lock only.
    _signed: SignedCheckpoint  # the newest that was signed; the edge is of its tree or beyond
    _published: SignedCheckpoint | None
    _filled: list[Tile]  # tiles that became full since the last publication
    _closed: bool

    failure: str | None  # why the last attempt failed; written under _lock, read by anyone

    def __init__(
        self,
        layout: Layout,
        signer: SigningKey,
        recovered: Recovered,
        sequencer: Sequencer,
        *,
        disk: Disk,
        guard: Path | None,
        witnesses: Witnesses | None,
    ) -> None:
        """Take over the recovered state; nothing is written yet."""
        self._layout, self._signer, self._sequencer = layout, signer, sequencer
        self._disk, self._guard, self._witnesses = disk, guard, witnesses
        self._files = DurableFiles(disk, layout.folder)
        self._edge, self._bundle = recovered.edge, recovered.bundle
        self._signed, self._published = recovered.signed, recovered.published
        self._guarded = False  # whether the guard holds `_signed`; unknown at first
        self._confirmed = witnesses is None  # whether the witnesses were heard since the start
        self._filled, self._closed = [], False
        self.failure = None
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def published(self) -> SignedCheckpoint | None:
        """The public checkpoint."""
        return self._published

    @property
    def signed(self) -> SignedCheckpoint:
        """The newest checkpoint that was signed, published or not; asked for while `paused`."""
        return self._signed

    def start(self, interval: float) -> None:
        """Publish every `interval` seconds from a thread of its own."""
        self._thread = threading.Thread(
            target=self._run, args=(interval,), name="ledger-publisher", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """End the thread, publish what is left as far as possible, and publish no more."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        with suppress(LedgerError):  # it stays durable in the journal, and is published when opened again
            self.publish()
        with self._lock:
            self._closed = True

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Nothing is published meanwhile."""
        with self._lock:
            yield

    def publish(self) -> SignedCheckpoint:
        """Make public everything that is durable now.

        Returns:
            The public checkpoint.

        Raises:
            LogRolledBack, LogForked: a witness knows better; the log takes no more entries.
            QuorumError: too few witnesses cosigned; the checkpoint stays private and is offered again.
            LogFull, LogBroken: the disk is full, or failed.
            LogClosed: the log was closed.
        """
        with self._lock:
            if self._closed:
                raise LogClosed("the log is closed")
            try:
                published = self._publish()
            except OSError as error:
                self.failure = f"the checkpoint cannot be published: {error}"
                kind = LogFull if no_room(error) else LogBroken
                raise kind(self.failure) from error
            except LedgerError as error:
                self.failure = str(error)
                raise
            self.failure = None
            return published

    def _run(self, interval: float) -> None:
        told: str | None = None
        while not self._stop.wait(interval):
            try:
                self.publish()
                told = None
            except LedgerError as error:
                if str(error) != told:  # once, not at every interval
                    _LOGGER.warning("the log cannot publish: %s", error)
                told = str(error)

    def _publish(self) -> SignedCheckpoint:
        # 1. Tiles, of what is durable now: under load there is always more a moment later.
        goal = self._sequencer.size
        while self._edge.size < goal:
            self._integrate(min(_CHUNK, goal - self._edge.size))
        # 2. A signature, which nobody sees before it is kept.
        if self._edge.size > self._signed.size:
            signed = sign_checkpoint(
                Checkpoint(self._signer.name, self._edge.size, self._edge.root()), self._signer
            )
            write_file(self._disk, self._layout.signed, bytes(signed))
            self._signed, self._guarded = signed, False
            self._sequencer.drop(signed.size)
        if not self._guarded and self._guard is not None:
            write_file(self._disk, self._guard, bytes(self._signed))
        self._guarded = True
        # 3. Cosignatures, and the public checkpoint.
        if self._published is None or self._published.size < self._signed.size or not self._confirmed:
            public = self._cosigned()
            write_file(self._disk, self._layout.checkpoint, bytes(public))
            self._published, self._confirmed = public, True
            self._remove_partial()
        return self._published

    def _integrate(self, count: int) -> None:
        """Write the tiles and bundles of the next entries."""
        entries, hashes = self._sequencer.since(self._edge.size, count)
        edge, first = self._edge.copy(), self._edge.size // TILE_WIDTH
        tiles = {Tile(level, index): data for level, index, data in edge.append(b"".join(hashes))}
        filled = list(tiles)
        for level, index, data in edge.partial_tiles():
            tiles[Tile(level, index, width_at(level, index, edge.size))] = data
        bundle = self._bundle + entries
        for start in range(0, len(bundle), TILE_WIDTH):
            part = bundle[start : start + TILE_WIDTH]
            tiles[Tile(ENTRIES, first + start // TILE_WIDTH, len(part))] = encode_bundle(part)
        self._files.write({self._layout.folder / tile.path: data for tile, data in tiles.items()})
        self._edge, self._bundle = edge, bundle[len(bundle) - len(bundle) % TILE_WIDTH :]
        self._filled += filled

    def _cosigned(self) -> SignedCheckpoint:
        if self._witnesses is None:
            return self._signed
        tiles = AuthenticTiles(FolderSource(self._layout.folder), self._signed.checkpoint)
        turn = threading.Lock()

        def prove(old: int) -> Sequence[bytes]:
            with turn:
                return prove_consistency(old, self._signed.size, tiles.node)

        try:
            note = self._witnesses.cosign(self._signed, prove)
        except WitnessAhead as error:
            raise self._refuse(LogRolledBack(f"{error}: an older copy of the log was restored")) from error
        except WitnessDisputes as error:
            raise self._refuse(LogForked(str(error))) from error
        return open_checkpoint(bytes(note), self._signer.verifier)

    def _refuse(self, error: LogError) -> LogError:
        self._sequencer.refuse(error)
        return error

    def _remove_partial(self) -> None:
        """Remove partial tiles of tiles that are full now, as tlog-tiles allows; it may fail."""
        for tile in self._filled:
            for level in {tile.level, ENTRIES if tile.level == 0 else tile.level}:
                path = self._layout.folder / Tile(level, tile.index).path
                with suppress(OSError):
                    self._files.remove_folder(path.with_name(path.name + ".p"))
        self._filled = []
