"""How things stand, every hour; what is stored, every day, once for each customer, also behind faults and crashes."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from candid.gallery import FaceBox, Gallery, NewFace, open_gallery
from candid.governance import Customers, open_customers
from candid.ledger import Log, LogOptions, SigningKey
from candid.ledger.storage import Disk
from candid.recording import NotRecorded, Recorder, Software, open_recorder
from candid.server.housekeeping import MOST_DAYS, Housekeeping
from candid_verify.audit import Audit
from candid_verify.entries import parse_entry

KEY, CONTRACT, DIMENSION, DAY = bytes(range(32)), "arc/1/1", 8, 86_400
SOFTWARE = Software("candid", "1")


class FullDisk(Disk):
    def __init__(self):
        self.left = None

    def write(self, descriptor, data):
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise OSError(errno.ENOSPC, "no room")
        return super().write(descriptor, data)


@dataclass
class House:
    """A data folder with two customers; its server can be started, killed and started again."""

    root: Path
    signer: SigningKey
    customers: Customers
    gallery: Gallery
    disk: FullDisk
    now: float = datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp()
    recorder: Recorder | None = None
    keeping: Housekeeping | None = None

    def start(self) -> None:
        options = LogOptions(publish_interval=None, disk=self.disk, clock=lambda: self.now)
        if not Log.exists(self.root / "ledger"):
            Log.create(self.root / "ledger", self.signer, options).close()
        self.recorder = open_recorder(
            self.root, self.signer, options, software=SOFTWARE, clock=lambda: self.now, disk=self.disk
        )
        self.recorder.start(models=[], software=SOFTWARE, engine=dict)
        self.keeping = Housekeeping(self.recorder, self.customers, self.gallery, clock=lambda: self.now)

    def kill(self) -> None:
        """Without a snapshot, as after `kill -9`."""
        snapshot = self.root / "recording" / "state.json"
        kept = snapshot.read_bytes() if snapshot.exists() else None
        self.recorder.close()
        snapshot.unlink() if kept is None else snapshot.write_bytes(kept)

    def open_customer(self, number: int) -> str:
        found = self.customers.open_customer(name=f"Acme {number}", country="DE", account=f"{number:012}")
        body = {"kind": "customer/1", "event": "opened", "customer": found.pseudonym, "identity": found.pseudonym}
        self.recorder.act(body | {"category": "other", "status": "unscreened"}, [b"label"])
        self.gallery.collections.create(found.account, "c", contract=CONTRACT, dimension=DIMENSION)
        return found.pseudonym

    def enrol(self, number: int) -> str:
        """A face, and the entry of the erasure or call that changed what is stored."""
        vector = np.zeros(DIMENSION, np.float32)
        vector[0] = 1
        box = FaceBox(0.1, 0.2, 0.3, 0.4)
        face = NewFace(embedding=vector, box=box, confidence=99.0, image_id="00000000-0000-4000-8000-000000000001")
        (added,) = self.gallery.faces.add(f"{number:012}", "c", [face], contract=CONTRACT)
        self.changed()
        return added.face_id

    def changed(self) -> None:
        self.recorder.act({"kind": "erasure/1", "subject": "customer", "removed": {"n": self.recorder.log.size}})

    def statements(self) -> list[tuple[str, str, int]]:
        """Customer, day and faces of each entry, in order; the audit finds nothing wrong."""
        audit, found = Audit(), []
        for index, data in self.recorder.log.entries(0):
            audit.feed(index, data)
            entry = parse_entry(data)
            if entry["kind"] == "storage/1":
                found.append((entry["customer"], entry["day"], entry["faces"]))
        assert audit.finish().findings == ()
        return found


@pytest.fixture
def house(tmp_path):
    customers = open_customers(tmp_path / "governance.db", key=KEY)
    gallery = open_gallery(tmp_path / "gallery", key=KEY)
    found = House(tmp_path, SigningKey.generate("candid.local/test"), customers, gallery, FullDisk())
    found.start()
    yield found
    found.disk.left = None
    found.recorder.close()
    gallery.close()
    customers.close()


def test_nothing_is_entered_before_the_day_has_ended(house):
    a = house.open_customer(1)
    house.enrol(1)
    house.keeping()
    house.now += DAY / 2 - 1
    house.keeping()
    assert house.statements() == []
    house.now += 1
    house.keeping()
    house.keeping()
    assert house.statements() == [(a, "2026-11-24", 1)]


def test_each_day_once_for_each_customer_with_anything(house):
    a, b = house.open_customer(1), house.open_customer(2)
    house.open_customer(3)
    house.enrol(1)
    house.now += DAY
    house.keeping()
    house.enrol(2)
    house.enrol(2)
    house.now += DAY
    house.keeping()
    expected = [(a, "2026-11-24", 1), (a, "2026-11-25", 1), (b, "2026-11-25", 2)]
    assert house.statements() == expected


def test_days_without_a_server_are_told_when_it_is_back(house):
    a = house.open_customer(1)
    house.enrol(1)
    house.now += DAY
    house.keeping()
    house.recorder.stop()
    house.recorder.close()
    house.now += 3 * DAY
    house.start()
    house.keeping()
    assert house.statements() == [(a, f"2026-11-{day}", 1) for day in (24, 25, 26, 27)]


def test_days_before_anything_was_stored_are_never_told(house):
    """Nobody had stored anything for weeks; the server was killed on the day on which somebody did."""
    a = house.open_customer(1)
    for _ in range(30):
        house.now += DAY
        house.keeping()
    house.enrol(1)
    house.kill()
    house.now += 2 * DAY
    house.start()
    house.keeping()
    assert house.statements() == [(a, "2026-12-24", 1), (a, "2026-12-25", 1)]


def test_days_after_everything_was_deleted_are_never_told(house):
    a = house.open_customer(1)
    face = house.enrol(1)
    house.now += DAY
    house.keeping()
    house.gallery.faces.delete(f"{1:012}", "c", [face])
    house.changed()
    for _ in range(10):
        house.now += DAY
        house.keeping()
    house.enrol(1)
    house.kill()
    house.now += DAY
    house.start()
    house.keeping()
    assert house.statements() == [(a, "2026-11-24", 1), (a, "2026-12-05", 1)]


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("fits", range(4))
def test_a_disk_that_is_full_between_two_customers(house, fits, restart):
    parties = [house.open_customer(number) for number in (1, 2, 3)]
    for number in (1, 2, 3):
        house.enrol(number)
    house.now += DAY
    house.disk.left = fits
    if fits < 3:
        with pytest.raises(NotRecorded):
            house.keeping()
        with pytest.raises(NotRecorded):
            house.keeping()
    house.disk.left = None
    if restart:
        house.kill()
        house.start()
    house.keeping()
    house.now += DAY
    house.keeping()
    expected = [(each, day, 1) for day in ("2026-11-24", "2026-11-25") for each in parties]
    assert house.statements() == expected


def test_very_long_ago_is_left_out(house):
    house.open_customer(1)
    house.enrol(1)
    house.recorder.stop()
    house.recorder.close()
    house.now += (MOST_DAYS + 100) * DAY
    house.start()
    house.keeping()
    assert len(house.statements()) == MOST_DAYS


def test_a_clock_that_is_set_back_states_nothing_twice(house):
    a = house.open_customer(1)
    house.enrol(1)
    house.now += DAY
    house.keeping()
    house.now -= DAY
    house.keeping()
    house.now += DAY + 60
    house.keeping()
    assert house.statements() == [(a, "2026-11-24", 1)]


def states(house):
    return sum(parse_entry(data)["kind"] == "state/1" for _, data in house.recorder.log.entries(0))


def test_how_things_stand_is_told_every_hour_in_which_something_happened(house):
    assert states(house) == 1
    house.now += 3599
    house.open_customer(1)
    house.keeping()
    assert states(house) == 1
    house.now += 1
    house.keeping()
    assert states(house) == 2
    for _ in range(5):
        house.now += 3600
        house.keeping()
    assert states(house) == 2
    house.changed()
    house.keeping()
    house.now += 3600
    house.keeping()
    assert states(house) == 3


def test_what_was_not_entered_in_time_is_never_entered(house, caplog):
    """A server that is at work, and fails to state what is stored: the rule of the audit is that of the server."""
    a = house.open_customer(1)
    house.enrol(1)
    house.now = datetime(2026, 11, 26, tzinfo=UTC).timestamp()
    house.recorder.start(models=[], software=SOFTWARE, engine=dict)
    house.now += DAY + 0.001
    house.keeping()
    assert house.statements() == [(a, "2026-11-25", 1), (a, "2026-11-26", 1)]
    assert "What was stored on 2026-11-24 cannot be entered any more" in caplog.text


def test_a_log_that_could_not_be_written_for_long_makes_nothing_late(house):
    a = house.open_customer(1)
    house.enrol(1)
    house.now += DAY
    house.disk.left = 0
    for _ in range(9):
        with pytest.raises(NotRecorded):
            house.keeping()
        house.now += DAY
    house.disk.left = None
    house.keeping()
    assert [day for _, day, _ in house.statements()] == [f"2026-{day}" for day in (
        "11-24", "11-25", "11-26", "11-27", "11-28", "11-29", "11-30", "12-01", "12-02", "12-03",
    )]  # fmt: skip
    assert {who for who, _, _ in house.statements()} == {a}
