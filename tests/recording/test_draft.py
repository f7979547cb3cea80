"""What was added to a batch counts for what is added next; the state stays as it is."""

from __future__ import annotations

import copy

import pytest

from candid.recording import NotRecorded
from candid.recording.draft import Draft
from candid.recording.state import State
from candid_verify.canonical import encode_bytes
from candid_verify.entries import parse_entry
from candid_verify.errors import EntryError

A, B = encode_bytes(b"a" * 32), encode_bytes(b"b" * 32)
NOW = 1_800_000_000_000


def call(customer=A, **changes):
    return {
        "kind": "call/1",
        "request": "r",
        "operation": "DetectFaces",
        "customer": customer,
        "decision": {"allowed": True, "rule": "open", "policy": "p"},
        "outcome": "ok",
        "meter": "free",
        "units": 1,
        "started": NOW,
    } | changes


@pytest.fixture
def state():
    return State(size=9, time=NOW, numbers={A: 4}, run=5, calls=6, clean=False, customers=2, map_entry=3)


def test_numbers_go_on_within_a_batch_and_the_state_stays(state):
    before = copy.deepcopy(state)
    draft = Draft(state, now=NOW)
    for customer in (A, B, A, A):
        draft.take(lambda draft, customer=customer: [draft.numbered(call(customer))])
    assert [(entry["customer"], entry["number"]) for entry in draft.entries] == [(A, 5), (B, 1), (A, 6), (A, 7)]
    assert (draft.number(A), draft.number(B), draft.calls) == (7, 1, 10)
    assert draft.completed({"kind": "statement/1", "customer": A})["number"] == 7
    assert [parse_entry(data) for data in draft.data] == draft.entries
    assert state == before


@pytest.mark.parametrize(("now", "expected"), [(NOW - 5000, NOW), (NOW, NOW), (NOW + 1, NOW + 1)])
def test_time_never_decreases(state, now, expected):
    draft = Draft(state, now=now)
    draft.take(lambda draft: [draft.numbered(call(started=NOW + 1))])
    assert draft.entries[0]["time"] == expected
    assert draft.entries[0]["started"] == min(NOW + 1, expected)


def test_a_call_lasts_no_longer_than_one_may(state):
    """The clock was set forward while it was under way."""
    draft = Draft(state, now=NOW + 7_200_000)
    draft.take(lambda draft: [draft.numbered(call(started=NOW))])
    assert draft.entries[0]["time"] - draft.entries[0]["started"] == 600_000


@pytest.mark.parametrize("changes", [{"run": None}, {"clean": True}])
def test_a_call_needs_a_run(state, changes):
    for name, value in changes.items():
        setattr(state, name, value)
    with pytest.raises(NotRecorded, match="none has started or it has ended"):
        Draft(state, now=NOW).numbered(call())


def test_a_call_behind_the_end_of_its_run_in_one_batch(state):
    draft = Draft(state, now=NOW)
    draft.take(lambda draft: [{"kind": "stop/1", "run": draft.run, "calls": draft.calls, "engine": {}}])
    with pytest.raises(NotRecorded):
        draft.take(lambda draft: [draft.numbered(call())])


def test_what_is_no_entry_is_refused(state):
    draft = Draft(state, now=NOW)
    with pytest.raises(EntryError):
        draft.take(lambda draft: [draft.numbered(call()) | {"name": "Acme"}])
    assert draft.data == draft.entries == []
    assert draft.number(A) == 4
