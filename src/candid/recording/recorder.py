"""Writes entries: gives each its time and each call its number, appends them, and signs receipts.

Calls that wait for the disk are gathered (see `gathering`): the thread that is first takes all that wait, numbers
them, appends them together and tells the others. So numbers have no gap even where the disk is full: what could not be
appended took no number.

While the log takes no entries, calls are refused before anything is done for them. Those that were under way when that
began get an error; their entries are kept here and come first, after `resumed/1`, once the log can be written again.
"""

from __future__ import annotations

import logging
import threading
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from candid.governance import POLICY_VERSION, QUOTA_RULE, RULES
from candid.ledger import Log, SigningKey
from candid.ledger.errors import LedgerError, LogClosed, LogError
from candid.ledger.receipt import Receipt
from candid.ledger.sequencer import Sequenced
from candid.ledger.storage import Disk
from candid.recording.calls import CallFacts, call_entries, late_entries
from candid.recording.catching_up import catch_up, entries_from
from candid.recording.draft import Draft, Entry
from candid.recording.errors import ActRefused, NotRecorded, RecordingDamaged
from candid.recording.gathering import Gathering, Ticket
from candid.recording.keys import vrf_key
from candid.recording.labels import IdentityMap
from candid.recording.run import LoadedModel, Software, start_entry
from candid.recording.snapshot import read_snapshot, write_snapshot
from candid.recording.state import State
from candid_verify.canonical import decode_bytes, encode_bytes
from candid_verify.errors import VerifyError
from candid_verify.labels import VERSION as LABELS_VERSION

Observer = Callable[[int, Mapping[str, Any]], None]
"""Told of each entry once it is durable: index, entry."""

Check = Callable[[Mapping[str, Any]], None]
"""Looks at an entry before it is appended; raises ActRefused where it may not be."""

EngineCounters = Callable[[], Mapping[str, Mapping[str, int]]]
"""Passes and rows of each model since the start."""

SNAPSHOT_EVERY = 10_000
"""Entries between two snapshots: what a start has to read, at most, of a log whose server was killed."""

ACTS = frozenset({"customer/1", "key/1", "erasure/1", "prices/1", "statement/1", "storage/1", "state/1"})
"""Kinds that others may hand in; of the rest the recorder alone knows what to enter."""

_log = logging.getLogger("candid.recording")


class _Job(Ticket):
    """Entries on their way into the log, all of them or none."""

    __slots__ = ("alone", "call", "make", "placed")

    def __init__(
        self, make: Callable[[Draft], list[Entry]], *, alone: bool = False, call: Sequence[Entry] = ()
    ) -> None:
        super().__init__()
        self.make = make
        self.alone = alone  # nothing else stands in its batch, as it changes the map
        self.call = call  # of a call that was done: what is entered later where it cannot be now
        self.placed: list[Sequenced] = []


class Recorder:
    """The log of one data folder, open for writing. Thread-safe."""

    _failing: float | None  # since when the log refuses; touched by the leader, read by anyone
    _refused: int  # calls since then; guarded by _counting
    _state: State  # touched by the leader only, as is all below
    _unmapped: list[tuple[list[bytes], bytes]]  # keys and leaf hash of entries that the map lacks
    _late: list[Sequence[Entry]]  # calls that were done and could not be entered
    _sound: bool  # whether the state is that of the log: not after something broke off between append and sum
    _kept: int  # how many entries the newest snapshot sums up
    _told: int  # the index of the next entry that observers are told of
    _closed: bool

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
        checks: Mapping[str, Check],
    ) -> None:
        """Use `open_recorder`."""
        self._checks = checks
        self._log, self._signer, self._map, self._state = log, signer, identities, state
        self._snapshot, self._clock, self._disk = snapshot, clock, disk
        self._vrf = vrf_key(signer)
        self._gathering: Gathering[_Job] = Gathering(
            self._lead, lambda: NotRecorded("the log was interrupted; try again")
        )
        self._writing = threading.Lock()  # held by the leader, and while all is closed
        self._counting = threading.Lock()
        self._failing, self._refused = None, 0
        self._engine: EngineCounters | None = None
        self._observers: list[Observer] = []
        self._running = self._stopped = False
        self._resuming = threading.Lock()  # one caller finds out whether the log can be written again
        self._unmapped, self._late = [], []
        self._sound, self._told, self._closed = True, state.size, False
        self._kept = state.size

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
        """Have an observer told of each entry from now on.

        What it raises is logged and hinders nothing. It must not enter anything itself, as it runs in whoever does.
        """
        self._observers.append(observer)

    def begin(self, software: Software, previous: Mapping[str, Any] | None = None) -> None:
        """Enter what the log is, if it is empty, and the map's root, if a crash came before it was.

        Args:
            software: who writes.
            previous: the log that this one succeeds, as `log/1` names it; None where there is none.

        Raises:
            NotRecorded: the log takes no entry.
        """
        entry = {"kind": "log/1", "origin": self._signer.name, "vrf": encode_bytes(self._vrf.public.encoded)}
        first = {**entry, "labels": LABELS_VERSION, "software": software.as_json()}
        if previous is not None:
            first["previous"] = dict(previous)
        self._write(_Job(lambda _: [first] if self._state.size == 0 else []))

    def start(self, *, software: Software, models: Sequence[LoadedModel], engine: EngineCounters) -> None:
        """Enter the start of a server, and how things stand.

        Raises:
            NotRecorded: the log takes no entry.
        """
        previous = "none" if self._state.run is None else "clean" if self._state.clean else "unclean"
        rules = [*(rule.__name__ for rule in RULES), QUOTA_RULE]
        entry = start_entry(software=software, models=models, policy=POLICY_VERSION, rules=rules, previous=previous)
        self._engine = engine
        self._write(_Job(lambda _: [entry]))
        self._running, self._stopped = True, False
        self.enter_state()

    def stop(self) -> None:
        """Enter the end of the server. No call can be entered any more, also none that is under way.

        Raises:
            NotRecorded: the log takes no entry.
        """
        self._running, self._stopped = False, True
        engine = self._counters()
        self._write(_Job(lambda draft: [{"kind": "stop/1", "run": draft.run, "calls": draft.calls, "engine": engine}]))
        self._engine = None

    def check(self) -> None:
        """Ask, before anything is done that must be recorded, whether it can be.

        Raises:
            NotRecorded: it cannot.
        """
        if self._stopped:
            raise NotRecorded("the server has ended its run; start it again")
        if self._failing is not None:
            with self._resuming:
                self._try_again()

    def _try_again(self) -> None:
        if self._failing is None:  # another caller has found out meanwhile
            return
        try:
            self._write(_Job(lambda _: []))  # `resumed/1` comes by itself
        except NotRecorded:
            with self._counting:
                self._refused += 1
            raise

    def call(self, facts: CallFacts, *, secret: bytes | None) -> str:
        """Enter a decided call.

        Args:
            facts: of the call.
            secret: of the customer's pseudonyms; None where it is erased.

        Returns:
            Its receipt, once the entry is durable: base64url, without padding, of a signed note.

        Raises:
            NotRecorded: the log takes no entry; once it does, the call is entered with the outcome `error`.
        """
        entries = call_entries(facts, secret=secret, vrf=self._vrf)
        placed = self._write(_Job(partial(_call, entries), call=entries))
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
        if body.get("kind") not in ACTS:
            raise ActRefused(f"nothing was entered: {body.get('kind')!r} is no kind of act")
        if body["kind"] == "state/1":
            return self.enter_state()
        entry = dict(body)
        if labels is not None:
            entry["labels"] = list(dict.fromkeys(encode_bytes(self._vrf.output(label)[:32]) for label in labels))
        stands: list[int] = []

        def make(draft: Draft) -> list[Entry]:
            # Where a crash, or a full disk, came between an entry and the note that it stands, it comes again.
            found = draft.standing(entry)
            stands[:] = [] if found is None else [found]
            return [self._checked(draft, entry)] if found is None else []

        placed = self._write(_Job(make, alone="labels" in entry))
        return stands[0] if stands else placed[0].index

    def enter(self, make: Callable[[int], Mapping[str, Any]]) -> int:
        """Enter an act that must know the time of its entry, milliseconds since the epoch; its index.

        Raises:
            ActRefused, NotRecorded: as `act`.
        """
        return self._write(_Job(lambda draft: [self._checked(draft, make(draft.time))]))[0].index

    def enter_state(self) -> int:
        """Enter how things stand; the index of the entry.

        Raises:
            NotRecorded: the log takes no entry.
        """
        public = self._public()
        return self._write(_Job(lambda draft: [self._state_entry(draft, public)]))[0].index

    def close(self) -> None:
        """Close log and map; what was entered stays. A snapshot makes the next start quick."""
        with self._writing:  # whoever leads ends first, and who comes later is refused
            if self._closed:
                return
            self._closed = True
            self._log.close()
            self._map.close()
            if self._sound:
                self._keep()

    def _keep(self) -> None:
        self._kept = self._state.size
        try:
            write_snapshot(self._snapshot, self._state, disk=self._disk)
        except OSError as error:
            _log.warning("the snapshot cannot be written (%s); the next start reads more of the log", error.strerror)

    def _checked(self, draft: Draft, body: Mapping[str, Any]) -> Entry:
        """An act's entry, if whoever knows its kind does not object."""
        entry = draft.completed(body)
        check = self._checks.get(str(entry.get("kind")))
        if check is not None:
            check({**entry, "time": draft.time})
        return entry

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

    def _write(self, job: _Job) -> list[Sequenced]:
        self._gathering.hand_in(job)
        return job.placed

    def _lead(self, batch: Sequence[_Job]) -> None:
        with self._writing:
            for alone, jobs in groupby(batch, key=lambda job: job.alone):
                for group in [[job] for job in jobs] if alone else [list(jobs)]:
                    self._append(group)
            if self._state.size >= self._kept + SNAPSHOT_EVERY and self._sound and not self._closed:
                self._keep()

    def _append(self, group: Sequence[_Job]) -> None:
        """Enter a group and settle its jobs. Raises nothing: whatever goes wrong, calls are refused, and say so."""
        ready = False
        try:
            self._make_ready()
            ready = True
            draft = Draft(self._state, now=self._now())
            refused = self._resume(draft)
            ahead = len(draft.data)
            counts = [draft.take(job.make) for job in group]
            placed = self._commit(draft)
        except (VerifyError, ActRefused, NotRecorded) as error:
            self._apart(group, error)
            return
        except Exception as error:  # noqa: BLE001 - also what nobody foresaw must not pass for a log that works
            self._fail(group, error, perhaps_entered=ready and not self._sound)
            return
        if self._failing is not None:
            self._failing, self._late = None, []
            with self._counting:
                self._refused -= refused
        for job, count in zip(group, counts, strict=True):
            job.placed = placed[ahead : ahead + count]
            job.settle()
            ahead += count
        if self._unmapped:
            try:
                self._settle_map()
            except Exception as error:  # noqa: BLE001 - the entry stands; the next one waits for the map
                _log.error("the map of labels lags behind: %s", error)

    def _make_ready(self) -> None:
        """See to it that the state is that of the log, and the map that of the state.

        Raises:
            NotRecorded: the log was closed.
            LedgerError, RecordingDamaged: log or map cannot be read or written.
        """
        if self._closed:
            raise NotRecorded("the log is closed; start the server again")
        if not self._sound:
            self._sum_up_again()
        self._settle_map()

    def _resume(self, draft: Draft) -> int:
        """Before anything else, where the log could not be written: that it could not, and what was done meanwhile.

        Returns:
            How many calls it says were refused.
        """
        if self._failing is None:
            return 0
        with self._counting:
            refused = self._refused
        since = min(int(self._failing * 1000), draft.time)
        draft.add({"kind": "resumed/1", "refused": refused, "since": since})
        for entries in self._late:
            try:
                draft.take(partial(_call, entries))
            except (VerifyError, ActRefused, NotRecorded) as error:
                _log.error("a call that was under way when the log failed cannot be entered: %s", error)
        return refused

    def _commit(self, draft: Draft) -> list[Sequenced]:
        """Append a draft and sum it up.

        Raises:
            LogError: the log refused; nothing has changed.
        """
        if not draft.data:
            return []
        self._sound = False
        try:
            placed = self._log.append_here(draft.data)
        except LogError:
            self._sound = True
            raise
        for entry, place in zip(draft.entries, placed, strict=True):
            self._state.add(entry, place.leaf_hash)
            if entry["kind"] == "customer/1" and "labels" in entry:
                keys = [decode_bytes(key, 32) for key in entry["labels"]]
                self._unmapped.append((keys, place.leaf_hash))
        self._sound = True
        for entry, place in zip(draft.entries, placed, strict=True):
            self._tell(place.index, entry)
        return placed

    def _sum_up_again(self) -> None:
        """Read what became of a draft whose outcome is not known, as an interrupt took its writer away."""
        self._log.append_here([])  # whatever was handed in before this is durable now, or refused
        self._state = catch_up(self._log, self._map, read_snapshot(self._snapshot))
        self._unmapped, self._sound = [], True
        for index, (entry, _) in enumerate(entries_from(self._log, self._told), self._told):
            self._tell(index, entry)

    def _tell(self, index: int, entry: Entry) -> None:
        self._told = index + 1
        for observer in self._observers:
            try:
                observer(index, entry)
            except Exception:  # noqa: BLE001 - the entry stands, whatever somebody makes of it
                _log.exception("whoever counts the log's entries failed at entry %d", index)

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
            self._commit(draft)

    def _apart(self, group: Sequence[_Job], error: Exception) -> None:
        """One of a group cannot be entered: find out which, so that the others are."""
        if len(group) > 1:
            for job in group:
                self._append([job])
        elif isinstance(error, NotRecorded):
            group[0].settle(error)
        else:
            group[0].settle(ActRefused(f"nothing was entered: {error}"))

    def _fail(self, group: Sequence[_Job], error: Exception, *, perhaps_entered: bool) -> None:
        if isinstance(error, LedgerError | RecordingDamaged):
            told = str(error)
        else:  # its message may hold anything
            told = f"an unforeseen {type(error).__name__}; restart the server"
            _log.error("the recording failed", exc_info=error)
        if self._failing is None:
            self._failing = self._clock()
            _log.error("the log takes no entries, and calls are refused: %s", told)
        for job in group:
            if job.call and not perhaps_entered and not isinstance(error, LogClosed):
                self._late.append(late_entries(job.call))
            job.settle(NotRecorded(f"the log takes no entries: {told}"))

    def _now(self) -> int:
        return int(self._clock() * 1000)


def _call(entries: Sequence[Entry], draft: Draft) -> list[Entry]:
    """The entries of a call, with its run and number."""
    return [draft.numbered(entries[0]), *entries[1:]]
