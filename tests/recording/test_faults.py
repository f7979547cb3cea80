"""Disks that are full or fail, at every step: nothing acknowledged is lost, no number is used up, and calls go on."""

from __future__ import annotations

import errno
import shutil
import threading
import uuid
from contextlib import suppress

import pytest
from tests.ledger.conftest import FaultyDisk, FullDisk

from candid.ledger import Log
from candid.ledger.errors import LedgerError
from candid.ledger.storage import Disk
from candid.recording import NotRecorded, RecordingError
from candid_verify.canonical import encode_bytes


class Switched(Disk):
    """A disk that can be full or broken for a while."""

    def __init__(self):
        self.code = None

    def write(self, descriptor, data):
        if self.code is not None:
            raise OSError(self.code, "as the test wants it")
        return super().write(descriptor, data)

    def free(self, folder):
        return 0 if self.code == errno.ENOSPC else super().free(folder)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
def test_calls_are_refused_and_go_on_without_a_restart(desk, code, caplog):
    disk = Switched()
    recorder = desk.serve(disk=disk)
    party = desk.welcome(recorder)
    last, since = desk.call(recorder, party), desk.clock()
    disk.code = code
    desk.clock.now += 10
    with pytest.raises(NotRecorded, match="the log takes no entries"):
        desk.call(recorder, party)  # one that was under way
    assert recorder.trouble is not None
    for _ in range(3):
        with pytest.raises(NotRecorded):
            recorder.check()
    with pytest.raises(NotRecorded):
        recorder.act(party.issued() | {"key": encode_bytes(b"t" * 32)})
    assert caplog.text.count("calls are refused") == 1  # not once a call
    assert recorder.log.size == last + 1
    disk.code = None
    desk.clock.now += 10
    recorder.check()
    assert recorder.trouble is None
    assert desk.call(recorder, party) == last + 3
    resumed, late, call = desk.entries(recorder)[last + 1 :]
    at = int(since * 1000)
    assert resumed == {"kind": "resumed/1", "refused": 3, "since": at + 10_000, "time": at + 20_000}
    assert (late["outcome"], late["error"], late["units"], late["number"]) == ("error", "InternalServerError", 0, 2)
    assert (call["outcome"], call["number"]) == ("ok", 3)
    recorder.check()
    recorder.stop()
    assert [entry["kind"] for entry in desk.entries(recorder)].count("resumed/1") == 1
    desk.check(recorder)


def test_each_outage_tells_its_own_refusals(desk):
    disk = Switched()
    recorder = desk.serve(disk=disk)
    party = desk.welcome(recorder)
    for refusals in (2, 0, 3):
        disk.code = errno.ENOSPC
        with pytest.raises(NotRecorded):
            recorder.enter_state()  # no call is refused by that
        for _ in range(refusals):
            with pytest.raises(NotRecorded):
                recorder.check()
        disk.code = None
        desk.call(recorder, party)
    told = [entry["refused"] for entry in desk.entries(recorder) if entry["kind"] == "resumed/1"]
    assert told == [2, 0, 3]
    desk.check(recorder)


@pytest.mark.parametrize("first", ["call", "act", "state", "stop"])
def test_whatever_comes_first_brings_the_entry_along(desk, first):
    disk = Switched()
    recorder = desk.serve(disk=disk)
    party = desk.welcome(recorder)
    disk.code = errno.ENOSPC
    with pytest.raises(NotRecorded):
        desk.call(recorder, party)
    size, disk.code = recorder.log.size, None
    if first == "call":
        desk.call(recorder, party)
    elif first == "act":
        recorder.act(party.issued() | {"key": encode_bytes(b"t" * 32)})
    elif first == "state":
        recorder.enter_state()
    else:
        recorder.stop()
    kinds = [entry["kind"] for entry in desk.entries(recorder)][size:]
    assert kinds[:2] == ["resumed/1", "call/1"]
    assert len(kinds) == 3
    assert recorder.trouble is None
    desk.check(recorder)


def test_the_engines_work_is_accounted_for(desk):
    """Calls that were done while the disk was full: no rows of the engine without a call."""
    rows, disk = [0], Switched()
    recorder = desk.serve(disk=disk, engine=lambda: {"detector": {"passes": rows[0], "rows": rows[0]}})
    party = desk.welcome(recorder)
    barrier = threading.Barrier(17)

    def work():
        recorder.check()
        barrier.wait(20)
        barrier.wait(20)
        with pytest.raises(NotRecorded):
            desk.call(recorder, party, engine={"detector": 1}, stored={"faces": 1}, collection="c")

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    barrier.wait(20)
    disk.code, rows[0] = errno.ENOSPC, 16
    barrier.wait(20)
    for thread in threads:
        thread.join(20)
    disk.code = None
    recorder.check()
    recorder.stop()
    calls = [entry for entry in desk.entries(recorder) if entry["kind"] == "call/1"]
    assert [entry["number"] for entry in calls] == list(range(1, 17))
    assert {entry["outcome"] for entry in calls} == {"error"}
    assert not any("collection" in entry for entry in calls)
    desk.check(recorder)


def test_a_disk_that_fills_up_for_good(desk):
    disk = FullDisk(60_000)
    recorder = desk.serve(disk=disk)
    party = desk.welcome(recorder)
    entered = []
    with pytest.raises(NotRecorded):
        for _ in range(1000):
            recorder.check()
            entered.append(desk.call(recorder, party))
    assert len(entered) > 20
    with pytest.raises(NotRecorded):
        recorder.check()
    disk.room = 1 << 20
    recorder.check()
    entered.append(desk.call(recorder, party))
    entries = desk.entries(recorder)
    assert all(entries[index]["outcome"] == "ok" for index in entered)
    assert [e["kind"] for e in entries].count("resumed/1") >= 1
    desk.check(recorder)


def test_many_callers_find_out_together_that_there_is_room_again(desk):
    disk = Switched()
    recorder = desk.serve(disk=disk)
    party = desk.welcome(recorder)
    disk.code = errno.ENOSPC
    with pytest.raises(NotRecorded):
        desk.call(recorder, party)
    disk.code = None
    outcomes = []

    def work():
        recorder.check()
        outcomes.append(desk.call(recorder, party))

    threads = [threading.Thread(target=work) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(outcomes) == 32
    resumed = [entry for entry in desk.entries(recorder) if entry["kind"] == "resumed/1"]
    assert [entry["refused"] for entry in resumed] == [0]
    desk.check(recorder)


def test_a_clock_set_back_during_the_outage(desk):
    disk = Switched()
    recorder = desk.serve(disk=disk)
    party = desk.welcome(recorder)
    disk.code = errno.EIO
    desk.clock.now += 100
    with pytest.raises(NotRecorded):
        desk.call(recorder, party)
    disk.code = None
    desk.clock.now -= 5000
    recorder.check()
    resumed = desk.entries(recorder)[-2]
    assert resumed["since"] <= resumed["time"]
    desk.check(recorder)


def test_a_map_that_cannot_be_written_is_caught_up_with(desk, caplog):
    recorder = desk.serve()
    party = desk.welcome(recorder)
    recorder._map._map._nodes._disk = disk = Switched()
    disk.code = errno.EIO
    recorder.act(party.opened() | {"event": "updated"}, [b"more"])  # stands
    assert "the map of labels lags behind" in caplog.text
    with pytest.raises(NotRecorded):  # nothing may come between it and its root
        desk.call(recorder, party)
    disk.code = None
    recorder.check()
    desk.call(recorder, party)
    kinds = [entry["kind"] for entry in desk.entries(recorder)]
    assert kinds[-5:] == ["customer/1", "map/1", "resumed/1", "call/1", "call/1"]
    desk.check(recorder)


def test_a_late_call_that_cannot_be_entered_blocks_nobody(desk, caplog):
    disk = Switched()
    recorder = desk.serve(disk=disk)
    party = desk.welcome(recorder)
    recorder._map._map._nodes._disk = broken = Switched()
    broken.code = errno.EIO
    recorder.act(party.opened() | {"event": "updated"}, [b"more"])
    with pytest.raises(NotRecorded):  # refused before anybody saw that it is no entry
        desk.call(recorder, party, meter="")
    broken.code = None
    desk.call(recorder, party)
    assert "cannot be entered" in caplog.text
    assert recorder.state.numbers[party.pseudonym] == 1
    desk.check(recorder)


def test_a_state_that_may_be_wrong_is_not_kept(desk, monkeypatch):
    recorder = desk.serve()
    party = desk.welcome(recorder)
    recorder.close()
    snapshot = desk.root / "recording" / "state.json"
    before = snapshot.read_bytes()
    recorder = desk.serve()
    append_here = Log.append_here

    def breaks(log, entries):
        append_here(log, entries)
        raise Broken

    monkeypatch.setattr(Log, "append_here", breaks)
    with pytest.raises(Broken):
        desk.call(recorder, party)
    monkeypatch.undo()
    recorder.close()
    assert snapshot.read_bytes() == before
    recorder = desk.serve()
    assert recorder.state.numbers[party.pseudonym] == 1
    desk.check(recorder)


class Broken(BaseException):
    """An interrupt, such as Ctrl-C."""


@pytest.mark.parametrize("kind", [Broken, RuntimeError])
@pytest.mark.parametrize("when", ["before", "after", "sum"])
def test_what_breaks_off_a_batch_leaves_no_wrong_number(desk, monkeypatch, when, kind):
    """The append happens, or not; who handed in is not told; the next one finds out what stands."""
    recorder = desk.serve()
    party = desk.welcome(recorder)
    seen, before = [], recorder.log.size
    recorder.observe(lambda index, entry: seen.append(index))
    append_here, add = Log.append_here, type(recorder.state).add

    def breaks(log, entries, **more):
        monkeypatch.setattr(Log, "append_here", append_here)
        if when == "after":
            append_here(log, entries)
        raise kind

    def breaks_sum(state, entry, leaf):
        monkeypatch.setattr(type(recorder.state), "add", add)
        raise kind

    if when == "sum":
        monkeypatch.setattr(type(recorder.state), "add", breaks_sum)
    else:
        monkeypatch.setattr(Log, "append_here", breaks)
    with pytest.raises(Broken if kind is Broken else NotRecorded):
        desk.call(recorder, party)
    if kind is RuntimeError:
        assert recorder.trouble is not None
        recorder.check()
    desk.call(recorder, party)
    entries = desk.entries(recorder)
    numbers = [entry["number"] for entry in entries if entry["kind"] == "call/1"]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) == (1 if when == "before" else 2)
    assert seen == list(range(before, len(entries)))
    desk.check(recorder)
    recorder.close()
    assert desk.open().state == recorder.state


def story(desk, disk, acknowledged):
    """Start, welcome, call and stop; whatever is refused is tried once more, as callers do."""
    recorder = desk.serve(disk=disk)
    try:
        parties = []
        for number in (1, 2):
            party = retry(lambda number=number: desk.welcome(recorder, number))
            if party is not None:
                parties.append(party)
        for _ in range(6):
            for party in parties:
                made = retry(lambda party=party: checked(desk, recorder, party))
                if made is not None:
                    index, request = made
                    acknowledged[index] = request
        retry(recorder.stop)
    finally:
        recorder.close()


def retry(action):
    for _ in range(2):
        try:
            return action()
        except RecordingError:
            continue
    return None


def checked(desk, recorder, party):
    """A call, which has another id each time it is tried; its index and id."""
    recorder.check()
    request = str(uuid.uuid4())
    return desk.call(recorder, party, request=request), request


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
@pytest.mark.parametrize("dead", [False, True], ids=["goes on", "ends"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("stride", [9, pytest.param(1, marks=pytest.mark.slow)])
def test_every_step_may_fail(desk, tmp_path_factory, after, dead, code, stride):
    desk.open().close()
    base = shutil.copytree(desk.root, tmp_path_factory.mktemp("base") / "data")
    disk = FaultyDisk()
    story(desk, disk, {})
    steps = disk.count
    assert steps > 60
    first = (code + 2 * dead + 4 * after) % stride  # so that together the quick ones meet most of the steps
    for step in range(first, steps, stride):
        shutil.rmtree(desk.root)
        shutil.copytree(base, desk.root)
        acknowledged = {}
        with suppress(LedgerError, RecordingError):
            story(desk, FaultyDisk(step, after=after, dead=dead, code=code), acknowledged)
        for left in desk.opened:  # a server that could not start
            left.close()
        recorder = desk.serve()
        entries = desk.entries(recorder)
        assert all(entries[index].get("request") == request for index, request in acknowledged.items()), step
        assert len({e["request"] for e in entries if e["kind"] == "call/1" and e["outcome"] == "ok"}) >= len(
            acknowledged
        )
        desk.check(recorder, *refused_twice(entries))
        recorder.close()
        desk.opened.clear()


def refused_twice(entries):
    """A customer whose opening was refused once is opened again by this story, which no server does."""
    opened = [entry["customer"] for entry in entries if entry["kind"] == "customer/1"]
    return ["opened_once"] if len(set(opened)) < len(opened) else []
