"""The claims usage and not-used: a customer's calls of a period, their figures, and that there are no others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from candid_verify.canonical import canonical
from candid_verify.case import Case, Finding, place
from candid_verify.entries import Placed
from candid_verify.errors import ProofError
from candid_verify.figures import figures
from candid_verify.prices import open_prices
from candid_verify.rating import Month
from candid_verify.stretch import Stretch, read_stretch
from candid_verify.times import spoken
from candid_verify.who import check_who
from candid_verify.wording import counted, quoted

_ONE = "That the same company or person is not another customer too, under another pseudonym."
_DAY = 86_400_000


def check_usage(case: Case) -> Finding:
    """Check the evidence of usage.

    Raises:
        FormatError, ProofError, LabelError: it is not what the format asks for, or figures do not add up.
    """
    # 1. The customer's calls of the period, and what closes it.
    stretch = read_stretch(case)
    # 2. Who the customer is, where the file opens it.
    who, who_not = check_who(case, case.evidence.claim.parameters["customer"])
    # 3. The figures stated are those that we compute.
    computed, dated = _check_figures(case, stretch)
    as_of = max(stretch.reaches, *(each.entry["time"] for each in dated), 0)
    if stretch.open:
        seen = f"The log has at least {counted(computed['calls'], 'call')} of the customer: see the file."
        return Finding(False, (seen, *who), (*stretch.open, *who_not, _ONE, *_replay(stretch, bills=True)), as_of)
    figures_ = _counted(case, stretch, computed)
    limits = (*_unbilled(computed), *who_not, _ONE, *_replay(stretch, bills=True))
    return Finding(True, (*figures_, *who), limits, as_of)


def check_not_used(case: Case) -> Finding:
    """Check the evidence of not-used.

    Raises:
        FormatError, ProofError, LabelError: it is not what the format asks for.
    """
    # 1. The customer's calls of the period, and what closes it.
    stretch = read_stretch(case)
    # 2. Who the customer is, where the file opens it.
    who, who_not = check_who(case, case.evidence.claim.parameters["customer"])
    # 3. There is no call in the period.
    if stretch.calls:
        denied = sum(each.entry["outcome"] == "denied" for each in stretch.calls)
        seen = (
            f"There are calls of the customer in the period: {len(stretch.calls)} in the file, {denied} of them "
            f"denied; the first is {place(stretch.calls[0])}."
        )
        return Finding(False, (seen, *who), ("That there was no call.", *who_not), stretch.reaches)
    if stretch.open:
        return Finding(False, who, (*stretch.open, *who_not), stretch.reaches)
    none = (
        f"The log has no call of the customer {_period(case, stretch)}, not even one that was denied, if "
        f"{stretch.premises}."
    )
    limits = (*who_not, _ONE, *_replay(stretch, bills=False))
    return Finding(True, (none, stretch.closing, *who), limits, stretch.reaches)


def _replay(stretch: Stretch, *, bills: bool) -> tuple[str, ...]:
    """What whoever replays the whole log sees, and this file does not show."""
    more = ", and that no other price list or day of storage is in the log" if bills else ""
    return (f"That {stretch.premises}{more}: whoever replays the whole log sees it (candid evidence audit).",)


def _check_figures(case: Case, stretch: Stretch) -> tuple[Mapping[str, Any], list[Placed]]:
    """Check `stated`; returns the figures, and the entries of prices and storage."""
    begin, end = case.evidence.claim.period
    customer = case.evidence.claim.parameters["customer"]
    prices, stored = case.all("prices/1"), case.all("storage/1")
    until = stretch.reaches if end is None else end
    # 1. Storage is the customer's and of the period.
    for each in stored:
        day = _start_of(each)
        if each.entry["customer"] != customer or day < (begin or 0) or day >= until:
            raise ProofError(f"entry {each.index} is storage of another customer or of a day outside of the period")
    # 2. Price lists are of the log's key, and none was changed backwards.
    for each in prices:
        open_prices(each.index, each.entry, case.open_note)
    # 3. Counts and bills come out as they are stated.
    computed = figures(
        stretch.calls,
        customer=customer,
        stored=stored,
        prices=prices,
        begin=begin,
        end=until,
        opener=case.open_note,
    )
    if canonical(case.take_stated() or {}) != canonical(computed):
        raise ProofError("the figures stated in the file are not those that its entries give")
    return computed, [*prices, *stored]


def _start_of(stored: Placed) -> int:
    """The first millisecond of a storage entry's day."""
    day: str = stored.entry["day"]
    month = Month.parse(day[:7])
    if int(day[8:]) > month.days:
        raise ProofError(f"entry {stored.index} is of the day {day}, which no month has")
    return month.start + (int(day[8:]) - 1) * _DAY


def _period(case: Case, stretch: Stretch) -> str:
    begin, end = case.evidence.claim.period
    since = "from the beginning of the log" if begin is None else f"from {spoken(begin)}"
    until = f"to {spoken(end)}" if end is not None else f"to {'' if stretch.end is None else place(stretch.end)}"
    return f"{since} {until}"


def _counted(case: Case, stretch: Stretch, computed: Mapping[str, Any]) -> list[str]:
    operations = "; ".join(
        f"{quoted(name)} {each['calls']} (denied {each['denied']}, errors {each['errors']}, units {each['units']})"
        for name, each in sorted(computed["operations"].items())
    )
    bills = [
        f"By the price lists in the file, the calls and days of storage of {bill['month']} cost "
        f"{_money(bill['totals'])}, in {counted(len(bill['lines']), 'line')}; this verifier computed it from the "
        "entries."
        for bill in computed["bills"]
    ]
    return [
        f"The log has {counted(computed['calls'], 'call')} of the customer {_period(case, stretch)}"
        + (f": {operations}." if operations else "."),
        stretch.closing,
        *bills,
    ]


def _money(totals: Mapping[str, int]) -> str:
    return ", ".join(f"{each // 1_000_000}.{each % 1_000_000:06} {name}" for name, each in totals.items()) or "nothing"


def _unbilled(computed: Mapping[str, Any]) -> list[str]:
    if computed["bills"]:
        return ["That all days of storage of the months billed are in the file."]
    return ["What it costs: no month that lies in the period whole is billed in the file."]
