import hashlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from candid.ledger.errors import LogBroken
from candid.ledger.journal import MAX_FRAME, Batch, Journal, JournalContents, read_journal
from candid.ledger.storage import DISK

NONCE = bytes(16)


def written(path, carried, *batches):
    """The bytes of a journal, and where in it each batch ends."""
    journal = Journal.create(path, carried, disk=DISK, randomness=bytes)
    ends = [journal.size]
    for batch in batches:
        journal.append(batch)
        ends.append(journal.size)
    journal.close()
    data = path.read_bytes()
    assert len(data) == ends[-1]
    return data, ends


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal"


FIRST, SECOND, THIRD = Batch(10, 5, (b"a", b"bb")), Batch(12, 6, (b"", b"c" * 70)), Batch(14, 9, (b"d",))


def test_batches_are_read_back(path):
    written(path, FIRST, SECOND, THIRD)
    assert read_journal(path) == JournalContents(10, 9, [b"a", b"bb", b"", b"c" * 70, b"d"])


def test_an_empty_journal_keeps_index_and_time(path):
    written(path, Batch(300, 77, ()))
    assert read_journal(path) == JournalContents(300, 77, [])


def test_a_large_batch_is_split_into_frames(path):
    entries = tuple(bytes([i]) * 60_000 for i in range(200))
    assert sum(map(len, entries)) > 2 * MAX_FRAME
    written(path, Batch(0, 1, ()), Batch(0, 2, entries), Batch(200, 3, (b"z",)))
    assert read_journal(path).entries == [*entries, b"z"]


def test_a_batch_that_was_cut_off_anywhere_ends_the_journal(path):
    data, ends = written(path, FIRST, SECOND, THIRD)
    for length in range(ends[0], len(data)):
        path.write_bytes(data[:length])
        whole = [batch for batch, end in zip((FIRST, SECOND, THIRD), ends, strict=True) if end <= length]
        assert read_journal(path) == JournalContents(
            10, whole[-1].time, [e for batch in whole for e in batch.entries]
        )


def test_a_last_batch_that_was_changed_anywhere_ends_the_journal(path):
    data, ends = written(path, FIRST, SECOND, THIRD)
    for position in range(ends[1], len(data)):
        path.write_bytes(data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :])
        assert read_journal(path).entries == [b"a", b"bb", b"", b"c" * 70]


def test_an_earlier_batch_that_was_changed_anywhere_is_damage(path):
    data, ends = written(path, FIRST, SECOND, THIRD)
    for position in range(ends[0], ends[1]):
        path.write_bytes(data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :])
        with pytest.raises(LogBroken, match=f"damaged at byte {ends[0]}: entry 12 and others"):
            read_journal(path)


def test_frames_of_one_batch_may_be_torn_in_any_order(path):
    entries = tuple(bytes([i]) * 60_000 for i in range(150))
    data, ends = written(path, Batch(0, 1, (b"old",)), Batch(1, 2, entries))
    path.write_bytes(data[: ends[0] + 100] + b"\xff" * 1000 + data[ends[0] + 1100 :])
    assert read_journal(path).entries == [b"old"]


def test_a_frame_inside_an_entry_is_not_believed(path):
    planted, ends = written(path, Batch(50, 1, ()), Batch(99, 2, (b"planted",)))
    frame = planted[ends[0] :]
    journal = Journal.create(path, Batch(0, 1, (b"old",)), disk=DISK)
    start = journal.size
    journal.append(Batch(1, 2, (frame, b"more")))
    journal.close()
    data = path.read_bytes()
    path.write_bytes(data[:-1])
    assert read_journal(path).entries == [b"old"]
    path.write_bytes(data[:start] + frame)
    assert read_journal(path).entries == [b"old"]


@pytest.mark.parametrize("position", range(0, 64, 5))
def test_a_changed_header_is_damage(path, position):
    data, _ = written(path, FIRST)
    path.write_bytes(data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :])
    with pytest.raises(LogBroken, match="damaged at its beginning"):
        read_journal(path)


def test_a_missing_or_short_journal_is_damage(path):
    with pytest.raises(LogBroken, match="is missing"):
        read_journal(path)
    path.write_bytes(b"candid-journal/1")
    with pytest.raises(LogBroken, match="damaged at its beginning"):
        read_journal(path)


def test_a_journal_of_another_version_is_refused(path):
    fields = struct.pack(">16sQq16s", b"candid-journal/2", 0, 0, NONCE)
    path.write_bytes(fields + hashlib.sha256(fields).digest()[:16])
    with pytest.raises(LogBroken, match="another version"):
        read_journal(path)


def test_a_frame_that_cannot_have_been_written_is_refused(path):
    data, _ = written(path, Batch(0, 0, ()))
    fields = struct.pack(">4sQQqII", b"CJf1", 0, 0, 1, 2, 3)
    path.write_bytes(data + fields + hashlib.sha256(NONCE + fields + b"\0\1a").digest()[:16] + b"\0\1a")
    with pytest.raises(LogBroken, match="cannot have written"):
        read_journal(path)


@given(st.binary(max_size=300))
def test_no_bytes_behind_a_journal_raise_anything_else(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("journal") / "journal"
    good, _ = written(path, FIRST)
    path.write_bytes(good + data)
    assert read_journal(path).entries == [b"a", b"bb"]
