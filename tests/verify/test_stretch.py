"""Periods of a customer's calls, beside a plain count over the whole log."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from candid_verify import verify

ONE, TWO = "A" * 43, "B" * 42 + "A"
START = 1_761_955_200_000
SPAN = 200


@pytest.fixture(scope="module")
def busy(tmp_path_factory, small_log_of):
    """Forty calls of two customers within 200 ms, some of one time, then a statement of each."""
    log = small_log_of(tmp_path_factory.mktemp("busy"))
    chance = random.Random(4)
    for time in sorted(START + chance.randrange(SPAN) for _ in range(40)):
        log.call(chance.choice([ONE, ONE, TWO]), time=time, outcome=chance.choice(["ok", "denied", "error"]))
    log.now = START + SPAN
    for customer in (ONE, TWO):
        log.statement(customer)
    yield log
    log.map.close()


def calls_of(log, customer):
    return [(index, log.entries[index]["time"]) for index in log.of_kind("call/1", customer=customer)]


def chosen(log, customer, begin, end):
    """The entries that the format asks for, found by looking at the whole log."""
    calls = calls_of(log, customer)
    inside = [index for index, time in calls if begin <= time < end]
    before = [index for index, time in calls if time < begin][-1:]
    after = [index for index, time in calls if time >= end][:1]
    return inside, before + inside + (after or log.of_kind("statement/1", customer=customer))


PERIODS = st.tuples(st.integers(-5, SPAN), st.integers(1, SPAN + 5)).map(
    lambda each: (START + each[0], START + each[0] + each[1])
)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from([ONE, TWO]), PERIODS)
def test_established_with_the_right_number_of_calls(busy, customer, period):
    begin, end = period
    inside, indexes = chosen(busy, customer, begin, end)
    reached = end <= busy.entries[indexes[-1]]["time"]
    for name in ("usage", "not-used"):
        evidence = busy.usage(customer, indexes, name=name, **{"from": begin, "to": end})
        verdict = verify(busy.seal(evidence), log_key=busy.key)
        assert verdict.verdict == ("established" if reached and (name == "usage" or not inside) else "not-established")
        if verdict.verdict == "established" and name == "usage":
            assert verdict.established[0].startswith(
                f"The log has {len(inside)} call{'' if len(inside) == 1 else 's'} of the customer"
            )


@settings(deadline=None, max_examples=60)
@given(st.sampled_from([ONE, TWO]), PERIODS, st.data())
def test_never_established_with_an_entry_less_or_of_another(busy, customer, period, data):
    begin, end = period
    _, indexes = chosen(busy, customer, begin, end)
    left_out = data.draw(st.sampled_from(indexes))
    strange = data.draw(st.sampled_from([each for each in range(1, len(busy.entries)) if each not in indexes]))
    without = [each for each in indexes if each != left_out]
    for attempt in (without, [*indexes, strange], [*without, strange]):
        for name in ("usage", "not-used"):
            evidence = busy.usage(customer, attempt, name=name, **{"from": begin, "to": end})
            verdict = verify(busy.seal(evidence), log_key=busy.key).verdict
            assert verdict != "established" or closes_too(busy, customer, end, attempt, indexes)


def closes_too(log, customer, end, attempt, indexes) -> bool:
    """A statement that is late enough closes a period as well as the next call does, once nothing follows it."""
    calls = [each for each in attempt if log.entries[each]["kind"] == "call/1"]
    own = [each for each, _ in calls_of(log, customer)]
    wanted = [each for each in indexes if log.entries[each]["kind"] == "call/1"]
    (stated,) = log.of_kind("statement/1", customer=customer)
    late_enough = end <= log.entries[stated]["time"] and calls and calls[-1] == own[-1]
    return late_enough and set(wanted) - set(calls) <= {wanted[-1]}
