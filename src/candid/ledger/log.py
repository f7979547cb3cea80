"""The log: append entries durably, and have them published in tiles under signed checkpoints."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from candid.ledger.checkpoint import Checkpoint, SignedCheckpoint, sign_checkpoint
from candid.ledger.errors import LedgerError, LogBroken, LogError, LogForked, LogRolledBack
from candid.ledger.journal import Batch, Journal
from candid.ledger.keys import Algorithm, SigningKey, VerifierKey
from candid.ledger.layout import Layout
from candid.ledger.publisher import Publisher
from candid.ledger.reader import LogReader
from candid.ledger.recovery import check_new, recover
from candid.ledger.sequencer import Pending, Sequenced, Sequencer
from candid.ledger.sources import FolderSource
from candid.ledger.storage import DISK, Disk, FolderLock, write_file
from candid.ledger.tree import EMPTY_ROOT, TILE_WIDTH
from candid.ledger.witnessing import Witnesses


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions:
    """How a log is run; the defaults are for a server.

    Attributes:
        guard: a file outside the log's folder, best on another medium, that holds the newest signed
            checkpoint.
            With it a restored older copy is noticed before it can fork the log.
        witnesses: who is asked to cosign before a checkpoint becomes public.
        publish_interval: seconds between publications; None: only when `publish` is called.
        max_unpublished: bytes of entries that may wait for publication before more are refused.
        clock: seconds since the epoch.
        disk: where to write.
    """

    guard: Path | None = None
    witnesses: Witnesses | None = None
    publish_interval: float | None = 1.0
    max_unpublished: int = 256 << 20
    clock: Callable[[], float] = time.time
    disk: Disk = DISK


@dataclass(frozen=True, slots=True)
class LogStatus:
    """How a log is.

    Attributes:
        size: durable entries.
        published: of which a public checkpoint stands for so many.
        failure: why the last publication failed; None if it did not.
    """

    size: int
    published: int
    failure: str | None


class Log:
    """An open log, for many threads. It must be closed, and is a context manager that does so."""

    def __init__(self, folder: Path, signer: SigningKey, options: LogOptions) -> None:
        """Use `open` or `create`."""
        self._layout, self._signer, self._witnesses = Layout(folder), signer, options.witnesses
        self._closing, self._closed = threading.Lock(), False
        self._lock = FolderLock(self._layout.lock)
        try:
            recovered = recover(self._layout, signer.verifier, options.guard)
            self._sequencer = Sequencer(
                self._layout.journal,
                recovered.tail,
                recovered.time,
                disk=options.disk,
                clock=options.clock,
                max_unpublished=options.max_unpublished,
            )
        except BaseException:
            self._lock.release()
            raise
        self._publisher = Publisher(
            self._layout,
            signer,
            recovered,
            self._sequencer,
            disk=options.disk,
            guard=options.guard,
            witnesses=options.witnesses,
        )

    @classmethod
    def create(cls, folder: Path, signer: SigningKey, options: LogOptions | None = None) -> Log:
        """Create an empty log and open it.

        Args:
            folder: where; it is made if missing and must hold no log.
            signer: the log's key; its name is the log's origin.
            options: how to run it.

        Raises:
            LogError: there is a log already, the guard knows one, or the disk fails.
        """
        options = options or LogOptions()
        layout, disk = Layout(folder), options.disk
        if signer.algorithm is not Algorithm.ED25519:
            raise LogError(f"the key of {signer.name} is for cosignatures; a log needs one of its own")
        try:
            layout.state.mkdir(parents=True, exist_ok=True)
            lock = FolderLock(layout.lock)
        except OSError as error:
            raise LogBroken(f"{folder} cannot be made a log: {error}") from error
        try:
            if cls.exists(folder):
                raise LogError(f"{folder} holds a log already: open it")
            check_new(options.guard, signer.verifier)
            signed = sign_checkpoint(Checkpoint(signer.name, 0, EMPTY_ROOT), signer)
            write_file(disk, layout.key, f"{signer.verifier}\n".encode())
            Journal.create(layout.journal, Batch(0, 0, ()), disk=disk).close()
            write_file(disk, layout.signed, bytes(signed))  # last: from here on there is a log
        except OSError as error:
            raise LogBroken(f"{folder} cannot be made a log: {error}") from error
        finally:
            lock.release()
        return cls.open(folder, signer, options)

    @classmethod
    def open(cls, folder: Path, signer: SigningKey, options: LogOptions | None = None) -> Log:
        """Open a log for appending, whatever way it was stopped, and bring its public files up to date.

        Args:
            folder: the log's.
            signer: the log's key.
            options: how to run it.

        Raises:
            LogLocked: it is open elsewhere.
            LogRolledBack, LogForked: it is not the log that was signed before.
            LogBroken: files are missing or damaged, or the disk fails.
            LogError: there is no log.
        """
        options = options or LogOptions()
        if not Layout(folder).state.is_dir():
            raise LogError(f"{folder} holds no log: create one, or name another folder")
        try:
            log = cls(folder, signer, options)
        except OSError as error:
            raise LogBroken(f"the log in {folder} cannot be opened: {error}") from error
        try:
            log._first_publication()
        except BaseException:
            log.close()
            raise
        if options.publish_interval is not None:
            log._publisher.start(options.publish_interval)
        return log

    @staticmethod
    def exists(folder: Path) -> bool:
        """Whether a folder holds a log, or what is left of one."""
        layout = Layout(folder)
        return layout.signed.exists() or layout.checkpoint.exists() or layout.tiles.exists()

    @property
    def origin(self) -> str:
        """The log's name."""
        return self._signer.name

    @property
    def key(self) -> VerifierKey:
        """The log's public key."""
        return self._signer.verifier

    @property
    def folder(self) -> Path:
        """Where its public files lie."""
        return self._layout.folder

    @property
    def size(self) -> int:
        """How many entries are durable."""
        return self._sequencer.size

    @property
    def checkpoint(self) -> SignedCheckpoint | None:
        """The public checkpoint; None only until the first could be published."""
        return self._publisher.published

    def cosigned_by(self) -> list[tuple[str, int]]:
        """The witnesses that cosigned the public checkpoint, and when each did: seconds since the epoch."""
        public = self._publisher.published
        return [] if public is None or self._witnesses is None else self._witnesses.cosigned(public.note)

    def submit(self, entries: Sequence[bytes]) -> Pending:
        """Hand in entries without waiting; they will stand next to each other.

        Raises:
            EntryError: one of them is no bytes, or has more than 65,535; none was taken.
            LogClosed: the log was closed.
        """
        return self._sequencer.submit(entries)

    def append(self, entry: bytes, *, timeout: float | None = None) -> Sequenced:
        """Append one entry and return once it is durable.

        Args:
            entry: at most 65,535 bytes.
            timeout: seconds to wait; None waits as long as it takes.

        Raises:
            EntryError: it is no entry.
            LogFull: there is no room; append again once there is.
            LogError: refused, or not known in time whether it is durable.
        """
        return self.submit((entry,)).result(timeout)[0]

    def append_here(self, entries: Sequence[bytes]) -> list[Sequenced]:
        """As `append_many`, in the calling thread: for a caller that gathers the entries of others itself.

        Raises:
            LogError: as `append`.
        """
        return self._sequencer.append_here(entries)

    def append_many(self, entries: Sequence[bytes], *, timeout: float | None = None) -> list[Sequenced]:
        """Append entries that shall stand next to each other, and return once all are durable.

        Raises:
            LogError: as `append`. Where a crash comes first, some of them may be in the log and others not.
        """
        return self.submit(entries).result(timeout)

    def publish(self) -> SignedCheckpoint:
        """Make public everything that is durable now, without waiting for the interval.

        Raises:
            LogError, QuorumError: why it could not; see `Publisher.publish`.
        """
        return self._publisher.publish()

    def entries(self, start: int = 0) -> Iterator[tuple[int, bytes]]:
        """Durable entries with their indexes, in order, also those that are not public yet.

        Nothing is published while they are read: for the owner of the log, who goes on from where it stopped.

        Raises:
            ProofError, TileError, SourceError: the files are not what was signed.
        """
        with self._publisher.paused():
            signed = self._publisher.signed
            if start < signed.size:
                yield from LogReader(FolderSource(self.folder), signed).entries(start)
                start = signed.size
            while entries := self._sequencer.since(start, TILE_WIDTH)[0]:
                yield from enumerate(entries, start)
                start += len(entries)

    def status(self) -> LogStatus:
        """How the log is."""
        published = self._publisher.published
        return LogStatus(self.size, 0 if published is None else published.size, self._publisher.failure)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Nothing in the folder changes meanwhile, so that a copy of it is of one moment. Appending waits."""
        with self._publisher.paused(), self._sequencer.paused():
            yield

    def close(self) -> None:
        """Make durable and publish what was handed in, as far as possible, and let go of the folder."""
        with self._closing:
            if not self._closed:
                self._closed = True
                self._sequencer.close()
                self._publisher.close()
                self._lock.release()

    def __enter__(self) -> Log:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _first_publication(self) -> None:
        """Catch up after a stop, and hear from the witnesses whether this is the newest copy of the log."""
        try:
            self._publisher.publish()
        except (LogRolledBack, LogForked):
            raise
        except LedgerError:  # no room, or no quorum: appending works; `status` says it, and it is tried again
            return
