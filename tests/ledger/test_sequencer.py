"""Group commit: one write and one fsync for all who wait, indexes without gaps, and refusals that reach everyone."""

import errno
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from candid.ledger.errors import EntryError, LogBroken, LogClosed, LogError, LogFull, LogRolledBack
from candid.ledger.journal import Batch, Journal, read_journal
from candid.ledger.sequencer import Pending, Sequencer, Tail
from candid.ledger.tree import hash_leaf


@pytest.fixture
def sequencers(tmp_path, disks):
    """Makes sequencers on one journal, and closes them."""
    made = []

    def make(disk=None, *, entries=(), last_time=0, clock=lambda: 1.0, room=1 << 20):
        tail = Tail(0, [], [])
        tail.extend(entries, [hash_leaf(entry) for entry in entries])
        options = {"disk": disk or disks.Faulty(), "clock": clock, "max_unpublished": room}
        made.append(Sequencer(tmp_path / "journal", tail, last_time, **options))
        return made[-1]

    yield make
    for sequencer in made:
        sequencer.close()


def gated(disks):
    """A disk whose fsync waits for a gate, once it is shut; `waiting` is set while somebody stands before it."""

    class Gated(disks.Faulty):
        def __init__(self):
            super().__init__()
            self.gate, self.waiting = threading.Event(), threading.Event()
            self.gate.set()

        def fsync(self, descriptor):
            if not self.gate.is_set():
                self.waiting.set()
            self.gate.wait()
            super().fsync(descriptor)

    return Gated()


def test_whoever_waits_shares_one_write_and_one_fsync(sequencers, disks):
    disk = gated(disks)
    sequencer = sequencers(disk)
    disk.gate.clear()
    first = sequencer.submit([b"first"])
    disk.waiting.wait(10)
    before = list(disk.names)
    later = [sequencer.submit([b"%d" % number] * 3) for number in range(50)]
    disk.gate.set()
    assert first.result(10)[0].index == 0
    indexes = [found.index for pending in later for found in pending.result(10)]
    assert indexes == list(range(1, 151))
    assert disk.names[len(before) :] == ["fsync", "write", "fsync"]  # the first one's, and one batch


def test_nothing_is_known_before_it_is_durable(sequencers, disks):
    disk = gated(disks)
    sequencer = sequencers(disk)
    disk.gate.clear()
    pending = sequencer.submit([b"entry"])
    disk.waiting.wait(10)
    assert sequencer.size == 0
    assert sequencer.since(0, 10) == ([], [])
    with pytest.raises(LogError, match=r"not durable after 0\.01 s"):
        pending.result(0.01)
    disk.gate.set()
    assert pending.result(10)[0].leaf_hash == hash_leaf(b"entry")
    assert sequencer.since(0, 10) == ([b"entry"], [hash_leaf(b"entry")])


def test_an_outcome_can_be_asked_for_by_many_and_again(sequencers):
    pending = sequencers().submit([b"a", b"b"])
    results = []
    threads = [threading.Thread(target=lambda: results.append(pending.result(10))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [pending.result()] * 8


def test_each_waiter_gets_an_error_of_its_own():
    pending = Pending([b"a"])
    pending.settle(0, 0, LogFull("no room"))
    caught = []
    for _ in range(2):
        with pytest.raises(LogFull, match="no room") as error:
            pending.result()
        caught.append(error.value)
    assert caught[0] is not caught[1]


def test_nobody_is_refused_for_somebody_elses_entry(sequencers):
    sequencer = sequencers()
    with pytest.raises(EntryError, match="an entry is bytes, not str"):
        sequencer.submit([b"fine", "text"])
    with pytest.raises(EntryError, match="at most 65535 bytes, not 65536: log its hash instead"):
        sequencer.submit([bytes(65_536)])
    assert sequencer.submit([b"fine"]).result(10)[0].index == 0


def test_what_was_handed_in_cannot_be_changed_afterwards(sequencers):
    entries = [b"a"]
    pending = sequencers().submit(entries)
    entries[0] = b"b"
    assert pending.result(10)[0].leaf_hash == hash_leaf(b"a")
    assert pending.entries == (b"a",)


def test_it_goes_on_behind_what_the_journal_held(sequencers, tmp_path):
    sequencer = sequencers(entries=[b"old"] * 3, last_time=5000)
    found = sequencer.submit([b"new"]).result(10)[0]
    assert (found.index, found.time) == (3, 5000)  # the clock of this test is behind
    sequencer.close()
    contents = read_journal(tmp_path / "journal")
    assert (contents.first, contents.entries) == (0, [b"old", b"old", b"old", b"new"])


def test_what_is_in_tiles_is_dropped_from_the_next_journal(sequencers, tmp_path):
    sequencer = sequencers(entries=[b"0", b"1", b"2"])
    sequencer.drop(2)
    assert sequencer.size == 3
    assert sequencer.since(2, 10)[0] == [b"2"]
    with sequencer.paused():
        sequencer._forget_journal()
    sequencer.submit([b"3"]).result(10)
    sequencer.close()
    assert read_journal(tmp_path / "journal").first == 2


def test_too_much_that_waits_is_refused_until_it_is_dropped(sequencers):
    sequencer = sequencers(room=100)
    sequencer.submit([bytes(200)]).result(10)
    with pytest.raises(LogFull, match="202 bytes of entries wait to be published"):
        sequencer.submit([b"x"]).result(10)
    sequencer.drop(1)
    assert sequencer.submit([b"x"]).result(10)[0].index == 1


def test_a_refusal_holds_for_all_that_comes(sequencers):
    sequencer = sequencers()
    sequencer.refuse(LogRolledBack("an older copy"))
    for _ in range(2):
        with pytest.raises(LogRolledBack, match="an older copy"):
            sequencer.submit([b"x"]).result(10)
    assert sequencer.size == 0


def test_nothing_is_written_while_it_is_paused(sequencers, disks):
    disk = disks.Faulty()
    sequencer = sequencers(disk)
    with sequencer.paused():
        before = disk.count
        pending = sequencer.submit([b"x"])
        with pytest.raises(LogError):
            pending.result(0.02)
        assert disk.count == before
    assert pending.result(10)[0].index == 0


def test_after_closing(sequencers):
    sequencer = sequencers()
    pending = sequencer.submit([b"x"])
    sequencer.close()
    assert pending.result()[0].index == 0
    with pytest.raises(LogClosed):
        sequencer.submit([b"y"])


def test_a_batch_that_failed_leaves_no_gap_and_a_journal_that_is_whole(sequencers, disks, tmp_path):
    disk = disks.Faulty()
    sequencer = sequencers(disk)
    sequencer.submit([b"first"]).result(10)
    disk.step = disk.count + 1  # the fsync behind the next write
    with pytest.raises(LogBroken, match="the disk failed and nothing was appended"):
        sequencer.submit([b"lost"]).result(10)
    assert sequencer.submit([b"second"]).result(10)[0].index == 1
    sequencer.close()
    assert read_journal(tmp_path / "journal").entries == [b"first", b"second"]


def test_where_the_journal_cannot_be_written_at_first(sequencers, disks, tmp_path):
    full = disks.Full(0)
    sequencer = sequencers(full)
    with pytest.raises(LogFull, match="no restart is needed"):
        sequencer.submit([b"x"]).result(10)
    full.room = 1 << 20
    assert sequencer.submit([b"x"]).result(10)[0].index == 0
    sequencer.close()
    with pytest.raises(OSError, match="Input/output") as caught:
        sequencers(disks.Faulty(0, code=errno.EIO))
    assert caught.value.errno == errno.EIO


@given(st.lists(st.binary(max_size=20), max_size=30), st.data())
def test_the_tail_knows_its_size(entries, data):
    tail = Tail(7, [], [])
    tail.extend(entries, [hash_leaf(entry) for entry in entries])
    assert (tail.end, tail.size) == (7 + len(entries), sum(2 + len(entry) for entry in entries))
    upto = data.draw(st.integers(7, tail.end))
    tail.drop(upto)
    left = entries[upto - 7 :]
    assert (tail.first, tail.entries, tail.size) == (upto, left, sum(2 + len(entry) for entry in left))
    assert tail.hashes == [hash_leaf(entry) for entry in left]


def test_the_journal_before_the_sequencer_is_replaced_and_not_appended_to(sequencers, disks, tmp_path):
    """What a stop left behind the last whole frame is never built upon."""
    Journal.create(tmp_path / "journal", Batch(0, 0, (b"old",)), disk=disks.Faulty()).close()
    with (tmp_path / "journal").open("ab") as file:
        file.write(b"half a frame")
    sequencers(entries=[b"old"]).submit([b"new"]).result(10)
    assert b"half a frame" not in (tmp_path / "journal").read_bytes()
