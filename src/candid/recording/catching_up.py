"""From the last snapshot to the end of the log, when the log is opened; and the map, if it is not that of the log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from candid.ledger import Log, hash_leaf
from candid.recording.errors import RecordingDamaged
from candid.recording.labels import IdentityMap
from candid.recording.state import State
from candid_verify.canonical import decode_bytes, encode_bytes
from candid_verify.errors import FormatError

_FOREIGN = "entry {index} of the log is none of Candid's; name the right data folder"


def catch_up(log: Log, identities: IdentityMap, snapshot: State) -> State:
    """The state after the newest durable entry.

    Args:
        log: the open log.
        identities: is brought up to it.
        snapshot: of some moment before, or the empty state.

    Raises:
        RecordingDamaged: an entry is none that this recorder writes.
        LedgerError: log or map cannot be read or written.
    """
    state = snapshot if _is_of(snapshot, log) else State()
    for entry, leaf in entries_from(log, state.size):
        try:
            state.add(entry, leaf)
        except (KeyError, TypeError, FormatError) as error:
            raise RecordingDamaged(_FOREIGN.format(index=state.size)) from error
    if identities.latest.number > state.labelled:
        identities.start_again()
    _bring_up(log, identities, state)
    if state.mapped and encode_bytes(identities.root_of(state.mapped)) != state.map_root:
        identities.start_again()  # it is the map of another log, such as that of an older backup
        _bring_up(log, identities, state)
    return state


def entries_from(log: Log, start: int) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Entries from an index on, with their leaf hashes.

    Raises:
        RecordingDamaged: one of them is none of Candid's.
        LedgerError: the log cannot be read.
    """
    for index, data in log.entries(start):
        try:
            entry = json.loads(data)
        except ValueError as error:
            raise RecordingDamaged(_FOREIGN.format(index=index)) from error
        if not isinstance(entry, dict) or not isinstance(entry.get("kind"), str):
            raise RecordingDamaged(_FOREIGN.format(index=index))
        yield entry, hash_leaf(data)


def _is_of(snapshot: State, log: Log) -> bool:
    """Whether a snapshot is of this log: its last entry stands where it says."""
    if not 0 < snapshot.size <= log.size:
        return False
    _, data = next(log.entries(snapshot.size - 1))
    return hash_leaf(data).hex() == snapshot.leaf


def _bring_up(log: Log, identities: IdentityMap, state: State) -> None:
    """Add to the map what it lacks."""
    if identities.latest.number < state.labelled:
        identities.bring_up(
            ([decode_bytes(key, 32) for key in entry["labels"]], leaf)
            for entry, leaf in entries_from(log, 0)
            if entry["kind"] == "customer/1" and "labels" in entry
        )
