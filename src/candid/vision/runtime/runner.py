"""A model that many threads use at once: what waits while it is busy becomes the next batch.

There is no timer: a lone caller runs in its own thread at once. While all slots are taken, callers queue; a
caller that finishes hands its slot to the first in the queue, who runs for itself and for those behind it
whose arrays fit.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from candid.vision.errors import EngineClosed
from candid.vision.runtime.lanes import Lanes
from candid.vision.runtime.recording import is_recording, note
from candid.vision.runtime.session import Array, Session, rows_of
from candid.vision.runtime.tally import count

Outputs = tuple[Array, ...]
Piece = TypeVar("Piece")
Result = TypeVar("Result")


def _held() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock


@dataclass(slots=True, eq=False)
class _Ticket:
    """One caller's array on its way through; touched by its caller and by whoever runs it, never both at once."""

    array: Array
    called: threading.Lock = field(default_factory=_held)  # released once, when it need wait no more
    outputs: Outputs | None = None
    error: BaseException | None = None

    @property
    def answered(self) -> bool:
        return self.outputs is not None or self.error is not None

    def joins(self, other: _Ticket) -> bool:
        return self.array.shape[1:] == other.array.shape[1:] and self.array.dtype == other.array.dtype


@dataclass(frozen=True, slots=True)
class Count:
    """Forward passes, and the rows in them."""

    passes: int
    rows: int


class Runner:
    """A session behind a queue."""

    _waiting: deque[_Ticket]  # guarded by _lock, as are the fields below
    _free: int
    _closed: bool
    _passes: int
    _rows: int
    _session: Session | None

    def __init__(
        self,
        name: str,
        open_: Callable[[], Session],
        *,
        lanes: Lanes,
        slots: int,
        max_batch: int,
        fixed: bool = False,
    ) -> None:
        """A runner whose session is opened at its first use.

        Args:
            name: for counters.
            open_: opens the session.
            lanes: where `run_all` finds help.
            slots: passes that may run side by side.
            max_batch: most rows a pass.
            fixed: the model takes `max_batch` rows and no fewer; short batches are filled up.
        """
        self.name = name
        self._open = open_
        self._lanes = lanes
        self._max_batch = max_batch
        self._fixed = fixed
        self._lock = threading.Lock()
        self._opening = threading.Lock()
        self._waiting = deque()
        self._free = slots
        self._closed = False
        self._passes = self._rows = 0
        self._session = None

    @property
    def session(self) -> Session:
        """The opened session.

        Raises:
            EngineClosed: the runner has been closed.
            ModelError: it cannot be opened.
        """
        with self._opening:
            if self._closed:
                raise EngineClosed("the engine has been closed; open another")
            if self._session is None:
                self._session = self._open()
            return self._session

    def run(self, array: Array) -> Outputs:
        """Outputs for these rows, in their order; blocks until they are there.

        Args:
            array: (rows, …) as the model wants it; no row gives what the model gives for none.

        Raises:
            EngineClosed: the runner has been closed.
            ModelError: the model cannot be opened.
        """
        note(self, [array])
        outputs = self._run(array)
        count(self.name, rows_of(array))
        return outputs

    def run_all(self, arrays: Sequence[Array]) -> list[Outputs]:
        """`run` for several arrays of different shapes, side by side where a core is free."""
        return self.run_each(arrays, _as_it_is, _outputs_alone)

    def run_each(
        self,
        pieces: Sequence[Piece],
        prepare: Callable[[Piece], Array],
        read: Callable[[Piece, Outputs], Result],
    ) -> list[Result]:
        """`run_all`, with the work before and after each pass spread too.

        It is for work that is done in few calls. Threads that both do many short ones, such as cutting out dozens of
        small squares, spend longer on handing Python's lock to and fro than they gain.

        Args:
            pieces: whatever `prepare` takes.
            prepare: gives the array to run.
            read: gives the result from a piece and its outputs, in the thread that ran it.
        """
        kept: dict[int, Array] | None = {} if is_recording() else None
        ran = [0] * len(pieces)  # rows; each item is written by one thread

        def run_one(index: int) -> Result:
            array = prepare(pieces[index])
            if kept is not None:
                kept[index] = array
            outputs = self._run(array)
            ran[index] = rows_of(array)
            return read(pieces[index], outputs)

        try:
            results = self._lanes.map(run_one, range(len(pieces)))
        finally:
            count(self.name, sum(ran))
        if kept is not None:
            note(self, [kept[index] for index in sorted(kept)])
        return results

    def run_rows(self, rows: Array) -> Outputs:
        """`run`, with the rows divided over the free cores."""
        parts = np.array_split(rows, min(rows_of(rows), self._lanes.free())) if rows_of(rows) > 1 else [rows]
        outputs = self.run_all(parts)
        return outputs[0] if len(parts) == 1 else tuple(map(np.concatenate, zip(*outputs, strict=True)))

    def replay(self, arrays: Sequence[Array]) -> None:
        """The bare passes of `run_all`, for measuring; nothing is queued, joined or counted."""
        session = self.session
        self._lanes.map(lambda array: self._passes_of(session, array), arrays)

    def count(self) -> Count:
        """What has been run since the runner was made."""
        with self._lock:
            return Count(self._passes, self._rows)

    def close(self) -> None:
        """Refuse new calls and those that wait; passes under way are answered."""
        with self._lock:
            self._closed = True
            waiting = list(self._waiting)
            self._waiting.clear()
        for ticket in waiting:
            ticket.error = EngineClosed("the engine has been closed; open another")
            ticket.called.release()
        with self._opening:
            self._session = None

    def _run(self, array: Array) -> Outputs:
        session = self.session
        ticket = _Ticket(array)
        with self._lock:
            if self._closed:
                raise EngineClosed("the engine has been closed; open another")
            lead = self._free > 0
            if lead:
                self._free -= 1
            else:
                self._waiting.append(ticket)
        if not lead:
            ticket.called.acquire()
        if not ticket.answered:
            self._lead(session, ticket)
        if ticket.error is not None:
            raise ticket.error
        if ticket.outputs is None:
            raise RuntimeError("a batch ended without an answer")
        return ticket.outputs

    def _lead(self, session: Session, first: _Ticket) -> None:
        """Run a batch that begins with one's own ticket, then pass the slot on."""
        with self._lock:
            batch = [first, *self._take_joining(first)]
        try:
            self._answer(session, batch)
        finally:
            with self._lock:
                heir = self._waiting.popleft() if self._waiting else None
                if heir is None:
                    self._free += 1
            for ticket in batch[1:]:
                if not ticket.answered:  # the leader was interrupted
                    ticket.error = RuntimeError("the batch was interrupted; try again")
                ticket.called.release()
            if heir is not None:
                heir.called.release()

    def _take_joining(self, first: _Ticket) -> list[_Ticket]:
        """Those that wait and fit behind `first`; the others keep their order. Called under the lock."""
        room = self._max_batch - rows_of(first.array)
        taken = []
        for ticket in list(self._waiting):
            rows = rows_of(ticket.array)
            if rows <= room and ticket.joins(first):
                taken.append(ticket)
                self._waiting.remove(ticket)
                room -= rows
        return taken

    def _answer(self, session: Session, batch: list[_Ticket]) -> None:
        try:
            outputs = self._pass(session, np.concatenate([t.array for t in batch])) if len(batch) > 1 else None
        except Exception:  # noqa: BLE001 - whose array it was is found by running each alone
            outputs = None
        if outputs is not None:
            at = 0
            for ticket in batch:
                end = at + rows_of(ticket.array)
                ticket.outputs = tuple(each[at:end] for each in outputs)
                at = end
            return
        for ticket in batch:
            try:
                ticket.outputs = self._pass(session, ticket.array)
            except Exception as error:  # noqa: BLE001 - raised again in the caller's thread
                ticket.error = error

    def _pass(self, session: Session, array: Array) -> Outputs:
        rows = rows_of(array)
        outputs = self._passes_of(session, array)
        with self._lock:
            self._passes += len(outputs)
            self._rows += rows
        joined = outputs[0] if len(outputs) == 1 else tuple(map(np.concatenate, zip(*outputs, strict=True)))
        return tuple(each[:rows] for each in joined) if self._fixed else joined

    def _passes_of(self, session: Session, array: Array) -> list[Outputs]:
        """Forward passes of at most `max_batch` rows each."""
        parts = [array[i : i + self._max_batch] for i in range(0, max(rows_of(array), 1), self._max_batch)]
        return [session.run(self._filled(part)) for part in parts]

    def _filled(self, array: Array) -> Array:
        missing = self._max_batch - rows_of(array) if self._fixed else 0
        return np.pad(array, [(0, missing)] + [(0, 0)] * (array.ndim - 1)) if missing else array


def _as_it_is(array: Array) -> Array:
    return array


def _outputs_alone(_piece: Array, outputs: Outputs) -> Outputs:
    return outputs
