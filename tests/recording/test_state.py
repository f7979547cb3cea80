"""The sum over the log: the same, however it is made."""

from __future__ import annotations

import json
import os
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.recording.conftest import SOFTWARE

from candid.recording.catching_up import catch_up, entries_from
from candid.recording.snapshot import read_snapshot, write_snapshot
from candid.recording.state import State, act_digest
from candid_verify.canonical import encode_bytes

TAG = encode_bytes(bytes(32))


def kinds():
    """A story: what happens, and to which of three customers."""
    what = st.sampled_from(
        ["call", "stored", "key", "open", "statement", "storage", "erasure", "stop", "start", "reopen"]
    )
    return st.lists(st.tuples(what, st.integers(0, 2)), max_size=30)


def tell(desk, recorder, parties, story):
    """Let a story happen; the recorder that is open at its end."""
    running = True
    for step, (what, who) in enumerate(story):
        party = parties[who]
        desk.clock.now += 40_000
        if what in ("call", "stored") and running:
            desk.call(recorder, party, stored={"faces": 1} if what == "stored" else {})
        elif what == "key":
            recorder.act(party.issued() | {"key": encode_bytes(os.urandom(32))})
        elif what == "open":
            recorder.act(
                party.opened() | {"event": "updated", "identity": encode_bytes(os.urandom(32))}, [b"l%d" % step]
            )
        elif what == "statement":
            recorder.act({"kind": "statement/1", "customer": party.pseudonym})
        elif what == "storage":
            day = f"20{30 + step:02}-01-01"
            recorder.act({"kind": "storage/1", "customer": party.pseudonym, "day": day, "faces": 1, "users": 0})
        elif what == "erasure":
            recorder.act({"kind": "erasure/1", "subject": "face", "faces": [encode_bytes(os.urandom(32))]})
        elif what == "stop" and running:
            recorder.stop()
            running = False
        elif what == "start" and not running:
            recorder.start(models=[], software=SOFTWARE, engine=dict)
            running = True
        elif what == "reopen":
            recorder.close()
            recorder = desk.serve()
            running = True
    return recorder


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=kinds())
def test_the_live_sum_equals_a_replay_and_any_snapshot(tmp_path_factory, desk, story):
    desk.root = tmp_path_factory.mktemp("desk")
    recorder = desk.serve()
    parties = [desk.welcome(recorder, number) for number in range(3)]
    recorder = tell(desk, recorder, parties, story)
    entries = list(entries_from(recorder.log, 0))
    replayed, at = State(), random.Random(len(story)).randrange(len(entries) + 1)
    middle = None
    for index, (entry, leaf) in enumerate(entries):
        if index == at:
            middle = json.loads(json.dumps(replayed.as_json()))
        replayed.add(entry, leaf)
    assert replayed == recorder.state
    path = desk.root / "snapshot"
    write_snapshot(path, State() if middle is None else State(**middle))
    assert catch_up(recorder.log, recorder._map, read_snapshot(path)) == replayed
    desk.check(recorder, *allowed(story))
    recorder.close()
    assert read_snapshot(desk.root / "recording" / "state.json") == replayed


def allowed(story):
    """The stories state storage of days to come, which no server does."""
    return ["storage_in_order"] if any(what == "storage" for what, _ in story) else []


def test_an_act_is_told_from_others_by_all_but_its_time():
    entry = {"kind": "key/1", "event": "issued", "customer": TAG, "key": TAG}
    assert act_digest(entry) == act_digest(entry | {"time": 5})
    assert act_digest(entry) != act_digest(entry | {"event": "revoked"})


@pytest.mark.parametrize(
    ("entry", "changed"),
    [
        ({"kind": "erasure/1", "subject": "face", "faces": [TAG]}, True),
        ({"kind": "erasure/1", "subject": "face", "faces": [TAG], "request": "r", "customer": TAG}, False),
        ({"kind": "statement/1", "customer": TAG, "number": 0}, False),
    ],
)
def test_what_a_call_erased_is_no_act(entry, changed):
    state = State()
    state.add(entry | {"time": 1}, bytes(32))
    assert bool(state.act) is changed
