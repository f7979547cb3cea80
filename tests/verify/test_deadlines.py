"""Until when a day's storage may be entered: the rule as it is written, the audit that holds to it, closed months."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.evidence.bookkeeper import BEGIN, Bookkeeper, identity

from candid_verify.audit import Audit
from candid_verify.deadlines import DAY, Deadlines
from candid_verify.rating import Month, measure, rate

MONTH = Month(2026, 11)
WHO = "A" * 43
HOUR = DAY // 24


def test_a_server_that_runs_on_has_two_days() -> None:
    found = Deadlines()
    for hour in range(24 * 4):
        found.see("call/1", hour * HOUR)
    assert found.of(0) == 3 * DAY
    assert (found.passed(0, 3 * DAY), found.passed(0, 3 * DAY + 1)) == (False, True)


def test_one_that_was_down_has_a_day_from_its_next_start() -> None:
    found = Deadlines()
    found.see("call/1", DAY)
    assert (found.of(0), found.passed(0, 99 * DAY)) == (None, False)
    found.see("start/1", 50 * DAY + 7)
    assert [found.of(day * DAY) for day in (0, 48, 49)] == [51 * DAY + 7, 51 * DAY + 7, None]


@pytest.mark.parametrize("kind", ["prices/1", "customer/1", "state/1", "statement/1", "map/1"])
def test_what_is_entered_without_a_server_tells_of_none(kind: str) -> None:
    found = Deadlines()
    found.see(kind, 50 * DAY)
    assert found.of(0) is None


entries = st.lists(
    st.tuples(st.integers(0, 40 * 24), st.sampled_from(["call/1", "start/1", "storage/1", "state/1"])), max_size=40
).map(sorted)


@given(entries, st.integers(0, 40), st.integers(0, 50 * 24))
def test_the_rule_as_it_is_written(log: list[tuple[int, str]], day: int, hour: int) -> None:
    found = Deadlines()
    for at, kind in log:
        found.see(kind, at * HOUR)
    end = (day + 1) * 24
    plain = any(kind != "state/1" and at >= end + 24 and hour > at + 24 for at, kind in log)
    assert found.passed(day * DAY, hour * HOUR) is plain


def an_entry(kind: str, hour: int, about: int) -> dict[str, object]:
    named = {"day": f"2026-{11 + about // 30}-{1 + about % 30:02}"}
    entry: dict[str, object] = {"kind": kind, "time": MONTH.start + hour * HOUR, "customer": WHO}
    if kind == "call/1":
        return entry | {"meter": "images", "units": 1, "outcome": "ok"}
    return entry | named | {"faces": 1 + about, "users": 0} if kind == "storage/1" else entry


events = st.lists(
    st.tuples(
        st.integers(0, 60 * 24), st.sampled_from(["call/1", "storage/1", "storage/1", "start/1"]), st.integers(0, 59)
    ),
    max_size=50,
    unique_by=lambda each: each[2],
).map(sorted)


@given(events)
def test_a_closed_month_stays_as_it_is(story: list[tuple[int, str, int]]) -> None:
    """However long the log becomes, and whatever its writer enters."""
    log = [an_entry(kind, hour, about) for hour, kind, about in story]
    bills = []
    for size in range(len(log) + 1):
        found = measure(enumerate(log[:size]), MONTH, bytes)
        if found.closed:
            bills.append((found.usage(WHO), rate(found.usage(WHO), found.lists)))
    assert all(each == bills[0] for each in bills)


def test_late_storage_is_not_billed_and_named() -> None:
    log = [
        an_entry("storage/1", 24, 0),
        an_entry("call/1", 4 * 24, 0),
        an_entry("storage/1", 5 * 24 + 1, 1),
        an_entry("storage/1", 5 * 24 + 1, 4),
    ]
    found = measure(enumerate(log), MONTH, bytes)
    assert (found.late(WHO), found.late("B" * 43)) == ((2,), ())
    units = {each.meter: each.units for each in found.usage(WHO).quantities}
    assert units == {"face-days": log[0]["faces"] + log[3]["faces"], "images": 1}  # type: ignore[operator]
    only = measure(enumerate([log[1], log[2]]), MONTH, bytes)
    assert list(only.usages()) == [WHO]


@pytest.mark.parametrize(("hours", "found"), [(72, []), (73, ["storage_in_order"])])
def test_the_audit_finds_what_came_too_late(hours: int, found: list[str]) -> None:
    book = Bookkeeper()
    book.begin()
    book.start()
    book.state()
    book.open("Alpha", identity("Alpha B.V."))
    for hour in range(24, hours, 12):
        book.time = BEGIN + hour * HOUR
        book.call("Alpha")
    book.time = BEGIN + hours * HOUR - 1
    customer = book.customers["Alpha"].pseudonym
    book.add({"kind": "storage/1", "customer": customer, "day": "2026-01-01", "faces": 1, "users": 0})
    audit = Audit()
    for index, data in enumerate(book.entries):
        audit.feed(index, data)
    findings = audit.finish().findings
    assert [each.rule for each in findings] == found
    assert all("too late: that could be entered until" in each.message for each in findings)
