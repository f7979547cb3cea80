"""The audit: every entry of a log, from the first to the last, held against what may stand there.

That the entries are those which the log's key signed is another question, for whoever reads them (`candid ledger
verify`); here the log's *writer* is not trusted: it may have written anything. All that is broken is collected, so
that one run shows everything. `RULES` is the list of what is held against which kind; each rule's docstring
says what it demands.

Memory grows with customers, keys, labels, tags of faces and, up to a limit, request ids (see `audit_state`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256

from candid_verify import audit_customers as customers
from candid_verify import audit_runs as runs
from candid_verify import audit_stock as stock
from candid_verify.audit_entries import read_entry
from candid_verify.audit_report import AuditReport, Finding, Tally
from candid_verify.audit_state import Limit, RootAt, Seen, State
from candid_verify.errors import EntryError
from candid_verify.notes import Key, open_note
from candid_verify.prices import Opener
from candid_verify.times import LATEST

_SHOWN = 10  # indexes in a note

Rule = Callable[[State, Seen], str | None]
Note = Callable[[State, Seen], None]

ALWAYS: tuple[Rule, ...] = (runs.first_entry, runs.time_goes_on, runs.time_has_come, runs.work_ends_in_calls)
"""The rules for every entry."""

RULES: dict[str, tuple[Rule, ...]] = {
    "log/1": (runs.successor_of_another,),
    "start/1": (runs.end_of_previous_run,),
    "state/1": (
        runs.newest_run,
        runs.calls_of_run,
        runs.counters_go_on,
        runs.counters_cover_calls,
        stock.map_before_state,
        stock.map_of_state,
        stock.customers_of_state,
        stock.public_is_true,
    ),
    "stop/1": (
        runs.newest_run,
        runs.calls_of_run,
        runs.counters_go_on,
        runs.counters_cover_calls,
        runs.no_work_without_call,
    ),
    "call/1": (
        runs.newest_run,
        runs.counters_before_calls,
        customers.of_known_customer,
        customers.number_without_gap,
        customers.customer_not_ended,
        customers.key_in_force,
        customers.outcome_fits,
        customers.started_before_end,
        customers.request_once,
        stock.enrolled_once,
        stock.erased_once,
    ),
    "customer/1": (
        customers.opened_once,
        customers.ended_for_good,
        customers.labels_with_identity,
        customers.no_label_twice,
    ),
    "key/1": (customers.key_of_open_customer,),
    "map/1": (stock.map_replayed,),
    "statement/1": (customers.of_known_customer, customers.calls_of_customer),
    "storage/1": (customers.of_known_customer, stock.storage_in_order),
    "erasure/1": (stock.erased_once,),
    "prices/1": (stock.prices_go_forward,),
}
"""The rules for each kind of entry; kinds that are not listed have none of their own."""

_NOTES: dict[str, tuple[Note, ...]] = {
    "log/1": (runs.note_log,),
    "start/1": (runs.note_start, stock.note_at_work),
    "state/1": (runs.note_state,),
    "stop/1": (runs.note_stop,),
    "call/1": (runs.note_call, customers.note_call, stock.note_faces, stock.note_at_work),
    "customer/1": (customers.note_customer, stock.note_labels),
    "key/1": (customers.note_key,),
    "map/1": (stock.note_map,),
    "storage/1": (stock.note_storage, stock.note_at_work),
    "erasure/1": (stock.note_faces,),
}


@dataclass(frozen=True, slots=True)
class Promise:
    """What a receipt promises: that the entry at an index has this leaf hash, 32 bytes."""

    index: int
    leaf_hash: bytes


class Audit:
    """One pass over a log. Not for several threads at once."""

    _promises: dict[int, list[bytes]]  # leaf hashes by index, taken out when their entry has come

    def __init__(
        self,
        *,
        key: Key | None = None,
        root_at: RootAt | None = None,
        receipts: Iterable[Promise] = (),
        limit: Limit | None = None,
        most_findings: int = 1000,
        most_tags: int = 10_000_000,
        most_requests: int = 10_000_000,
    ) -> None:
        """Begin.

        Args:
            key: the log's, which signed its price lists; None: they are not judged.
            root_at: gives the log's root when it had so many entries; None: the checkpoints that `state/1`
                entries name are not judged.
            receipts: what receipts promise, whose signatures the caller has checked.
            limit: when all entries stood already, by the auditor's clock or by that of the newest cosignature; None:
                whether an entry is from the future is not judged.
            most_findings: how many are kept; more are counted.
            most_tags: how many tags of faces are remembered (about 100 bytes each); with more the rules on
                faces are given up, and the report says so.
            most_requests: how many request ids are remembered, likewise; of further calls none is, and the report
                says so.
        """
        opener = None if key is None else _opener(key)
        self._state, self._tally = State(most_tags, most_requests, opener, root_at, limit), Tally()
        self._most, self._more, self._size = most_findings, 0, 0
        self._findings: list[Finding] = []
        self._promises = {}
        self._receipts = 0
        for promise in receipts:
            self._promises.setdefault(promise.index, []).append(promise.leaf_hash)
            self._receipts += 1

    def feed(self, index: int, data: bytes) -> None:
        """Look at the next entry.

        Args:
            index: its place in the log.
            data: its bytes.

        Raises:
            ValueError: it is not the next one; entries are fed in order, from the first.
        """
        if index != self._size:
            raise ValueError(f"entry {index} was fed where {self._size} is the next one")
        self._size += 1
        if index in self._promises:
            self._keep_promises(index, data)
        try:
            seen = Seen(index, read_entry(data), data)
        except EntryError as error:
            self._find(index, "documented_entry", str(error))
            return
        kind = seen.entry["kind"]
        for rule in (*ALWAYS, *RULES.get(kind, ())):
            message = rule(self._state, seen)
            if message is not None:
                self._find(index, rule.__name__, message)
        runs.note_late_work(self._state, seen)
        for note in _NOTES.get(kind, ()):
            note(self._state, seen)
        if seen.entry["time"] < LATEST:
            self._state.time = max(self._state.time, seen.entry["time"])
        self._tally.count(seen.entry)

    def finish(self) -> AuditReport:
        """What was found, once all entries were fed."""
        for index in sorted(self._promises):
            self._find(index, "receipt_kept", f"a receipt promises this entry, and the log has {self._size} entries")
        self._promises = {}
        state, tally = self._state, self._tally
        return AuditReport(
            entries=self._size,
            kinds=dict(tally.kinds),
            customers=len(state.customers),
            first=tally.first,
            last=tally.last,
            months=dict(tally.months),
            map_root=state.map.root(),
            map_labels=state.map.count,
            receipts=self._receipts,
            findings=tuple(self._findings),
            more_findings=self._more,
            notes=tuple(_notes(state)),
        )

    def _keep_promises(self, index: int, data: bytes) -> None:
        leaf = sha256(b"\x00" + data).digest()
        if any(promised != leaf for promised in self._promises.pop(index)):
            self._find(index, "receipt_kept", "a receipt promises another entry at this place than stands there")

    def _find(self, index: int | None, rule: str, message: str) -> None:
        if len(self._findings) < self._most:
            self._findings.append(Finding(index, rule, message))
        else:
            self._more += 1


def _opener(key: Key) -> Opener:
    """Opens the notes of price lists."""

    def opened(note: bytes) -> bytes:
        return open_note(note.decode(), key, "the price list").text.encode()

    return opened


def _notes(state: State) -> list[str]:
    """What was not judged, and why."""
    notes = []
    if state.tags_full:
        notes.append(
            f"There are more than {state.most_tags} tags of faces; whether one was enrolled or erased twice was "
            "judged for the first of them only."
        )
    if state.requests_full:
        notes.append(
            f"There are more than {state.most_requests} calls; whether a request id was used twice was judged with the "
            "first of them only."
        )
    if state.opener is None:
        notes.append("Price lists were not judged: the log's key was not given.")
    if state.opened_again:
        shown = ", ".join(map(str, state.opened_again[:_SHOWN]))
        more = ", …" if len(state.opened_again) > _SHOWN else ""
        notes.append(
            f"All labels of customers that were opened by the entries {shown}{more} were those of earlier customers: "
            "perhaps the same company under a second pseudonym. Evidence of usage is of one pseudonym: ask for each."
        )
    if state.unmapped is not None:
        notes.append(
            f"The labels of the customer entry {state.unmapped} are in no map/1 yet; the log ends before it. "
            "Audit it again once it has grown."
        )
    if state.run is not None and not state.run.stopped:
        notes.append(
            f"Run {state.run.index} has not ended: that the engine did no work without a call is judged at its end."
        )
    return notes
