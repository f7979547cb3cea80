"""Whether the log of a backup is the newest one, and a newer copy of its public files in its place.

The newest copy of a log's public files may be on a mirror, or on the disk of a web server. It has everything of the log
that was public; what was durable but not public when the disk was lost, of the last second, it has not.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from candid.ledger import Checkpoint, FolderSource, LogReader, Source, VerifierKey, open_checkpoint, verify_log
from candid.ledger.authentic import read_bundle, read_tile
from candid.ledger.errors import LedgerError, LogForked, LogRolledBack
from candid.ledger.journal import Batch, Journal
from candid.ledger.layout import Layout
from candid.ledger.reader import read_checkpoint
from candid.ledger.recovery import Recovered, check_new, recover
from candid.ledger.storage import DISK, DurableFiles, write_file
from candid.ledger.tiles import ENTRIES, Tile, width_at
from candid.ledger.tree import TILE_WIDTH

_WAYS = (
    "To go on from it would show two histories. Restore with `--log FOLDER` or `--log URL`, a copy of the log's "
    "public files that is as new (then nothing of the log is lost); or with `--new-log`, which ends that log for good "
    "and begins another one that names it"
)
_AT_ONCE = 64  # tiles that are written together


class LogNotRestored(Exception):
    """The log of a backup cannot go on as asked for; the message says what to do."""


def check_newest(ledger: Path, key: VerifierKey, guard: Path) -> None:
    """Check that nobody would be shown two histories if the log of a backup went on.

    Args:
        ledger: its folder; nothing in it is changed.
        key: the log's.
        guard: the file that holds its newest signed checkpoint; it may be missing, and then knows nothing.

    Raises:
        LogNotRestored: the log went on after the backup, or is another one than the key's.
        LedgerError: the log is damaged.
    """
    layout = Layout(ledger)
    if not layout.state.is_dir():
        try:
            check_new(guard, key)
        except LogRolledBack as error:
            raise LogNotRestored(f"the backup holds no log, and {guard} knows one. {_WAYS}") from error
        return
    own = key_of(ledger)
    if own != key:
        raise LogNotRestored(
            f"the backup is of the log {own}, and the key beside {guard} is that of {key}: the log of the backup was "
            "ended. Restore a backup that was made since, or begin another log with `--new-log`"
        )
    try:
        recover(layout, key, guard)
    except (LogRolledBack, LogForked) as error:
        raise LogNotRestored(f"the log went on after this backup was made, as {guard} knows. {_WAYS}") from error


def key_of(ledger: Path) -> VerifierKey:
    """The public key in the folder of a log.

    Raises:
        LedgerError: it is none.
    """
    return VerifierKey.parse(Layout(ledger).key.read_text(encoding="utf-8").strip())


def durable_entries(ledger: Path, key: VerifierKey) -> Iterator[tuple[int, bytes]]:
    """Every entry of a log that nobody has open, also those that are not public, with their indexes.

    Raises:
        LedgerError: the log is damaged.
    """
    found = recover(Layout(ledger), key, None)
    public = LogReader(FolderSource(ledger), found.signed).entries()
    return chain(public, enumerate(found.tail.entries, found.signed.size))


def take_newer(source: Source, ledger: Path, key: VerifierKey, guard: Path) -> int:
    """Put a copy of a log's public files in the place of the log of a backup; all of it is verified first.

    Args:
        source: the copy.
        ledger: the log of the backup, as a folder of its own.
        key: the log's.
        guard: see `check_newest`.

    Returns:
        How many entries it has.

    Raises:
        LogNotRestored: the copy is older than the guard or the backup knows, or another history.
        LedgerError: it cannot be read, or is not what its checkpoint says.
        OSError: it cannot be written.
    """
    # 1. It is of this log and not older than what is known of it.
    signed = read_checkpoint(source, key)
    known = [each for each in (_guarded(guard, key), _backed_up(ledger, key)) if each is not None]
    for each in known:
        if each.size > signed.size:
            raise LogNotRestored(
                f"{source} has {signed.size} entries of the log, and it had {each.size} already: name a newer copy, or "
                "begin another log with `--new-log`"
            )
    # 2. A copy of our own, so that what is verified is what is used.
    fresh = ledger.with_name(f"{ledger.name}.copy")
    _copy(source, signed.size, fresh)
    write_file(DISK, Layout(fresh).checkpoint, bytes(signed))
    # 3. Every entry leads to the signed root.
    copied = FolderSource(fresh)
    verify_log(copied, key)
    # 4. What is known of the log is its beginning.
    reader = LogReader(copied, signed)
    for each in known:
        try:
            reader.check_extends(each)
        except LedgerError as error:
            raise LogNotRestored(f"{source} is another history of the log than the one known: {error}") from error
    # 5. What its writer needs beside the public files.
    layout = Layout(fresh)
    layout.state.mkdir()
    write_file(DISK, layout.key, f"{key}\n".encode())
    Journal.create(layout.journal, Batch(signed.size, _time_of_last(reader), ()), disk=DISK).close()
    write_file(DISK, layout.signed, bytes(signed))
    if ledger.exists():
        shutil.rmtree(ledger)
    fresh.replace(ledger)
    return signed.size


def newest_known(ledger: Path, key: VerifierKey, guards: list[Path]) -> Checkpoint | None:
    """The newest checkpoint of a log that is known, from its guards or a backup; None where none is.

    Raises:
        LedgerError: the log of the backup is damaged.
    """
    found = [_guarded(guard, key) for guard in guards]
    if Layout(ledger).key.is_file() and key_of(ledger) == key:
        found.append(_backed_up(ledger, key))
    return max((each for each in found if each is not None), key=lambda each: each.size, default=None)


def _guarded(guard: Path, key: VerifierKey) -> Checkpoint | None:
    try:
        return open_checkpoint(guard.read_bytes(), key).checkpoint
    except FileNotFoundError:
        return None


def _backed_up(ledger: Path, key: VerifierKey) -> Checkpoint | None:
    """The log of a backup with all its durable entries."""
    if not Layout(ledger).state.is_dir():
        return None
    found = recover(Layout(ledger), key, None)
    return Checkpoint(key.name, found.tail.end, _root(found))


def _root(found: Recovered) -> bytes:
    edge = found.edge.copy()
    for _ in edge.append(b"".join(found.tail.hashes)):
        pass
    return edge.root()


def _copy(source: Source, size: int, folder: Path) -> None:
    folder.mkdir()
    files = DurableFiles(DISK, folder)
    waiting: dict[Path, bytes] = {}
    for tile in _tiles(size):
        waiting[folder / tile.path] = (read_bundle if tile.level == ENTRIES else read_tile)(source, tile)
        if len(waiting) == _AT_ONCE:
            files.write(waiting)
            waiting = {}
    files.write(waiting)


def _tiles(size: int) -> Iterator[Tile]:
    """Every bundle and tile of a log of some size."""
    level = ENTRIES
    while (count := size >> (8 * max(level, 0))) > 0:
        for index in range(-(-count // TILE_WIDTH)):
            yield Tile(level, index, width_at(level, index, size))
        level += 1


def _time_of_last(reader: LogReader) -> int:
    """When the newest entry was made, milliseconds: the clock of the log never goes back behind it."""
    if not reader.size:
        return 0
    entry: Any = json.loads(reader.entry(reader.size - 1))
    return int(entry["time"])
