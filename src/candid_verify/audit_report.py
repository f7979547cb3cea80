"""What an audit finds, and counts on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from candid_verify.canonical import encode_bytes
from candid_verify.times import iso

_DAY = 86_400_000  # milliseconds


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that the log breaks.

    Attributes:
        index: of the entry that breaks it; None where it is the log as a whole.
        rule: its name, which `RULES` explains.
        message: what was expected and what was found.
    """

    index: int | None
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{'the log' if self.index is None else f'entry {self.index}'}: {self.message}"


@dataclass(slots=True)
class Month:
    """The calls of one month, UTC, by the time they ended.

    Attributes:
        calls: all of them.
        denied: of which were denied.
        units: what is billed, by meter.
    """

    calls: int = 0
    denied: int = 0
    units: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Tally:
    """Counts while entries are read; touched by one audit only."""

    kinds: dict[str, int] = field(default_factory=dict)
    months: dict[str, Month] = field(default_factory=dict)
    first: int | None = None
    last: int | None = None
    _day: int = -1
    _month: Month = field(default_factory=Month)

    def count(self, entry: dict[str, Any]) -> None:
        """Count an entry."""
        kind, time = entry["kind"], entry["time"]
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        self.last = time
        if self.first is None:
            self.first = time
        if kind != "call/1":
            return
        if time // _DAY != self._day:
            self._day = time // _DAY
            self._month = self.months.setdefault(iso(time)[:7], Month())
        month, meter = self._month, entry["meter"]
        month.calls += 1
        month.denied += entry["outcome"] == "denied"
        month.units[meter] = month.units.get(meter, 0) + entry["units"]


@dataclass(frozen=True, slots=True)
class AuditReport:
    """The outcome of an audit.

    Attributes:
        entries: how many were read.
        kinds: how many of each kind.
        customers: how many were ever opened.
        first, last: times of the first and the last entry, milliseconds; None where there is none.
        months: calls by month such as `2026-11`.
        map_root: of the map after the last entry, from the replay.
        map_labels: how many labels it has.
        receipts: how many were held against the log.
        findings: broken rules, in the order of the log, as many as were asked for at most.
        more_findings: how many more there are.
        notes: what was not judged, and why.
    """

    entries: int
    kinds: dict[str, int]
    customers: int
    first: int | None
    last: int | None
    months: dict[str, Month]
    map_root: bytes
    map_labels: int
    receipts: int
    findings: tuple[Finding, ...]
    more_findings: int
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        """For a file."""
        return {
            "entries": self.entries,
            "kinds": dict(sorted(self.kinds.items())),
            "customers": self.customers,
            "from": None if self.first is None else iso(self.first),
            "to": None if self.last is None else iso(self.last),
            "months": {
                name: {"calls": month.calls, "denied": month.denied, "units": dict(sorted(month.units.items()))}
                for name, month in sorted(self.months.items())
            },
            "map": {"root": encode_bytes(self.map_root), "labels": self.map_labels},
            "receipts": self.receipts,
            "findings": [{"index": each.index, "rule": each.rule, "message": each.message} for each in self.findings],
            "more_findings": self.more_findings,
            "notes": list(self.notes),
        }
