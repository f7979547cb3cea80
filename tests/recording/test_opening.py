"""Whatever cannot be opened, nothing stays locked."""

from __future__ import annotations

import errno

import pytest
from tests.recording.conftest import SOFTWARE

from candid.ledger import Log
from candid.ledger.errors import LogError, LogLocked, MapError
from candid.ledger.storage import Disk
from candid.recording import NotRecorded, map_folder, open_recorder


class Failing(Disk):
    def write(self, descriptor, data):
        raise OSError(errno.ENOSPC, "no room")


def test_a_log_has_one_recorder(desk):
    recorder = desk.open()
    with pytest.raises(LogLocked):
        desk.open()
    recorder.close()
    desk.open()


def test_where_there_is_no_log(desk):
    with pytest.raises(LogError, match="holds no log"):
        open_recorder(desk.root, desk.signer, desk.options(), software=SOFTWARE)


def test_a_map_that_cannot_be_opened_lets_go_of_the_log(desk):
    desk.open().close()
    for path in (map_folder(desk.root) / "lock", map_folder(desk.root) / "nodes", map_folder(desk.root) / "versions"):
        path.unlink()
    map_folder(desk.root).rmdir()
    (desk.root / "recording" / "state.json").unlink()
    (desk.root / "recording").rmdir()
    (desk.root / "recording").write_bytes(b"a file in the place of a folder")
    with pytest.raises(MapError):
        desk.open()
    Log.open(desk.root / "ledger", desk.signer, desk.options()).close()


def test_a_first_entry_that_finds_no_room_lets_go_of_both(desk):
    Log.create(desk.root / "ledger", desk.signer, desk.options()).close()
    with pytest.raises((NotRecorded, MapError, LogError)):
        desk.open(disk=Failing())
    assert desk.open().log.size == 1
