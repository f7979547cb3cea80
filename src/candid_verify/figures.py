"""The figures of a usage claim: counts by operation and meter, and the bills. Writer and verifier compute them here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from candid_verify.entries import Placed
from candid_verify.prices import Opener
from candid_verify.rating import Month, measure, rate


def figures(
    calls: Sequence[Placed],
    *,
    customer: str,
    stored: Sequence[Placed] = (),
    prices: Sequence[Placed] = (),
    begin: int | None,
    end: int,
    opener: Opener,
) -> dict[str, Any]:
    """The member `stated` of evidence.

    Args:
        calls: the customer's `call/1` entries of the period, by rising index.
        customer: the pseudonym.
        stored: its `storage/1` entries of the period.
        prices: the `prices/1` entries of the log; without them there are no bills.
        begin: of the period, milliseconds since the epoch; None: from the first on.
        end: of the period, exclusive: `to`, or else the time of the entry that closes it.
        opener: opens the notes of price lists.

    Raises:
        FormatError, ProofError: a price list or an entry is not what it must be.
    """
    operations: dict[str, dict[str, int]] = {}
    meters: dict[str, int] = {}
    for each in calls:
        entry = each.entry
        counts = operations.setdefault(entry["operation"], {"calls": 0, "denied": 0, "errors": 0, "units": 0})
        counts["calls"] += 1
        counts["denied"] += entry["outcome"] == "denied"
        counts["errors"] += entry["outcome"] == "error"
        counts["units"] += entry["units"]
        meters[entry["meter"]] = meters.get(entry["meter"], 0) + entry["units"]
    months = months_billed(calls, stored, begin=begin, end=end) if prices else []
    entries = sorted((*calls, *stored, *prices), key=lambda each: each.index)
    bills = [_bill(entries, month, customer, opener) for month in months]
    return {"calls": len(calls), "operations": operations, "meters": meters, "bills": bills}


def months_billed(
    calls: Sequence[Placed], stored: Sequence[Placed], *, begin: int | None, end: int
) -> list[Month]:
    """The months that lie in the period whole and have a call or a day of storage, oldest first."""
    used = {Month.of(each.entry["time"]) for each in calls} | {Month.parse(each.entry["day"][:7]) for each in stored}
    return sorted(each for each in used if (begin is None or begin <= each.start) and each.end <= end)


def _bill(entries: Sequence[Placed], month: Month, customer: str, opener: Opener) -> dict[str, Any]:
    measured = measure(((each.index, each.entry) for each in entries), month, opener, customer=customer)
    rating = rate(measured.usage(customer), measured.lists)
    lines = [{name: value for name, value in asdict(line).items() if value is not None} for line in rating.lines]
    return {"month": str(month), "lines": lines, "totals": dict(rating.totals)}
