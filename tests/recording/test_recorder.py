"""Numbers without a gap, times that never decrease, receipts that hold, acts that stand once."""

from __future__ import annotations

import threading

import pytest

from candid.recording import ActRefused, NotRecorded
from candid_verify.canonical import encode_bytes

TAG = encode_bytes(b"t" * 32)


def test_a_run_of_a_server(desk):
    rows = {"detector": {"passes": 2, "rows": 2}}
    recorder = desk.serve(engine=lambda: rows)
    party = desk.welcome(recorder)
    rows = {"detector": {"passes": 3, "rows": 3}}
    desk.call(recorder, party, engine={"detector": 1})
    recorder.log.publish()
    recorder.enter_state()
    recorder.stop()
    entries = desk.entries(recorder)
    assert [entry["kind"] for entry in entries] == [
        "log/1",
        "start/1",
        "state/1",
        "customer/1",
        "map/1",
        "key/1",
        "call/1",
        "state/1",
        "stop/1",
    ]
    assert entries[0]["vrf"] and entries[0]["labels"] == "candid-labels/1"
    assert entries[7]["public"]["size"] == 7
    assert entries[7]["map"]["entry"] == 4
    assert (entries[8]["run"], entries[8]["calls"], entries[8]["engine"]) == (1, 1, rows)
    desk.check(recorder)


def test_a_command_without_a_server_states_no_run(desk):
    recorder = desk.open()
    desk.welcome(recorder)
    entry = desk.entry(recorder, recorder.act({"kind": "state/1"}))
    assert "run" not in entry and "engine" not in entry
    desk.check(recorder)


def test_sixty_four_threads_make_no_gap(desk):
    recorder = desk.serve()
    parties = [desk.welcome(recorder, number) for number in range(3)]
    indexes, lock = [], threading.Lock()

    def work(number):
        for step in range(8):
            found = desk.call(recorder, parties[(number + step) % 3], request=f"{number}.{step}")
            with lock:
                indexes.append((found, f"{number}.{step}"))

    def act():
        for number in range(10, 14):
            desk.welcome(recorder, number)
            recorder.act({"kind": "statement/1", "customer": parties[0].pseudonym})
            recorder.enter_state()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(64)]
    threads.append(threading.Thread(target=act))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    recorder.stop()
    entries = desk.entries(recorder)
    assert len(indexes) == len({index for index, _ in indexes}) == 64 * 8
    assert all(entries[index]["request"] == request for index, request in indexes)
    for party in parties:
        numbers = [e["number"] for e in entries if e["kind"] == "call/1" and e["customer"] == party.pseudonym]
        assert numbers == list(range(1, len(numbers) + 1))
    desk.check(recorder)


def test_a_clock_that_is_set_back(desk):
    recorder = desk.serve()
    party = desk.welcome(recorder)
    started = int(desk.clock() * 1000)
    desk.call(recorder, party)
    desk.clock.now -= 7200
    desk.call(recorder, party, started=started + 5)  # it started before the clock was set back
    recorder.enter_state()
    recorder.close()
    recorder = desk.serve()
    desk.call(recorder, party, started=int(desk.clock() * 1000))
    recorder.stop()
    times = [entry["time"] for entry in desk.entries(recorder)]
    assert times == sorted(times)
    assert set(times) == {started}
    desk.clock.now += 7201
    assert desk.entry(recorder, recorder.act(party.issued() | {"key": TAG}))["time"] == started + 1000
    desk.check(recorder)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"kind": None},
        {"kind": "nothing/1"},
        {"kind": "key/1"},
        {"kind": "key/1", "event": "issued", "customer": TAG, "key": TAG, "time": 5, "more": 1},
        {"kind": "key/1", "event": "issued", "customer": TAG, "key": 1.5},
        {"kind": "statement/1"},
        {"kind": "statement/1", "customer": ["a"]},
        {"kind": "customer/1", "event": "opened", "customer": TAG, "category": "private", "status": "\ud800"},
        {"kind": "prices/1", "note": "x" * 70_000},
        # Kinds of which the recorder alone knows what to enter.
        {"kind": "call/1", "customer": TAG, "number": 9},
        {"kind": "map/1", "version": 1, "root": TAG, "count": 1},
        {"kind": "stop/1", "run": 0, "calls": 0, "engine": {}},
        {"kind": "resumed/1", "refused": 0, "since": 0},
        {"kind": "log/1", "origin": "o", "vrf": TAG, "labels": "l", "software": {"name": "a", "version": "1"}},
    ],
    ids=lambda body: str(body)[:40],
)
def test_what_is_no_act_is_refused_and_hinders_nobody(desk, body):
    recorder = desk.serve()
    party = desk.welcome(recorder)
    size = recorder.log.size
    with pytest.raises(ActRefused, match="nothing was entered"):
        recorder.act(body)
    assert recorder.log.size == size
    assert recorder.trouble is None
    assert desk.call(recorder, party) == size
    desk.check(recorder)


def test_one_bad_entry_of_a_batch_does_not_take_the_others_with_it(desk):
    recorder = desk.serve()
    party = desk.welcome(recorder)
    results, barrier = [], threading.Barrier(24)

    def work(number):
        barrier.wait(20)
        try:
            if number % 3 == 0:
                recorder.act({"kind": "key/1"})
            else:
                results.append(desk.call(recorder, party))
        except ActRefused:
            results.append(None)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert results.count(None) == 8
    assert recorder.state.numbers[party.pseudonym] == 16
    desk.check(recorder)


ONCE = [
    lambda party: (party.opened() | {"event": "updated"}, [b"another"]),
    lambda party: (party.issued() | {"key": TAG}, None),
    lambda party: ({"kind": "erasure/1", "subject": "face", "faces": [TAG]}, None),
    lambda party: ({"kind": "prices/1", "note": "a signed list"}, None),
]


@pytest.mark.parametrize("make", ONCE)
def test_an_act_that_is_handed_in_twice_stands_once(desk, make):
    recorder = desk.serve()
    party = desk.welcome(recorder)
    index = recorder.act(*make(party))
    assert recorder.act(*make(party)) == index
    recorder.close()  # a crash came between its entry and the note that it stands
    recorder = desk.serve()
    # Calls may come before the act is tried again, also such that erase.
    desk.call(recorder, party, erased=tuple(f"{number:036}" for number in range(3)))
    size = recorder.log.size
    assert recorder.act(*make(party)) == index
    assert recorder.log.size == size
    desk.check(recorder)


def test_calls_that_erase_much_do_not_hide_the_newest_act(desk, monkeypatch):
    recorder = desk.serve()
    party = desk.welcome(recorder)
    index = recorder.act(party.issued() | {"key": TAG})
    monkeypatch.setattr("candid.recording.calls.MOST_TAGS", 2)
    desk.call(recorder, party, erased=("a", "b", "c"))
    assert desk.entries(recorder)[-1]["kind"] == "erasure/1"
    assert recorder.act(party.issued() | {"key": TAG}) == index


def test_the_labels_of_a_customer_stand_once_each_in_their_order(desk):
    recorder = desk.open()
    party = desk.welcome(recorder, labels=False)
    update = party.opened() | {"event": "updated"}
    entry = desk.entry(recorder, recorder.act(update, [b"a", b"b", b"a"]))
    assert len(entry["labels"]) == 2
    again = desk.entry(recorder, recorder.act(update | {"status": "blocked"}, [b"b", b"a"]))
    assert again["labels"] == entry["labels"][::-1]
    desk.check(recorder, "labels_with_identity")


def test_who_knows_a_kind_may_object(desk):
    """With the time that the entry is going to have; and an act that stands already is not judged again."""
    recorder = desk.open()
    seen = []

    def object_(entry):
        seen.append(entry["time"])
        if len(seen) > 1:
            raise ActRefused("it would hold from a time before its entry")

    recorder._checks = {"prices/1": object_}
    index = recorder.act({"kind": "prices/1", "note": "a signed list"})
    assert recorder.act({"kind": "prices/1", "note": "a signed list"}) == index
    with pytest.raises(ActRefused, match="before its entry"):
        recorder.act({"kind": "prices/1", "note": "another"})
    assert seen == [int(desk.clock() * 1000)] * 2


def test_calls_of_no_run_are_refused(desk):
    recorder = desk.open()
    party = desk.welcome(recorder)
    with pytest.raises(NotRecorded, match="none has started"):
        desk.call(recorder, party)
    assert recorder.trouble is None
    desk.check(recorder)


def test_nothing_is_entered_of_a_run_that_has_ended(desk):
    recorder = desk.serve()
    party = desk.welcome(recorder)
    desk.call(recorder, party)
    recorder.check()
    recorder.stop()
    with pytest.raises(NotRecorded, match="ended its run"):
        recorder.check()
    with pytest.raises(NotRecorded, match="it has ended"):
        desk.call(recorder, party)
    recorder.act({"kind": "statement/1", "customer": party.pseudonym})
    desk.check(recorder)


def test_a_server_ends_while_calls_are_in_flight(desk):
    recorder = desk.serve()
    party = desk.welcome(recorder)
    entered, refused, stopping = [], [], threading.Event()

    def work():
        while True:
            try:
                recorder.check()
                entered.append(desk.call(recorder, party))
                stopping.set()
            except NotRecorded as error:
                refused.append(str(error))
                return

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    assert stopping.wait(20)
    recorder.stop()
    recorder.close()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    recorder = desk.serve()
    entries = desk.entries(recorder)
    stop = next(index for index, entry in enumerate(entries) if entry["kind"] == "stop/1")
    assert sorted(entered) == [index for index, entry in enumerate(entries) if entry["kind"] == "call/1"]
    assert max(entered) < stop
    assert len(refused) == 16
    desk.check(recorder)


def test_the_log_closes_while_calls_wait(desk):
    recorder = desk.serve()
    party = desk.welcome(recorder)
    entered, running = [], threading.Event()

    def work():
        with pytest.raises(NotRecorded):
            while True:
                entered.append(desk.call(recorder, party))
                running.set()

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    assert running.wait(20)
    recorder.close()
    recorder.close()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    state = recorder.state
    again = desk.open()
    assert again.state == state
    assert state.numbers[party.pseudonym] == len(entered)
    desk.check(again)


def test_observers_are_told_of_each_entry_once_in_order(desk):
    recorder = desk.open()
    seen = []
    recorder.observe(lambda index, entry: seen.append((index, entry)))
    first = recorder.log.size
    desk.welcome(recorder)
    assert seen == list(enumerate(desk.entries(recorder)))[first:]


def test_an_observer_that_fails_hinders_nobody(desk, caplog):
    recorder = desk.serve()
    seen = []

    def fails(index, entry):
        raise RuntimeError("out of order")

    recorder.observe(fails)
    recorder.observe(lambda index, entry: seen.append(index))
    party = desk.welcome(recorder)
    index = desk.call(recorder, party)
    assert desk.call(recorder, party) == index + 1
    assert seen[-2:] == [index, index + 1]
    assert "failed at entry" in caplog.text
    desk.check(recorder)
