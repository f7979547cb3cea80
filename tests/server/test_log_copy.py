"""A copy of a log's public files takes the place of the log of a backup, if it is whole, of that log and new enough."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from candid.ledger import FolderSource, Log, LogOptions, SigningKey, verify_log
from candid.ledger.errors import LedgerError
from candid.server.log_copy import LogNotRestored, check_newest, durable_entries, newest_known, take_newer


def entry(number: int) -> bytes:
    return json.dumps({"n": number, "time": 1_800_000_000_000 + number}).encode()


@dataclass
class Place:
    """A log with its guard, and how it was at moments before."""

    at: Path
    key: SigningKey
    size: int = 0

    @property
    def log(self) -> Path:
        return self.at / "ledger"

    @property
    def guard(self) -> Path:
        return self.at / "guard"

    def grow(self, count: int) -> None:
        options = LogOptions(guard=self.guard, publish_interval=None)
        opening = Log.open if Log.exists(self.log) else Log.create
        with opening(self.log, self.key, options) as log:
            log.append_many([entry(number) for number in range(self.size, self.size + count)])
        self.size += count

    def copied(self, name: str, *, public: bool = False) -> Path:
        ignore = shutil.ignore_patterns(".state") if public else None
        return Path(shutil.copytree(self.log, self.at / name, ignore=ignore))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path, SigningKey.generate("log.example/a"))
    made.grow(300)
    return made


@pytest.mark.parametrize("more", [1, 212, 65_300, 66_000])
def test_the_log_goes_on_from_the_copy(place: Place, more: int) -> None:
    backup = place.copied("backup")
    place.grow(more)
    mirror = place.copied("mirror", public=True)
    key = place.key.verifier
    with pytest.raises(LogNotRestored, match="the log went on after this backup"):
        check_newest(backup, key, place.guard)
    assert take_newer(FolderSource(mirror), backup, key, place.guard) == 300 + more
    check_newest(backup, key, place.guard)
    assert [data for _, data in durable_entries(backup, key)] == [entry(n) for n in range(300 + more)]
    with Log.open(backup, place.key, LogOptions(guard=place.guard, clock=lambda: 1.0)) as log:
        placed = log.append(b"next")
        assert placed.index == 300 + more
        assert placed.time >= 1_800_000_000_000 + 299 + more  # though the clock was set back
    assert verify_log(FolderSource(backup), key).signed.size == 301 + more


def test_a_backup_with_entries_that_were_not_public_yet(place: Place) -> None:
    """They are entries of the log all the same, and the copy must have them."""
    key = place.key.verifier
    older = place.copied("older", public=True)
    with Log.open(place.log, place.key, LogOptions(guard=place.guard, publish_interval=None)) as log:
        log.append_many([entry(number) for number in range(300, 900)])
        backup = place.copied("backup")
    check_newest(backup, key, place.guard)
    assert [data for _, data in durable_entries(backup, key)] == [entry(n) for n in range(900)]
    with pytest.raises(LogNotRestored, match="has 300 entries of the log, and it had 900 already"):
        take_newer(FolderSource(older), backup, key, place.at / "none")
    known = newest_known(backup, key, [])
    assert known is not None
    assert known.size == 900
    mirror = place.copied("mirror", public=True)
    assert take_newer(FolderSource(mirror), backup, key, place.guard) == 900


def test_the_copy_is_as_old_as_the_backup(place: Place) -> None:
    backup, mirror = place.copied("backup"), place.copied("mirror", public=True)
    assert take_newer(FolderSource(mirror), backup, place.key.verifier, place.guard) == 300


def test_a_copy_that_is_older_than_guard_or_backup(place: Place) -> None:
    mirror = place.copied("mirror", public=True)
    place.grow(5)
    backup = place.copied("backup")
    for guard in (place.guard, place.at / "none"):
        with pytest.raises(LogNotRestored, match="has 300 entries of the log, and it had 305 already"):
            take_newer(FolderSource(mirror), backup, place.key.verifier, guard)
        assert not (place.at / "backup.copy").exists()


def test_a_copy_of_another_history(place: Place, tmp_path: Path) -> None:
    backup = place.copied("backup")
    (tmp_path / "other").mkdir()
    other = Place(tmp_path / "other", place.key, size=1)
    other.grow(400)
    with pytest.raises(LogNotRestored, match="another history of the log"):
        take_newer(FolderSource(other.log), backup, place.key.verifier, place.guard)
    foreign = Place(tmp_path / "foreign", SigningKey.generate("log.example/b"))
    foreign.at.mkdir()
    foreign.grow(400)
    with pytest.raises(LedgerError):
        take_newer(FolderSource(foreign.log), backup, place.key.verifier, place.guard)


def test_a_copy_with_any_file_changed_or_missing(place: Place) -> None:
    place.grow(300)
    mirror = place.copied("mirror", public=True)
    tiles = [f"tile/{level}/{name}" for level in ("entries", "0") for name in ("000", "001", "002.p/88")]
    for path in (mirror / name for name in ("checkpoint", *tiles, "tile/1/000.p/2")):
        content = path.read_bytes()
        at = len(content) // 2
        for changed in (content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :], None):
            backup = place.copied("backup")
            path.unlink() if changed is None else path.write_bytes(changed)
            with pytest.raises((LedgerError, LogNotRestored)):
                take_newer(FolderSource(mirror), backup, place.key.verifier, place.guard)
            path.write_bytes(content)
            shutil.rmtree(backup)
            shutil.rmtree(place.at / "backup.copy", ignore_errors=True)


def test_a_backup_of_the_log_before(place: Place, tmp_path: Path) -> None:
    backup, new = place.copied("backup"), SigningKey.generate("log.example/a/2")
    with pytest.raises(LogNotRestored, match="the log of the backup was ended"):
        check_newest(backup, new.verifier, tmp_path / "none")
    assert newest_known(backup, new.verifier, [place.at / "none"]) is None


def test_a_backup_without_a_log(place: Place, tmp_path: Path) -> None:
    check_newest(tmp_path / "nothing", place.key.verifier, tmp_path / "none")
    with pytest.raises(LogNotRestored, match=r"holds no log, and .* knows one"):
        check_newest(tmp_path / "nothing", place.key.verifier, place.guard)
    mirror = place.copied("mirror", public=True)
    assert take_newer(FolderSource(mirror), tmp_path / "nothing", place.key.verifier, place.guard) == 300
    check_newest(tmp_path / "nothing", place.key.verifier, place.guard)


def test_the_newest_checkpoint_that_is_known(place: Place) -> None:
    backup, key = place.copied("backup"), place.key.verifier
    place.grow(7)
    old = Path(shutil.copy(place.guard, place.at / "guard.ended-1"))
    for guards, size in (([place.guard], 307), ([place.at / "none", old], 307), ([], 300)):
        known = newest_known(backup, key, guards)
        assert known is not None
        assert known.size == size
