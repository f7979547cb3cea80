"""Writes entries: gives each its time and each call its number, appends them, and signs receipts.

Calls that wait for the disk are gathered: the thread that is first takes all that wait, numbers them, appends them
together and tells the others (the pattern of `candid.vision.runtime.runner`). So numbers have no gap even where the
disk is full: what could not be appended took no number.
"""

from __future__ import annotations

import logging
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path
from typing import Any

from candid.governance import POLICY_VERSION, RULES
from candid.ledger import Log, LogOptions, SigningKey
from candid.ledger.errors import LedgerError
from candid.ledger.receipt import Receipt
from candid.ledger.sequencer import Sequenced
from candid.ledger.storage import DISK, Disk
from candid.recording.calls import CallFacts, call_entries
from candid.recording.catching_up import catch_up
from candid.recording.draft import Draft, Entry
from candid.recording.errors import ActRefused, NotRecorded
from candid.recording.keys import vrf_key
from candid.recording.labels import IdentityMap, map_folder
from candid.recording.run import LoadedModel, Software, start_entry
from candid.recording.snapshot import read_snapshot, write_snapshot
from candid.recording.state import ACTS_ONCE, State, act_digest
from candid_verify.canonical import decode_bytes, encode_bytes
from candid_verify.errors import VerifyError
from candid_verify.labels import VERSION as LABELS_VERSION

Observer = Callable[[int, Mapping[str, Any]], None]
"""Told of each entry once it is durable: index, entry."""

EngineCounters = Callable[[], Mapping[str, Mapping[str, int]]]
"""Passes and rows of each model since the start."""

_log = logging.getLogger("candid.recording")


class _Job:
    """Entries on their way into the log, all of them or none."""

    __slots__ = ("alone", "done", "error", "make", "placed")

    def __init__(self, make: Callable[[Draft], list[Entry]], *, alone: bool) -> None:
        self.make = make
        self.alone = alone  # nothing else stands in its batch, as it changes the map
        self.placed: list[Sequenced] = []
        self.error: Exception | None = None
        self.done = threading.Lock()  # held until the outcome is known, or until this thread must lead
        self.done.acquire()


class Recorder:
    """The log of one data folder, open for writing. Thread-safe."""

    _waiting: list[_Job]  # guarded by _lock
    _leading: bool  # guarded by _lock
    _failing: float | None  # since when the log refuses; touched by the leader, read by anyone
    _refused: int  # calls since then; guarded by _lock
    _state: State  # touched by the leader only
    _unmapped: list[tuple[list[bytes], bytes]]  # keys and leaf hash of entries that the map lacks; the leader's

    def __init__(
        self,
        log: Log,
        signer: SigningKey,
        identities: IdentityMap,
        state: State,
        snapshot: Path,
        *,
        clock: Callable[[], float],
        disk: Disk,
    ) -> None:
        """Use `open_recorder`."""
        self._log, self._signer, self._map, self._state = log, signer, identities, state
        self._snapshot, self._clock, self._disk = snapshot, clock, disk
        self._vrf = vrf_key(signer)
        self._lock = threading.Lock()
        self._waiting, self._leading, self._failing, self._refused = [], False, None, 0
        self._engine: EngineCounters | None = None
        self._observers: list[Observer] = []
        self._running = False
        self._resuming = threading.Lock()  # one caller finds out whether the log can be written again
        self._unmapped = []

    @property
    def log(self) -> Log:
        """The log itself."""
        return self._log

    @property
    def state(self) -> State:
        """The log in sum; not to be changed."""
        return self._state

    @property
    def trouble(self) -> str | None:
        """Why nothing can be recorded now; None where it can."""
        return None if self._failing is None else "the log cannot be written; see the server's log for why"

    def observe(self, observer: Observer) -> None:
        """Have an observer told of each entry from now on."""
        self._observers.append(observer)

    def begin(self, software: Software) -> None:
        """Enter what the log is, if it is empty, and the map's root, if a crash came before it was.

        Raises:
            NotRecorded, LedgerError: the log takes no entry.
        """
        if self._state.size == 0:
            entry = {"kind": "log/1", "origin": self._signer.name, "vrf": encode_bytes(self._vrf.public.encoded)}
            self._write(lambda _: [{**entry, "labels": LABELS_VERSION, "software": software.as_json()}])
        elif self._state.mapped < self._state.labelled:
            self._settle_map()

    def start(self, *, software: Software, models: Sequence[LoadedModel], engine: EngineCounters) -> None:
        """Enter the start of a server, and how things stand.

        Raises:
            NotRecorded: the log takes no entry.
        """
        previous = "none" if self._state.run is None else "clean" if self._state.clean else "unclean"
        rules = [rule.__name__ for rule in RULES]
        entry = start_entry(software=software, models=models, policy=POLICY_VERSION, rules=rules, previous=previous)
        self._engine = engine
        self._write(lambda _: [entry])
        self._running = True
        self.enter_state()

    def stop(self) -> None:
        """Enter the end of the server.

        Raises:
            NotRecorded: the log takes no entry.
        """
        self._running = False
        engine = self._counters()
        self._write(lambda draft: [{"kind": "stop/1", "run": draft.run, "calls": draft.calls, "engine": engine}])
        self._engine = None

    def check(self) -> None:
        """Ask, before anything is done that must be recorded, whether it can be.

        Raises:
            NotRecorded: it cannot.
        """
        if self._failing is None:
            return
        with self._resuming:
            self._resume()

    def _resume(self) -> None:
        since = self._failing
        if since is None:  # another caller has found out meanwhile
            return
        with self._lock:
            self._refused += 1
            refused = self._refused
        self._write(lambda _: [{"kind": "resumed/1", "refused": refused, "since": int(since * 1000)}])
        with self._lock:
            self._refused = 0

    def call(self, facts: CallFacts, *, secret: bytes | None) -> str:
        """Enter a decided call.

        Args:
            facts: of the call.
            secret: of the customer's pseudonyms; None where it is erased.

        Returns:
            Its receipt, once the entry is durable: base64url, without padding, of a signed note.

        Raises:
            NotRecorded: the log takes no entry.
        """
        entries = call_entries(facts, secret=secret, vrf=self._vrf)
        placed = self._write(lambda draft: [draft.numbered(entries[0]), *entries[1:]])
        note = Receipt(self._signer.name, placed[0]).sign(self._signer)
        return urlsafe_b64encode(bytes(note)).rstrip(b"=").decode()

    def act(self, body: Mapping[str, Any], labels: Sequence[bytes] | None = None) -> int:
        """Enter an act; the index of its entry.

        Args:
            body: the entry without `time`; of `state/1` and `statement/1` what the recorder knows may be missing.
            labels: of a customer and its owners, for a `customer/1` entry.

        Raises:
            ActRefused: it is no act that can stand in the log.
            NotRecorded: the log takes no entry.
        """
        if body.get("kind") == "state/1":
            return self.enter_state()
        entry = dict(body)
        if labels is not None:
            entry["labels"] = list(dict.fromkeys(encode_bytes(self._vrf.output(label)[:32]) for label in labels))
        if entry["kind"] in ACTS_ONCE and act_digest(entry) == self._state.act:
            return self._state.act_entry  # a crash came between its entry and the note that it stands
        placed = self._write(lambda draft: [draft.completed(entry)], alone=labels is not None)
        return placed[0].index

    def enter_state(self) -> int:
        """Enter how things stand; the index of the entry.

        Raises:
            NotRecorded: the log takes no entry.
        """
        public = self._public()
        return self._write(lambda draft: [self._state_entry(draft, public)])[0].index

    def close(self) -> None:
        """Close log and map; what was entered stays. A snapshot makes the next start quick."""
        self._log.close()
        self._map.close()
        try:
            write_snapshot(self._snapshot, self._state, disk=self._disk)
        except OSError as error:
            _log.warning("the snapshot cannot be written (%s); the next start reads the whole log", error.strerror)

    def _state_entry(self, draft: Draft, public: Mapping[str, Any] | None) -> Entry:
        version = self._map.latest
        known: dict[str, Any] = {"version": version.number, "root": encode_bytes(version.root), "count": version.count}
        if draft.map_entry is not None:
            known["entry"] = draft.map_entry
        entry: Entry = {"kind": "state/1", "map": known, "customers": draft.customers}
        if public is not None:
            entry["public"] = public
        if self._running:
            entry |= {"run": draft.run, "calls": draft.calls, "engine": self._counters()}
        return entry

    def _public(self) -> dict[str, Any] | None:
        signed = self._log.checkpoint
        if signed is None:
            return None
        seen = [{"name": name, "time": 1000 * at} for name, at in self._log.cosigned_by()]
        return {"size": signed.size, "root": encode_bytes(signed.root), "witnesses": seen}

    def _counters(self) -> dict[str, Mapping[str, int]]:
        return {} if self._engine is None else dict(self._engine())

    def _write(self, make: Callable[[Draft], list[Entry]], *, alone: bool = False) -> list[Sequenced]:
        """Hand in what makes entries, lead the batch or wait for who leads it."""
        job = _Job(make, alone=alone)
        with self._lock:
            self._waiting.append(job)
            lead, self._leading = not self._leading, True
        if not lead:
            job.done.acquire()
        if not job.placed and job.error is None:
            self._lead()
        if job.error is not None:
            raise job.error
        return job.placed

    def _lead(self) -> None:
        with self._lock:
            batch, self._waiting = self._waiting, []
        try:
            for alone, jobs in groupby(batch, key=lambda job: job.alone):
                for group in [[job] for job in jobs] if alone else [list(jobs)]:
                    self._append(group)
        finally:
            with self._lock:
                heir = self._waiting[0] if self._waiting else None
                self._leading = heir is not None
            for job in batch:
                if not job.placed and job.error is None:  # the leader was interrupted
                    job.error = NotRecorded("the log was interrupted; try again")
                job.done.release()
            if heir is not None:
                heir.done.release()

    def _append(self, group: Sequence[_Job]) -> None:
        try:
            self._settle_map()
            draft = Draft(self._state, now=self._now())
            counts = [draft.take(job.make) for job in group]
            placed = self._log.append_many(draft.data)
        except (VerifyError, ActRefused) as error:
            self._apart(group, error)
            return
        except LedgerError as error:
            self._fail(group, error)
            return
        self._failing = None
        self._note(draft, placed)
        at = 0
        for job, count in zip(group, counts, strict=True):
            job.placed = placed[at : at + count]
            at += count
        if self._unmapped:
            try:
                self._settle_map()
            except LedgerError as error:  # the entry stands; the next one waits until the map has caught up
                _log.error("the map of labels lags behind: %s", error)

    def _apart(self, group: Sequence[_Job], error: Exception) -> None:
        """One of a group cannot be entered: find out which, so that the others are."""
        if len(group) == 1:
            group[0].error = ActRefused(f"nothing was entered: {error}")
            return
        for job in group:
            self._append([job])

    def _note(self, draft: Draft, placed: Sequence[Sequenced]) -> None:
        """Sum up what is durable now."""
        for entry, place in zip(draft.entries, placed, strict=True):
            self._state.add(entry, place.leaf_hash)
            if entry["kind"] == "customer/1" and "labels" in entry:
                keys = [decode_bytes(key, 32) for key in entry["labels"]]
                self._unmapped.append((keys, place.leaf_hash))
            for observer in self._observers:
                observer(place.index, entry)

    def _settle_map(self) -> None:
        """Bring the map up to the entries, and enter its root where that is owed.

        Raises:
            LedgerError: map or log cannot be written.
        """
        while self._unmapped:
            self._map.add(*self._unmapped[0])
            self._unmapped.pop(0)
        if self._state.mapped < self._state.labelled:
            draft = Draft(self._state, now=self._now())
            version = self._map.latest
            root = {"version": version.number, "root": encode_bytes(version.root), "count": version.count}
            draft.add({"kind": "map/1", **root})
            self._note(draft, self._log.append_many(draft.data))

    def _fail(self, jobs: Sequence[_Job], error: LedgerError) -> None:
        if self._failing is None:
            self._failing = self._clock()
            _log.error("the log takes no entries, and calls are refused: %s", error)
        with self._lock:
            self._refused += len(jobs)
        for job in jobs:
            job.error = NotRecorded(f"the log takes no entries: {error}")

    def _now(self) -> int:
        return int(self._clock() * 1000)


def open_recorder(
    data: Path,
    signer: SigningKey,
    options: LogOptions,
    *,
    software: Software,
    clock: Callable[[], float] = time.time,
    disk: Disk = DISK,
) -> Recorder:
    """Open the log of a data folder for writing, and bring up what is derived from it.

    Args:
        data: the data folder; its log is there.
        signer: the log's key.
        options: how to run the log.
        software: who writes.
        clock: seconds since the epoch.
        disk: where to write.

    Raises:
        LogLocked: another process has it open.
        LedgerError: it cannot be opened.
        RecordingDamaged: its entries are not those of a data folder.
    """
    with ExitStack() as unless_all_open:
        log = Log.open(data / "ledger", signer, options)
        unless_all_open.callback(log.close)
        identities = IdentityMap(map_folder(data), disk=disk)
        unless_all_open.callback(identities.close)
        snapshot = data / "recording" / "state.json"
        state = catch_up(log, identities, read_snapshot(snapshot))
        recorder = Recorder(log, signer, identities, state, snapshot, clock=clock, disk=disk)
        recorder.begin(software)
        unless_all_open.pop_all()
    return recorder
