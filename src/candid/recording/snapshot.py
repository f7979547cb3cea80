"""The sum over the log in a file, so that a start need not read the whole log; derived, and checked against the log."""

from __future__ import annotations

import json
from pathlib import Path

from candid.ledger.storage import DISK, Disk, write_file
from candid.recording.state import State

FORMAT = 2


def write_snapshot(path: Path, state: State, *, disk: Disk = DISK) -> None:
    """Write it whole.

    Raises:
        OSError: it cannot be written.
    """
    write_file(disk, path, json.dumps({"format": FORMAT, "state": state.as_json()}).encode())


def read_snapshot(path: Path) -> State:
    """The state of a snapshot; the empty one where there is none that can be read."""
    try:
        found = json.loads(path.read_bytes())
        return State(**found["state"]) if found["format"] == FORMAT else State()
    except (OSError, ValueError, KeyError, TypeError):
        return State()
