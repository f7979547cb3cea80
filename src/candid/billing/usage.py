"""What was used, by day, customer and operation: counted from the log's entries, without prices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from candid_verify.times import day_of

_DAY = 86_400_000


@dataclass(frozen=True, slots=True, order=True)
class OperationDay:
    """A customer's calls of one operation on one UTC day.

    Attributes:
        day: such as `2026-11-24`.
        customer: the pseudonym.
        operation: such as `DetectFaces`.
        meter: what its units are billed as.
        calls: how many were decided, of whatever outcome.
        denied: how many of them were denied.
        errors: how many of them were allowed and failed.
        units: billed units.
    """

    day: str
    customer: str
    operation: str
    meter: str
    calls: int
    denied: int
    errors: int
    units: int

    def as_json(self) -> dict[str, Any]:
        """For a document."""
        return asdict(self)


@dataclass(frozen=True, slots=True, order=True)
class StoredDay:
    """What a customer had stored at the end of a UTC day."""

    day: str
    customer: str
    faces: int
    users: int

    def as_json(self) -> dict[str, Any]:
        """For a document."""
        return asdict(self)


def count_usage(
    entries: Iterable[tuple[int, Mapping[str, Any]]], start: int, end: int, *, customer: str | None = None
) -> tuple[list[OperationDay], list[StoredDay]]:
    """Count calls and stored faces.

    Args:
        entries: with their indexes, in the order of the log; `candid.billing.billed_entries` gives them.
        start: the first millisecond.
        end: behind the last millisecond.
        customer: count only this pseudonym; None for all.

    Returns:
        Calls by day, customer, operation and meter; and what was stored by day and customer; in this order. A day of
        storage belongs to the period if it begins in it.
    """
    counts: dict[tuple[int, str, str, str], list[int]] = {}
    stored: list[StoredDay] = []
    for _, entry in entries:
        if customer is not None and entry.get("customer") != customer:
            continue
        if entry["kind"] == "storage/1":
            if day_of(start) <= entry["day"] <= day_of(end - 1):
                stored.append(StoredDay(entry["day"], entry["customer"], entry["faces"], entry["users"]))
        elif entry["kind"] == "call/1" and start <= entry["time"] < end:
            place = entry["time"] // _DAY, entry["customer"], entry["operation"], entry["meter"]
            found = counts.setdefault(place, [0, 0, 0, 0])
            found[0] += 1
            found[1] += entry["outcome"] == "denied"
            found[2] += entry["outcome"] == "error"
            found[3] += entry["units"]
    rows = [
        OperationDay(day_of(day * _DAY), who, operation, meter, *found)
        for (day, who, operation, meter), found in counts.items()
    ]
    return sorted(rows), sorted(stored)
