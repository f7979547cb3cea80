"""From durable entries to public files: in which order, in how many steps, and what a failure leaves."""

import logging
import os
import threading
from itertools import groupby

import pytest

from candid.ledger import FolderSource, LogReader, Policy, SigningKey, Witnesses, verify_log
from candid.ledger.checkpoint import open_checkpoint
from candid.ledger.errors import LogBroken, LogFull, QuorumError, TileError
from candid.ledger.keys import Algorithm
from candid.ledger.layout import Layout

NOBODY = SigningKey("w.example", Algorithm.COSIGNATURE, bytes([7]) * 32)


@pytest.fixture
def workshop(quick_workshop):
    return quick_workshop


def nobody():
    """A policy of one witness that cannot be reached."""
    return Witnesses(Policy.parse(f"witness w {NOBODY.verifier} http://127.0.0.1:1\nquorum w\n".encode()))


def test_tiles_before_the_signature_before_the_guard_before_the_public(workshop, disks):
    done, tiles = [], Layout(workshop.folder).tiles

    class Noting(disks.Faulty):
        def rename(self, source, target):
            done.append("tile" if tiles in target.parents else target.name)
            super().rename(source, target)

        def remove(self, path):
            done.append("removal")
            super().remove(path)

    log = workshop.create(250, disk=Noting())
    log.append_many([b"more"] * 300)
    done.clear()
    log.publish()
    assert [kind for kind, _ in groupby(done)] == ["tile", "signed", "guard", "checkpoint", "removal"]


def test_publishing_again_writes_nothing(workshop, disks):
    disk = disks.Faulty()
    log = workshop.create(10, disk=disk)
    before = disk.count
    assert log.publish() == log.checkpoint
    assert disk.count == before


@pytest.mark.parametrize("chunk", [17, 255, 256, 257, 1000])
def test_catching_up_in_any_steps_gives_the_same_files(workshop, files, monkeypatch, chunk):
    monkeypatch.setattr("candid.ledger.publisher._CHUNK", chunk)
    entries = [b"entry %d" % number for number in range(600)]
    log = workshop.create(600)
    expected = files(entries, workshop.signer)
    assert log.checkpoint.root == expected.root
    for path, data in expected.items():
        if path.startswith("tile"):
            assert (workshop.folder / path).read_bytes() == data, path


def test_partial_tiles_of_every_level_go_once_they_are_full(workshop):
    log = workshop.create(65_400)
    assert (workshop.folder / "tile/1/000.p/255").exists()
    log.append_many([b"x"] * 200)
    log.publish()
    left = sorted(str(path.relative_to(workshop.folder)) for path in workshop.folder.rglob("*.p"))
    assert left == ["tile/0/256.p", "tile/2/000.p", "tile/entries/256.p"]
    assert verify_log(FolderSource(workshop.folder), log.key).signed.size == 65_600


def test_a_checkpoint_that_was_signed_and_not_published_is_the_one_that_is_published(workshop, disks):
    """There is one root for one size, whatever fails in between."""
    layout = Layout(workshop.folder)
    log = workshop.create(5)
    log.append(b"more")
    guard = workshop.guard

    class NoGuard(disks.Faulty):
        def rename(self, source, target):
            if target == guard:
                raise OSError(5, os.strerror(5))
            super().rename(source, target)

    log._publisher._disk = NoGuard()
    with pytest.raises(LogBroken, match="the checkpoint cannot be published"):
        log.publish()
    signed = layout.signed.read_bytes()
    assert open_checkpoint(signed, log.key).size == 6
    assert log.checkpoint.size == 5
    log._publisher._disk = disks.Faulty()
    assert bytes(log.publish()) == signed == guard.read_bytes() == layout.checkpoint.read_bytes()


def test_readers_meanwhile_see_whole_logs(workshop):
    log = workshop.create(publish_interval=0.001)
    sizes, ended = [], threading.Event()

    def write():
        while not ended.wait(0.002):
            log.append_many([b"x"] * 40)

    writer = threading.Thread(target=write)
    writer.start()
    for _ in range(12):
        reader = LogReader.open(FolderSource(workshop.folder), log.key)
        assert len(list(reader.entries())) == reader.size
        sizes.append(reader.size)
    ended.set()
    writer.join()
    assert sizes == sorted(sizes)


def wait_for(condition):
    while not condition():
        threading.Event().wait(0.002)


def test_what_keeps_it_from_publishing_is_logged_once_and_what_is_new_again(workshop, caplog):
    """Also where it was so from the start; and again once it had worked in between."""
    caplog.set_level(logging.WARNING, logger="candid.ledger.publisher")
    log = workshop.create(publish_interval=0.001, witnesses=nobody())
    wait_for(lambda: caplog.records)
    threading.Event().wait(0.05)
    assert ["too few witnesses cosigned" in record.getMessage() for record in caplog.records] == [True]
    log._publisher._witnesses, log._publisher._confirmed = None, True
    wait_for(lambda: log.status().failure is None)
    log._publisher._witnesses = nobody()
    log.append(b"x")
    wait_for(lambda: len(caplog.records) == 2)
    log.close()
    assert len({record.getMessage() for record in caplog.records}) == 1


def test_closing_publishes_what_is_left_or_leaves_it_in_the_journal(workshop, disks):
    disk = disks.Full(1 << 20)
    log = workshop.create(3, disk=disk)
    log.append(b"more")
    disk.room = 0
    with pytest.raises(LogFull):
        log.publish()
    log.close()
    with workshop.open() as log:
        assert (log.size, log.checkpoint.size) == (4, 4)


def test_damaged_tiles_are_not_proved_to_witnesses(workshop):
    log = workshop.create(300)
    log.append_many([b"x"] * 300)
    log._publisher._witnesses = nobody()
    with pytest.raises(QuorumError):
        log.publish()
    (workshop.folder / "tile/0/002.p/88").write_bytes(b"")
    with pytest.raises(TileError):
        log.publish()
    assert "expected" in log.status().failure
