"""The one thread that writes: what gathers while a commit is being synced becomes the next transaction.

A caller hands over a job, a function of the connection, and waits. The job is done within a savepoint, so one
that refuses leaves the others of its transaction alone. Only when the commit is on the disk and the index
knows of it is the caller answered: a write that was answered is there after any crash and in every later
read.

A job may be run more than once (if a transaction fails, each of its jobs is tried alone), so it must not
change anything but the database; what else is to change goes into `Written.applied`.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from candid.gallery.database import BUSY_MS, connect, explained
from candid.gallery.errors import GalleryClosed
from candid.gallery.scrubbing import Scrubber

Result = TypeVar("Result")

JOBS_A_TRANSACTION = 256
# The write-ahead log is copied into the database and emptied when it is longer.
LOG_BYTES = 64 * 2**20
# Milliseconds to wait for readers before emptying the log is put off.
PATIENCE_MS = 2_000
BRIEF_MS = 10
RETRY_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Written(Generic[Result]):
    """What a job did.

    Attributes:
        result: for its caller.
        applied: done after the commit and before the answer, in the order of the jobs.
        erases: something was deleted: the log, which may still hold it, is emptied before the answer.
    """

    result: Result
    applied: Callable[[], None] | None = None
    erases: bool = False


Job = Callable[[sqlite3.Connection], Written[Any]]


@dataclass(slots=True)
class _Pending:
    job: Job
    future: Future[Any]


class Writer:
    """Owns the writing connection."""

    trouble: str | None  # why the last transaction failed; set by the thread, read by anyone

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = connect(path, writes=True)  # used by the thread only, once it runs
        self._scrubber = Scrubber(path)
        self._queue: queue.SimpleQueue[_Pending | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._closed = False  # guarded by _lock, so that nothing is queued behind the end
        self._owed = False  # the log must be emptied as soon as it can be; the thread's
        self._not_before = 0.0  # when that is tried next, by the monotonic clock; the thread's
        self.trouble = None
        self._thread = threading.Thread(target=self._run, name="gallery writer", daemon=True)
        self._thread.start()

    def submit(self, job: Callable[[sqlite3.Connection], Written[Result]]) -> Result:
        """Do a job in the next transaction and wait until it is durable.

        Raises:
            GalleryClosed: the gallery has been closed.
            StorageFull, StorageUnavailable, GalleryDamaged: nothing was changed.
            GalleryError: what the job raised; it changed nothing.
        """
        pending = _Pending(job, Future())
        with self._lock:
            if self._closed:
                raise GalleryClosed("the gallery has been closed")
            self._queue.put(pending)
        result: Result = pending.future.result()
        return result

    def erased(self) -> bool:
        """Whether nothing of what was deleted before is in the log any more; tries to empty it first."""
        self.submit(lambda _: Written(None, erases=True))
        return not self._owed

    def close(self) -> None:
        """Finish what is queued, empty the log, close the connection."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        ended = False
        while not ended:
            batch, ended = self._gather()
            if batch:
                self._transact(batch)
            if (self._owed or self._log_bytes() > LOG_BYTES) and time.monotonic() >= self._not_before:
                self._empty_log()
        self._empty_log()
        self._connection.close()

    def release(self) -> None:
        """Close what must outlive every connection to the database."""
        self._scrubber.close()

    def _gather(self) -> tuple[list[_Pending], bool]:
        """What is queued; waits for the first. The flag says that the end was among it."""
        batch: list[_Pending] = []
        try:
            first = self._queue.get(timeout=RETRY_SECONDS if self._owed else None)
        except queue.Empty:
            return batch, False
        while True:
            if first is None:
                return batch, True
            batch.append(first)
            if len(batch) == JOBS_A_TRANSACTION:
                return batch, False
            try:
                first = self._queue.get_nowait()
            except queue.Empty:
                return batch, False

    def _transact(self, batch: list[_Pending]) -> None:
        try:
            outcomes = self._commit(batch)
        except sqlite3.Error as error:
            with suppress(sqlite3.Error):
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
            self._owed = True  # an emptied log may be what makes room
            if len(batch) == 1:
                explanation = explained(error, self._path)
                self.trouble = str(explanation)
                batch[0].future.set_exception(explanation)
                return
            for pending in batch:
                self._transact([pending])
            return
        self.trouble = None
        self._answer(batch, outcomes)

    def _commit(self, batch: list[_Pending]) -> list[Written[Any] | BaseException]:
        """One transaction of several jobs; a job's own refusal is its outcome.

        Raises:
            sqlite3.Error: the transaction as a whole failed.
        """
        connection = self._connection
        outcomes: list[Written[Any] | BaseException] = []
        connection.execute("BEGIN IMMEDIATE")
        for pending in batch:
            connection.execute("SAVEPOINT job")
            try:
                outcomes.append(pending.job(connection))
            except sqlite3.Error:
                raise
            except BaseException as error:  # noqa: BLE001 - the caller's, whatever it is; this thread must live
                connection.execute("ROLLBACK TO job")
                outcomes.append(error)
            connection.execute("RELEASE job")
        connection.execute("COMMIT")
        return outcomes

    def _answer(self, batch: list[_Pending], outcomes: list[Written[Any] | BaseException]) -> None:
        for index, outcome in enumerate(outcomes):
            if isinstance(outcome, Written) and outcome.applied is not None:
                try:
                    outcome.applied()
                except Exception as error:  # noqa: BLE001 - as above
                    outcomes[index] = error
        if any(isinstance(outcome, Written) and outcome.erases for outcome in outcomes):
            self._empty_log()
        for pending, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, Written):
                pending.future.set_result(outcome.result)
            else:
                pending.future.set_exception(outcome)

    def _log_bytes(self) -> int:
        try:
            return self._path.with_name(f"{self._path.name}-wal").stat().st_size
        except OSError:
            return 0

    def _empty_log(self) -> None:
        """Copy the log into the database, scrub and cut it; what cannot be done now stays owed."""
        try:
            # Who has waited once, for a backup perhaps, does not hold up every write until it is done.
            patience = BRIEF_MS if self._owed else PATIENCE_MS
            self._connection.execute(f"PRAGMA busy_timeout={patience}")
            self._owed = not self._scrubber.empty_log(self._connection)
            self._connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
        except (sqlite3.Error, OSError):
            self._owed = True
        self._not_before = time.monotonic() + RETRY_SECONDS if self._owed else 0.0

