"""Appending in the calling thread, beside the sequencer's own."""

import threading

import pytest

from candid.ledger import FolderSource, Log, LogReader, SigningKey
from candid.ledger.errors import EntryError, LogClosed
from candid.ledger.tree import hash_leaf


def test_both_ways_at_once_leave_no_gap_and_no_disorder(tmp_path):
    key = SigningKey.generate("example.com/log")
    placed: list = []
    with Log.create(tmp_path / "log", key) as log:

        def write(number: int) -> None:
            for at in range(200):
                entries = [b"%d %d %d" % (number, at, part) for part in range(1 + at % 3)]
                done = log.append_here(entries) if number % 2 else log.append_many(entries)
                placed.extend(zip(done, entries, strict=True))

        threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    placed.sort(key=lambda item: item[0].index)
    assert [place.index for place, _ in placed] == list(range(len(placed)))
    assert [place.time for place, _ in placed] == sorted(place.time for place, _ in placed)
    reader = LogReader.open(FolderSource(tmp_path / "log"), key.verifier)
    assert list(reader.entries()) == [(place.index, entry) for place, entry in placed]
    assert all(place.leaf_hash == hash_leaf(entry) for place, entry in placed)


def test_what_is_refused(tmp_path):
    log = Log.create(tmp_path / "log", SigningKey.generate("example.com/log"))
    with pytest.raises(EntryError):
        log.append_here([b"x" * 65_536])
    assert [place.index for place in log.append_here([b"one", b"two"])] == [0, 1]
    log.close()
    with pytest.raises(LogClosed):
        log.append_here([b"late"])


def test_closing_while_callers_append_loses_nothing_that_was_acknowledged(tmp_path):
    key = SigningKey.generate("example.com/log")
    log = Log.create(tmp_path / "log", key)
    acknowledged: list[int] = []

    def write() -> None:
        try:
            while True:
                acknowledged.extend(place.index for place in log.append_here([b"entry"]))
        except LogClosed:
            return

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    while len(acknowledged) < 50:
        pass
    log.close()
    for thread in threads:
        thread.join()
    with Log.open(tmp_path / "log", key) as again:
        assert again.size > max(acknowledged)
        assert len(set(acknowledged)) == len(acknowledged)
