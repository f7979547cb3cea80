"""The sum over the log in a file, so that a start need not read the whole log; derived, and checked against the log.

Layout: SHA-256 of what follows it, hex, on a line of its own; then the state in JSON. A number that a fault of the disk
changed would go into the next entry, and look like a call that was hidden; so nothing is taken from a damaged file.
"""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

from candid.ledger.storage import DISK, Disk, write_file
from candid.recording.state import State

FORMAT = 3


def write_snapshot(path: Path, state: State, *, disk: Disk = DISK) -> None:
    """Write it whole.

    Raises:
        OSError: it cannot be written.
    """
    data = json.dumps({"format": FORMAT, "state": state.as_json()}).encode()
    write_file(disk, path, sha256(data).hexdigest().encode() + b"\n" + data)


def read_snapshot(path: Path) -> State:
    """The state of a snapshot; the empty one where there is none that can be read."""
    try:
        digest, _, data = path.read_bytes().partition(b"\n")
        if sha256(data).hexdigest().encode() != digest:
            return State()
        found = json.loads(data)
        return State(**found["state"]) if found["format"] == FORMAT else State()
    except (OSError, ValueError, KeyError, TypeError):
        return State()
