"""Opening a recorder: the log, and what is derived from it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from candid.ledger import Log, LogOptions, SigningKey
from candid.ledger.storage import DISK, Disk
from candid.recording.catching_up import catch_up
from candid.recording.labels import IdentityMap, map_folder
from candid.recording.recorder import Check, Recorder
from candid.recording.run import Software
from candid.recording.snapshot import read_snapshot


def open_recorder(
    data: Path,
    signer: SigningKey,
    options: LogOptions,
    *,
    software: Software,
    checks: Mapping[str, Check] | None = None,
    previous: Mapping[str, Any] | None = None,
    clock: Callable[[], float] = time.time,
    disk: Disk = DISK,
) -> Recorder:
    """Open the log of a data folder for writing, and bring up what is derived from it.

    Args:
        data: the data folder; its log is there.
        signer: the log's key.
        options: how to run the log.
        software: who writes.
        checks: looks at acts of a kind, with the time that they are going to have, before they are entered.
        previous: see `Recorder.begin`.
        clock: seconds since the epoch.
        disk: where to write.

    Raises:
        LogLocked: another process has it open.
        LedgerError: it cannot be opened.
        NotRecorded: it takes no entry.
        RecordingDamaged: its entries are not those of a data folder.
    """
    with ExitStack() as unless_all_open:
        log = Log.open(data / "ledger", signer, options)
        unless_all_open.callback(log.close)
        identities = IdentityMap(map_folder(data), disk=disk)
        unless_all_open.callback(identities.close)
        snapshot = data / "recording" / "state.json"
        state = catch_up(log, identities, read_snapshot(snapshot))
        recorder = Recorder(log, signer, identities, state, snapshot, clock=clock, disk=disk, checks=checks or {})
        recorder.begin(software, previous)
        unless_all_open.pop_all()
    return recorder
