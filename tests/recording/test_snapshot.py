"""A snapshot that is damaged, of another log, or of a longer one is not used."""

from __future__ import annotations

import json
import shutil
from hashlib import sha256

import pytest

from candid.ledger import SigningKey
from candid.recording.snapshot import FORMAT, read_snapshot, write_snapshot
from candid.recording.state import State


@pytest.fixture
def state():
    return State(size=7, leaf="ab", numbers={"a": 3}, storage={"a": "2026-11-24"}, run=2)


def test_what_was_written_is_read(tmp_path, state):
    write_snapshot(tmp_path / "s", state)
    assert read_snapshot(tmp_path / "s") == state


def test_any_changed_byte_makes_it_useless(tmp_path, state):
    path = tmp_path / "s"
    write_snapshot(path, state)
    data = path.read_bytes()
    for at in range(len(data)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        assert read_snapshot(path) == State()
    for size in range(len(data)):
        path.write_bytes(data[:size])
        assert read_snapshot(path) == State()


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        {"format": FORMAT},
        {"format": FORMAT - 1, "state": {}},
        {"format": FORMAT, "state": []},
        {"format": FORMAT, "state": {"unknown": 1}},
    ],
)
def test_other_documents_are_none(tmp_path, document):
    data = json.dumps(document).encode()
    (tmp_path / "s").write_bytes(sha256(data).hexdigest().encode() + b"\n" + data)
    assert read_snapshot(tmp_path / "s") == State()


def test_where_there_is_none(tmp_path):
    assert read_snapshot(tmp_path / "none") == State()


def calls(desk, count):
    recorder = desk.serve()
    party = desk.welcome(recorder)
    for _ in range(count):
        desk.call(recorder, party)
    recorder.stop()
    recorder.close()
    return party


def snapshot_of(root):
    return root / "recording" / "state.json"


def test_one_of_another_log_is_not_used(desk, tmp_path):
    party = calls(desk, 3)
    expected = read_snapshot(snapshot_of(desk.root))
    other = type(desk)(tmp_path / "other", SigningKey.generate("candid.local/other"), desk.clock)
    other.root.mkdir()
    calls(other, 2)
    shutil.copy(snapshot_of(other.root), snapshot_of(desk.root))
    recorder = desk.open()
    assert recorder.state == expected
    assert recorder.state.numbers[party.pseudonym] == 3


def test_one_of_a_longer_log_is_not_used(desk):
    calls(desk, 1)
    expected, snapshot = read_snapshot(snapshot_of(desk.root)), snapshot_of(desk.root)
    future = State(**expected.as_json())
    future.size += 5
    future.numbers["nobody"] = 9
    write_snapshot(snapshot, future)
    assert desk.open().state == expected


def test_an_older_one_is_brought_up(desk):
    party = calls(desk, 1)
    old = snapshot_of(desk.root).read_bytes()
    recorder = desk.serve()
    desk.call(recorder, party)
    recorder.close()
    expected = read_snapshot(snapshot_of(desk.root))
    snapshot_of(desk.root).write_bytes(old)
    assert desk.open().state == expected


def test_a_disk_that_does_not_take_it_hinders_nothing(desk, caplog):
    recorder = desk.serve()
    (desk.root / "recording" / ".state.json.tmp").mkdir()
    recorder.close()
    assert "the next start reads more of the log" in caplog.text
    assert desk.open().state.size == recorder.state.size


def test_it_is_written_now_and_then_also_while_the_log_is_open(desk, monkeypatch):
    monkeypatch.setattr("candid.recording.recorder.SNAPSHOT_EVERY", 5)
    recorder = desk.serve()
    party = desk.welcome(recorder)
    sizes = set()
    for _ in range(20):
        desk.call(recorder, party)
        found = read_snapshot(snapshot_of(desk.root))
        sizes.add(found.size)
        assert recorder.state.size - found.size < 5
    assert len(sizes) > 3
