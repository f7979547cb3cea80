import threading
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from candid.ledger import FolderSource, Log, LogOptions, LogReader, SigningKey, hash_leaf, verify_log
from candid.ledger.errors import EntryError, LogBroken, LogClosed, LogError, LogFull, LogLocked, LogRolledBack
from candid.ledger.keys import Algorithm
from candid.ledger.layout import Layout


def entries_of(log):
    """All published entries, after the whole log was verified."""
    source = FolderSource(log.folder)
    verify_log(source, log.key)
    return [entry for _, entry in LogReader.open(source, log.key).entries()]


def test_a_new_log_is_empty_and_public(workshop):
    log = workshop.create()
    assert (log.origin, log.size, log.checkpoint.size) == ("candid.local/test", 0, 0)
    assert log.status() == log.status().__class__(size=0, published=0, failure=None)
    assert entries_of(log) == []
    assert Layout(log.folder).key.read_text() == f"{log.key}\n"


def test_an_entry_gets_index_hash_and_time(workshop):
    log = workshop.create()
    first, second = log.append(b"one"), log.append(b"two")
    assert (first.index, first.leaf_hash) == (0, hash_leaf(b"one"))
    assert (second.index, second.leaf_hash) == (1, hash_leaf(b"two"))
    assert second.time - first.time == 1000  # the test's clock goes on by a second a look
    assert log.size == 2


def test_entries_are_durable_first_and_public_later(workshop):
    log = workshop.create()
    log.append(b"one")
    assert log.checkpoint.size == 0
    assert log.publish().size == 1
    assert entries_of(log) == [b"one"]
    assert log.publish() == log.checkpoint


def test_many_entries_stand_next_to_each_other(workshop):
    log = workshop.create()
    pending = [log.submit([b"%d.%d" % (group, i) for i in range(10)]) for group in range(50)]
    indexes = [[found.index for found in waiting.result(10)] for waiting in pending]
    assert indexes == [list(range(10 * group, 10 * group + 10)) for group in range(50)]
    assert log.append_many([]) == []


def test_entries_of_any_allowed_size(workshop):
    log = workshop.create()
    sizes = [0, 1, 255, 256, 65_534, 65_535]
    for size in sizes:
        log.append(bytes(size))
    log.publish()
    assert [len(entry) for entry in entries_of(log)] == sizes


@pytest.mark.parametrize("entry", [bytes(65_536), "text", bytearray(b"mutable"), None])
def test_what_is_no_entry_is_refused_and_leaves_no_gap(workshop, entry):
    log = workshop.create()
    with pytest.raises(EntryError, match="an entry"):
        log.append_many([b"fine", entry])
    assert log.append(b"next").index == 0


def test_concurrent_writers_get_all_indexes_once(workshop):
    log = workshop.create(publish_interval=0.01)
    got = [[] for _ in range(16)]

    def write(number):
        got[number].extend(log.append(b"%d.%d" % (number, i)).index for i in range(50))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()
    everything = entries_of(log)
    assert sorted(index for own in got for index in own) == list(range(800))
    for number, own in enumerate(got):
        assert own == sorted(own)
        assert [everything[index] for index in own] == [b"%d.%d" % (number, i) for i in range(50)]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 400), min_size=1, max_size=6))
def test_publishing_in_any_steps_gives_the_same_log(tmp_path_factory, steps):
    signer = SigningKey.generate("candid.local/test", randomness=bytes)
    folder = tmp_path_factory.mktemp("log") / "log"
    written = []
    with Log.create(folder, signer, LogOptions(publish_interval=None)) as log:
        for step in steps:
            batch = [b"%d" % (len(written) + i) for i in range(step)]
            log.append_many(batch)
            written += batch
            assert log.publish().size == len(written)
            assert entries_of(log) == written


def test_publishing_by_itself(workshop):
    log = workshop.create(publish_interval=0.001)
    log.append(b"one")
    while log.checkpoint.size == 0:
        threading.Event().wait(0.001)
    assert entries_of(log) == [b"one"]


def test_partial_tiles_go_once_they_are_full(workshop):
    log = workshop.create(200)
    assert (workshop.folder / "tile/0/000.p/200").exists()
    log.append_many([b"more"] * 100)
    log.publish()
    assert sorted(path.name for path in (workshop.folder / "tile/0").iterdir()) == ["000", "001.p"]
    assert sorted(path.name for path in (workshop.folder / "tile/entries").iterdir()) == ["000", "001.p"]


def test_a_partial_tile_that_cannot_be_removed_does_no_harm(workshop, disks):
    class Stubborn(disks.Faulty):
        def remove(self, path):
            raise PermissionError(path)

    log = workshop.create(200, disk=Stubborn())
    log.append_many([b"more"] * 100)
    assert log.publish().size == 300
    assert len(entries_of(log)) == 300


def test_a_log_goes_on_where_it_was_closed(workshop):
    with workshop.create() as log:
        before = log.append(b"one")
    with workshop.open() as log:
        assert log.checkpoint.size == 1
        after = log.append(b"two")
        assert (after.index, after.time > before.time) == (1, True)
    with workshop.open() as log:
        assert entries_of(log) == [b"one", b"two"]


def test_a_closed_log_takes_nothing(workshop):
    log = workshop.create()
    log.close()
    log.close()
    with pytest.raises(LogClosed):
        log.append(b"late")
    with pytest.raises(LogClosed):
        log.publish()


def test_what_was_handed_in_before_closing_is_durable(workshop):
    log = workshop.create()
    pending = [log.submit([b"%d" % i]) for i in range(100)]
    log.close()
    assert [waiting.result()[0].index for waiting in pending] == list(range(100))
    assert len(entries_of(log)) == 100


def test_time_never_goes_back(workshop):
    times = iter([2000.0, 1000.0, 1500.5, 2000.25, 900.0, 900.0])
    log = workshop.create(clock=lambda: next(times))
    assert [log.append(b"x").time for _ in range(4)] == [2_000_000, 2_000_000, 2_000_000, 2_000_250]
    log.publish()
    log.close()
    log = workshop.open(clock=lambda: next(times))
    assert log.append(b"x").time == 2_000_250


def test_one_writer(workshop):
    log = workshop.create()
    with pytest.raises(LogLocked, match="a log has one writer: stop the other one first"):
        workshop.open()
    with pytest.raises(LogLocked):
        workshop.create()
    log.append(b"still here")


def test_a_log_is_made_once(workshop):
    workshop.create().close()
    with pytest.raises(LogError, match="holds a log already"):
        workshop.create()
    assert Log.exists(workshop.folder)


def test_no_log_is_made_over_what_is_left_of_one(workshop):
    workshop.create(3).close()
    Layout(workshop.folder).signed.unlink()
    Layout(workshop.folder).checkpoint.unlink()
    with pytest.raises(LogError, match="holds a log already"):
        workshop.create()


def test_no_log_is_made_where_the_guard_knows_one(workshop):
    workshop.create(3).close()
    workshop.folder.rename(workshop.root / "gone")
    with pytest.raises(LogRolledBack, match="had 3 entries, and its folder is empty"):
        workshop.create()


def test_an_empty_log_may_be_made_again(workshop):
    workshop.create().close()
    workshop.folder.rename(workshop.root / "gone")
    assert workshop.create(2).size == 2


def test_where_no_log_is(workshop):
    with pytest.raises(LogError, match="holds no log: create one"):
        workshop.open()
    assert not Log.exists(workshop.folder)
    workshop.folder.write_bytes(b"a file")
    with pytest.raises(LogBroken, match="cannot be made a log"):
        workshop.create()


def test_a_witness_key_cannot_sign_a_log(workshop):
    workshop.signer = replace(workshop.signer, algorithm=Algorithm.COSIGNATURE)
    with pytest.raises(LogError, match="a log needs one of its own"):
        workshop.create()


def test_another_key_cannot_open_a_log(workshop):
    workshop.create(3).close()
    workshop.signer = SigningKey.generate("candid.local/test")
    with pytest.raises(LogBroken, match="of another log"):
        workshop.open()


def test_a_frozen_log_can_be_copied(workshop):
    log = workshop.create(publish_interval=0.001)
    writing = threading.Event()

    def write():
        while not writing.is_set():
            log.append(b"x")

    writer = threading.Thread(target=write)
    writer.start()
    with log.frozen():
        size = log.size
        workshop.copy("copy")
        assert log.size == size
    writing.set()
    writer.join()
    log.close()
    options = LogOptions(publish_interval=None)
    with Log.open(workshop.root / "copy", workshop.signer, options) as copy:
        assert copy.size == size


def test_entries_are_refused_while_too_much_waits_to_be_published(workshop):
    log = workshop.create(max_unpublished=1000)
    log.append(bytes(1001))
    with pytest.raises(LogFull, match="1003 bytes of entries wait to be published"):
        log.append(b"x")
    log.publish()
    assert log.append(b"x").index == 1


def test_whoever_does_not_wait_long_enough_is_told(workshop, disks):
    class Slow(disks.Faulty):
        gate = threading.Event()
        gate.set()

        def fsync(self, descriptor):
            self.gate.wait()
            super().fsync(descriptor)

    log = workshop.create(disk=Slow())
    Slow.gate.clear()
    pending = log.submit([b"one"])
    with pytest.raises(LogError, match=r"not durable after 0.01 s; the entries may still come into the log"):
        pending.result(0.01)
    Slow.gate.set()
    assert pending.result(10)[0].index == 0


def test_an_error_that_nobody_foresaw_leaves_nobody_waiting(workshop, disks):
    class Cursed(disks.Faulty):
        cursed = False

        def write(self, descriptor, data):
            if self.cursed:
                raise ZeroDivisionError
            return super().write(descriptor, data)

    seen = []
    hook, threading.excepthook = threading.excepthook, lambda failed: seen.append(failed.exc_type)
    try:
        log = workshop.create(disk=Cursed())
        log.append(b"one")
        Cursed.cursed = True
        with log.frozen():
            first = log.submit([b"two"])
            while log._sequencer._pending:
                threading.Event().wait(0.001)
            second = log.submit([b"three"])
        with pytest.raises(LogBroken, match="nobody foresaw"):
            first.result(10)
        with pytest.raises(LogClosed):
            second.result(10)
        log._sequencer._thread.join()
    finally:
        threading.excepthook = hook
    assert seen == [ZeroDivisionError]
    Cursed.cursed = False
    log.close()
    assert workshop.open().size in (1, 2)
