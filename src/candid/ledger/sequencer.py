"""One thread gives every entry its index and makes it durable, for all callers at once; or a caller does it itself.

While the thread waits for the disk, further entries gather; they become the next batch: one write, one fsync,
however many callers wait (group commit). Nothing is acknowledged before its fsync. When the disk is full, the
batch is refused and what fitted of it is cut off. When the disk fails, the batch is refused and the journal is
written anew from memory before the next one: what a failed fsync left on disk is never built upon.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from candid.ledger.errors import EntryError, LogBroken, LogClosed, LogError, LogFull
from candid.ledger.journal import Batch, Journal
from candid.ledger.storage import Disk, check_room, no_room
from candid.ledger.tiles import MAX_ENTRY
from candid.ledger.tree import hash_leaf

# The journal is written anew, without what is in tiles already, once it has grown by so much.
_ROTATE_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Sequenced:
    """What an entry became.

    Attributes:
        index: its place in the log, for ever.
        leaf_hash: its RFC 6962 leaf hash.
        time: when it was sequenced, milliseconds since the epoch; never less than an earlier entry's.
    """

    index: int
    leaf_hash: bytes
    time: int


class Pending:
    """Entries on their way into the log."""

    __slots__ = ("_done", "_error", "_first", "_time", "entries", "hashes")

    def __init__(self, entries: Sequence[bytes]) -> None:
        self.entries = entries
        self.hashes = [hash_leaf(entry) for entry in entries]
        self._first = self._time = 0
        self._error: LogError | None = None
        self._done = threading.Lock()  # held until the outcome is known: cheaper than an Event for each entry
        self._done.acquire()

    def settle(self, first: int, time: int, error: LogError | None) -> None:
        """Tell the outcome to whoever waits."""
        self._first, self._time, self._error = first, time, error
        self._done.release()

    def result(self, timeout: float | None = None) -> list[Sequenced]:
        """Wait until the entries are durable.

        Args:
            timeout: seconds; None waits as long as it takes.

        Returns:
            One for each entry, in order, with consecutive indexes.

        Raises:
            LogError: refused (`LogFull`, `LogClosed`, `LogBroken`), or not known in time.
        """
        if not self._done.acquire(timeout=-1 if timeout is None else timeout):
            raise LogError(f"not durable after {timeout} s; the entries may still come into the log")
        self._done.release()
        if self._error is not None:
            raise type(self._error)(str(self._error))  # each waiter its own, as each adds its traceback
        first, time = self._first, self._time
        return [Sequenced(first + i, leaf_hash, time) for i, leaf_hash in enumerate(self.hashes)]


@dataclass(slots=True)
class Tail:
    """Durable entries that are not in tiles yet: `entries[i]` has index `first + i`."""

    first: int
    entries: list[bytes]
    hashes: list[bytes]
    size: int = 0  # bytes of the entries and of the lengths before them

    def extend(self, entries: Sequence[bytes], hashes: Sequence[bytes]) -> None:
        """Add entries at the end."""
        self.entries.extend(entries)
        self.hashes.extend(hashes)
        self.size += _bytes(entries)

    def drop(self, upto: int) -> None:
        """Forget the entries before index `upto`."""
        count = upto - self.first
        self.size -= _bytes(self.entries[:count])
        del self.entries[:count], self.hashes[:count]
        self.first = upto

    @property
    def end(self) -> int:
        """The index that the next entry gets."""
        return self.first + len(self.entries)


def _checked(entries: Sequence[bytes]) -> Pending:
    for entry in entries:
        if not isinstance(entry, bytes):
            raise EntryError(f"an entry is bytes, not {type(entry).__name__}")
        if len(entry) > MAX_ENTRY:
            raise EntryError(f"an entry has at most {MAX_ENTRY} bytes, not {len(entry)}: log its hash instead")
    return Pending(tuple(entries))


def _bytes(entries: Sequence[bytes]) -> int:
    return sum(map(len, entries)) + 2 * len(entries)


class Sequencer:
    """Owns the journal and the tail; see the module."""

    _pending: list[Pending]  # guarded by _lock; swapped whole when a batch starts, never edited
    _closing: bool  # guarded by _lock
    _idle: bool  # guarded by _lock: the thread sleeps and must be woken
    _tail: Tail  # guarded by _commit for writing by the thread, and by _lock for every reader
    _time: int  # touched under _commit only: the time of the newest entry
    _refused: LogError | None  # guarded by _commit: why nothing is taken any more
    _journal: Journal | None  # touched under _commit only; None: must be created before the next batch

    def __init__(
        self,
        path: Path,
        tail: Tail,
        last_time: int,
        *,
        disk: Disk,
        clock: Callable[[], float],
        max_unpublished: int,
    ) -> None:
        """Start the thread.

        Args:
            path: the journal file.
            tail: what the journal held beyond the tiles.
            last_time: the time of the newest entry, milliseconds.
            disk: where to write.
            clock: seconds since the epoch.
            max_unpublished: bytes of entries that may wait for publication; more are refused.

        Raises:
            OSError: the journal cannot be written, for another reason than a lack of room.
        """
        self._path, self._disk, self._clock, self._max_unpublished = path, disk, clock, max_unpublished
        self._tail, self._time = tail, last_time
        self._pending, self._closing, self._idle = [], False, False
        self._lock = threading.Lock()
        self._commit = threading.Lock()  # held while a batch is written; taken before _lock
        self._wake = threading.Semaphore(0)
        self._journal = self._refused = None
        try:
            self._create_journal()
        except OSError as error:
            if not no_room(error):
                raise
        self._thread = threading.Thread(target=self._run, name="ledger-sequencer", daemon=True)
        self._thread.start()

    def submit(self, entries: Sequence[bytes]) -> Pending:
        """Hand in entries, to stand next to each other in the log.

        Raises:
            EntryError: one of them is no bytes or too large; none was taken.
            LogClosed: the log was closed.
        """
        pending = _checked(entries)
        with self._lock:
            if self._closing:
                raise LogClosed("the log is closed")
            self._pending.append(pending)
            wake, self._idle = self._idle, False
        if wake:
            self._wake.release()
        return pending

    def append_here(self, entries: Sequence[bytes]) -> list[Sequenced]:
        """Make entries durable in the calling thread: for a caller that gathers those of others itself.

        It spares both hand-overs to the sequencer's thread and back, which take as long as a quick disk's fsync.
        Batches of that thread and of callers here come one after the other.

        Raises:
            As `submit` and `Pending.result`.
        """
        pending = _checked(entries)
        with self._lock:
            if self._closing:
                raise LogClosed("the log is closed")
        self._write([pending])
        return pending.result()

    @property
    def size(self) -> int:
        """How many entries are durable."""
        with self._lock:
            return self._tail.end

    def since(self, index: int, limit: int) -> tuple[list[bytes], list[bytes]]:
        """At most `limit` durable entries from an index on that is not yet dropped, and their leaf hashes."""
        with self._lock:
            start = index - self._tail.first
            return self._tail.entries[start : start + limit], self._tail.hashes[start : start + limit]

    def drop(self, upto: int) -> None:
        """Say that the entries before `upto` are in tiles for good."""
        with self._commit, self._lock:
            self._tail.drop(upto)

    def refuse(self, error: LogError) -> None:
        """Take no more entries, for this reason."""
        with self._commit:
            self._refused = error

    @contextmanager
    def paused(self) -> Iterator[None]:
        """No batch is written meanwhile."""
        with self._commit:
            yield

    def close(self) -> None:
        """Make durable what was handed in, then stop."""
        with self._lock:
            self._closing = True
        self._wake.release()
        self._thread.join()

    def _run(self) -> None:
        batch: list[Pending] = []
        try:
            while batch := self._next():
                self._write(batch)
        finally:  # also after an error that nobody foresaw, nobody may wait for ever
            with self._lock:
                self._closing, left = True, self._pending
                self._pending = []
            for pending in left:
                pending.settle(0, 0, LogClosed("the log was closed"))
            with self._commit:  # a caller that appends in its own thread ends first, and who comes later is refused
                self._refused = self._refused or LogClosed("the log was closed")
                self._forget_journal()

    def _next(self) -> list[Pending]:
        """The next batch; empty when the log is closed."""
        while True:
            with self._lock:
                if self._pending or self._closing:
                    batch, self._pending = self._pending, []
                    return batch
                self._idle = True
            self._wake.acquire()

    def _write(self, pending: list[Pending]) -> None:
        first = time = 0
        outcome: LogError | None = LogBroken("the log failed in a way that nobody foresaw")
        try:
            with self._commit:
                first = self._tail.end
                outcome = self._commit_batch(first, pending)
                time = self._time
        finally:
            for group in pending:
                group.settle(first, time, outcome)
                first += len(group.entries)

    def _commit_batch(self, first: int, pending: list[Pending]) -> LogError | None:
        """Make a batch durable, or say why it is refused."""
        if (refusal := self._refusal()) is not None:
            return refusal
        entries = [entry for group in pending for entry in group.entries]
        if (refusal := self._make_durable(Batch(first, self._advance_clock(), entries))) is not None:
            return refusal
        with self._lock:
            self._tail.extend(entries, [leaf for group in pending for leaf in group.hashes])
        return None

    def _refusal(self) -> LogError | None:
        if self._refused is not None:
            return self._refused
        if self._tail.size <= self._max_unpublished:
            return None
        return LogFull(
            f"{self._tail.size} bytes of entries wait to be published, and more are not taken: "
            "see the log's status for why it cannot publish"
        )

    def _advance_clock(self) -> int:
        self._time = max(self._time, int(self._clock() * 1000))
        return self._time

    def _make_durable(self, batch: Batch) -> LogError | None:
        try:
            journal = self._journal
            if journal is None or journal.size > _ROTATE_BYTES + self._tail.size:
                journal = self._create_journal()
            journal.append(batch)
        except OSError as error:
            if self._journal is not None and not self._journal.intact:
                self._forget_journal()
            if no_room(error):
                return LogFull(
                    "the disk is full: nothing was appended; make room and go on, no restart is needed"
                )
            return LogBroken(f"the disk failed and nothing was appended: {error}")
        return None

    def _create_journal(self) -> Journal:
        check_room(self._disk, self._path.parent, self._tail.size)
        self._forget_journal()
        # The carried entries keep their order and indexes; of their times only the newest is needed again.
        carried = Batch(self._tail.first, self._time, self._tail.entries)
        self._journal = Journal.create(self._path, carried, disk=self._disk)
        return self._journal

    def _forget_journal(self) -> None:
        if self._journal is not None:
            self._journal.close()
            self._journal = None
