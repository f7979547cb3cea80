"""Collects a customer's calls of a period, and what shows that there are no others."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from candid.billing.reading import note_opener
from candid.evidence.document import Collected
from candid.evidence.errors import EvidenceError
from candid.evidence.opening import open_identities
from candid.evidence.sources import Sources
from candid.evidence.view import View
from candid_verify.claims import Claim
from candid_verify.entries import Entry, Placed
from candid_verify.figures import figures

_PRICES = b'"kind":"prices/1"'


@dataclass(slots=True)
class Period:
    """What the log has of a customer, sorted around a period.

    Attributes:
        customer: the pseudonym.
        begin, end: of the period, milliseconds; None: open.
        calls: `call/1` entries in the period.
        before: the last call before it.
        after: the first call after it.
        others: the customer's `customer/1` entries.
        storage: its `storage/1` entries.
        prices: all `prices/1` entries.
    """

    customer: str
    begin: int | None
    end: int | None
    calls: list[Placed] = field(default_factory=list)
    before: int | None = None
    after: int | None = None
    others: list[Placed] = field(default_factory=list)
    storage: list[Placed] = field(default_factory=list)
    prices: list[Placed] = field(default_factory=list)

    def take(self, index: int, entry: Entry) -> None:
        """Sort in the next entry."""
        placed = Placed(index, entry)
        kind = entry["kind"]
        if kind == "prices/1":
            self.prices.append(placed)
        elif entry.get("customer") != self.customer:
            return
        elif kind == "call/1":
            self._call(placed)
        elif kind == "customer/1":
            self.others.append(placed)
        elif kind == "storage/1":
            self.storage.append(placed)

    def _call(self, placed: Placed) -> None:
        index, entry = placed.index, placed.entry
        if self.begin is not None and entry["time"] < self.begin:
            self.before = index
        elif self.end is not None and entry["time"] >= self.end:
            self.after = index if self.after is None else self.after
        else:
            self.calls.append(placed)


def collect_usage(claim: Claim, sources: Sources) -> Collected:
    """All calls of the period, what closes it, price lists and days of storage, and the figures that they give.

    Raises:
        As `_read`.
    """
    view, found, closing = _read(claim, sources)
    begin, end = claim.period
    until = _time(view, closing) if end is None else end
    prices = [each for each in found.prices if each.index < closing]
    stored = [each for each in found.storage if (begin or 0) <= _day(each) < until] if prices else []
    collected = Collected(view)
    collected.indexes |= {each.index for each in (*found.calls, *found.others, *prices, *stored)} | {closing}
    if found.before is not None:
        collected.indexes.add(found.before)
    open_identities(collected, sources, found.others)
    collected.stated = figures(
        found.calls,
        customer=found.customer,
        stored=stored,
        prices=prices,
        begin=begin,
        end=until,
        opener=note_opener(sources.signer.verifier),
    )
    return collected


def collect_not_used(claim: Claim, sources: Sources) -> Collected:
    """What closes a period without calls; or one call of the period, which is enough to show that there are some.

    Raises:
        As `_read`.
    """
    view, found, closing = _read(claim, sources)
    collected = Collected(view)
    collected.indexes |= {each.index for each in found.others}
    if found.calls:
        collected.indexes.add(found.calls[0].index)
    else:
        collected.indexes |= {closing} if found.before is None else {closing, found.before}
    open_identities(collected, sources, found.others)
    return collected


def _read(claim: Claim, sources: Sources) -> tuple[View, Period, int]:
    """Read the whole log once; where it shows no call after the period, have it state how many there are.

    Returns:
        The log, what it has of the customer, and the index of the entry that closes the period.

    Raises:
        EvidenceError: the period has not ended, or the log has no such customer.
        EvidenceDamaged, LedgerError: the log cannot be read.
    """
    customer, (begin, end) = claim.parameters["customer"], claim.period
    if end is not None and end > sources.now:
        raise EvidenceError("the period has not ended yet: name a --to that has passed, or none")
    view, found = sources.view(), Period(customer, begin, end)
    words = (customer.encode(), _PRICES)
    for index, entry in view.scan(words):
        found.take(index, entry)
    if not found.others:
        raise EvidenceError("the published log knows no such customer: try again in a moment if it was just opened")
    closing = found.after
    if closing is None:
        read, stated = view.size, sources.act({"kind": "statement/1", "customer": customer})
        view = sources.view()
        for index, entry in view.scan(words, read, stated):
            found.take(index, entry)
        closing = stated if found.after is None else found.after
    return view, found, closing


def _time(view: View, index: int) -> int:
    time: int = view.entry(index)["time"]
    return time


def _day(stored: Placed) -> int:
    """The first millisecond of the day that a `storage/1` entry is of."""
    return int(datetime.fromisoformat(f"{stored.entry['day']}T00:00:00+00:00").timestamp()) * 1000
