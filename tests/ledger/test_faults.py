"""Each durable step fails in turn, before or after its effect; the process goes on, ends, or loses power."""

import errno
import itertools
import shutil
from pathlib import Path

import pytest

from candid.ledger import FolderSource, Log, LogReader, verify_log
from candid.ledger.checkpoint import open_checkpoint
from candid.ledger.errors import LogBroken, LogError, LogFull
from candid.ledger.layout import Layout

BEFORE = 250  # so that what the story appends fills a tile


def story(workshop, disk, acknowledged, seen):
    """Open, append and publish across the end of a tile; whatever is refused is tried once more."""
    log = workshop.open(disk=disk)
    try:
        for size in (4, 5, 3):
            for _ in range(2):
                entries = [b"%d.%d" % (len(acknowledged), i) for i in range(size)]
                try:
                    found = log.append_many(entries)
                    break
                except LogError:
                    continue
            else:
                continue
            acknowledged.update({item.index: entry for item, entry in zip(found, entries, strict=True)})
            for _ in range(2):
                try:
                    seen.append(log.publish().checkpoint)
                    break
                except LogError:
                    continue
    finally:
        log.close()


def tell(workshop, disk, acknowledged, seen):
    try:
        story(workshop, disk, acknowledged, seen)
    except LogError:
        return


def check(workshop, acknowledged, seen):
    """Open the log with a disk that works: nothing acknowledged is lost, and no root was signed twice."""
    layout, key = Layout(workshop.folder), workshop.signer.verifier
    for path in (layout.signed, layout.checkpoint, workshop.guard):
        seen.append(open_checkpoint(path.read_bytes(), key).checkpoint)
    with workshop.open() as log:
        assert log.append(b"after").index == log.size - 1
    source = FolderSource(workshop.folder)
    size = verify_log(source, key).signed.size
    reader = LogReader.open(source, key)
    entries = dict(reader.entries())
    assert len(entries) == size
    assert all(entries[index] == entry for index, entry in acknowledged.items())
    assert all(entries[index] == b"entry %d" % index for index in range(BEFORE))
    for checkpoint in seen:
        reader.check_extends(checkpoint)


def steps_of_the_story(workshop, disks):
    disk = disks.Faulty()
    story(workshop, disk, {}, [])
    return disk.names


@pytest.fixture
def workshop(quick_workshop):
    return quick_workshop


@pytest.fixture
def base(workshop):
    """A log of 250 entries, and how to get it back."""
    workshop.create(BEFORE).close()
    workshop.copy("base")
    guard = workshop.guard.read_bytes()

    def again():
        shutil.rmtree(workshop.folder)
        shutil.copytree(workshop.root / "base", workshop.folder)
        workshop.guard.write_bytes(guard)

    return again


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
@pytest.mark.parametrize("dead", [False, True], ids=["goes on", "ends"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_every_step_may_fail(workshop, base, disks, after, dead, code):
    names = steps_of_the_story(workshop, disks)
    assert len(names) > 80
    for step in range(len(names)):
        base()
        acknowledged, seen = {}, []
        tell(workshop, disks.Faulty(step, after=after, dead=dead, code=code), acknowledged, seen)
        check(workshop, acknowledged, seen)


def test_the_power_may_fail_at_every_step(workshop, base, disks):
    steps = len(steps_of_the_story(workshop, disks))
    lost = 0
    for step in range(steps):
        base()
        acknowledged, seen = {}, []
        disk = disks.Lossy(workshop.root, step)
        tell(workshop, disk, acknowledged, seen)
        left = workshop.root / "left"
        disk.after_power_cut(workshop.root, left)
        lost += count_lost(workshop.folder, left / "log")
        shutil.rmtree(workshop.folder)
        (left / "log").rename(workshop.folder)
        workshop.guard.write_bytes((left / "outside" / "guard").read_bytes())
        shutil.rmtree(left)
        check(workshop, acknowledged, seen)
    assert lost > 0  # else the disk of this test loses nothing, and the test shows nothing


def count_lost(before, after):
    """How many files the power failure took or shortened."""
    pairs = [(path, after / path.relative_to(before)) for path in before.rglob("*") if path.is_file()]
    return sum(not left.exists() or left.read_bytes() != path.read_bytes() for path, left in pairs)


def test_creating_may_fail_at_every_step(workshop, disks):
    disk = disks.Faulty()
    workshop.create(disk=disk).close()
    for step, after in itertools.product(range(disk.count), (False, True)):
        shutil.rmtree(workshop.folder)
        workshop.guard.unlink(missing_ok=True)
        try:
            workshop.create(disk=disks.Faulty(step, after=after, dead=True)).close()
        except LogBroken as error:
            assert "made a log" in str(error) or "opened" in str(error)
        again = workshop.open if Log.exists(workshop.folder) else workshop.create
        again().close()
        assert verify_log(FolderSource(workshop.folder), workshop.signer.verifier).signed.size == 0


def test_a_full_disk_refuses_and_goes_on(workshop, disks):
    disk = disks.Full(1 << 20)
    log = workshop.create(disk=disk)
    kept = log.append_many([bytes(1000)] * 10)
    log.publish()
    disk.room = 5000
    with pytest.raises(LogFull, match="the disk is full: nothing was appended; make room and go on"):
        log.append_many([bytes(1000)] * 10)
    with pytest.raises(LogFull):
        log.append(b"small")
    disk.room = 1 << 20
    kept.append(log.append(b"fits"))
    disk.room = 0
    with pytest.raises(LogFull, match="the checkpoint cannot be published"):
        log.publish()
    assert "No space left" in log.status().failure
    disk.room = 1 << 20
    log.publish()
    assert log.status().failure is None
    log.close()
    assert [item.index for item in kept] == list(range(11))
    with workshop.open() as log:
        assert log.size == 11
    assert verify_log(FolderSource(workshop.folder), log.key).signed.size == 11


@pytest.mark.parametrize("room", range(0, 3000, 97))
def test_a_disk_that_fills_up_at_any_byte(workshop, disks, room):
    log = workshop.create(100)
    log.append_many([b"unpublished"] * 20)
    journal = Layout(workshop.folder).journal.read_bytes()
    copy = workshop.copy("copy")
    log.close()
    shutil.rmtree(workshop.folder)
    copy.rename(workshop.folder)
    assert Layout(workshop.folder).journal.read_bytes() == journal
    acknowledged = 120
    log = workshop.open(guard=None, disk=disks.Full(room))  # opens although nothing can be written
    assert log.size == 120
    for _ in range(10):
        try:
            acknowledged = log.append(b"more").index + 1
        except LogFull:
            continue
    log.close()
    with workshop.open(guard=None) as log:
        assert log.size >= acknowledged
        log.append(b"after")
    assert verify_log(FolderSource(workshop.folder), log.key).signed.size > acknowledged


def test_a_failing_disk_is_no_full_disk(workshop, disks):
    log = workshop.create()
    log.close()
    disk = disks.Faulty()
    log = workshop.open(disk=disk)
    disk.step = disk.count
    with pytest.raises(LogBroken, match="the disk failed and nothing was appended"):
        log.append(b"one")
    assert log.append(b"two").index == 0
    disk.step = disk.count
    with pytest.raises(LogBroken, match="cannot be published"):
        log.publish()


def test_a_log_on_a_failing_disk_is_not_opened(workshop, disks):
    workshop.create().close()
    with pytest.raises(LogBroken, match="cannot be opened"):
        workshop.open(disk=disks.Faulty(0))
    assert workshop.open().size == 0


def test_the_publisher_says_once_what_keeps_failing(workshop, disks, caplog):
    log = workshop.create(disk=disks.Full(100_000), publish_interval=0.001)
    disk = log._publisher._disk
    disk.room = 500
    log.append(bytes(100))
    while log.status().failure is None:
        Path(workshop.root).stat()
    disk.room = 100_000
    log.close()
    assert sum("cannot publish" in record.getMessage() for record in caplog.records) == 1
