"""Ending a log for good and beginning another one that names it: where its newest entries are lost.

Nothing of the old log is changed or signed again. Its key and guard are renamed, so that no program finds them, and
kept. The new log has another key and another name; its first entry names the old one and the newest checkpoint of it
that is known. Customers and active keys are entered again before any call.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from candid.billing import default_prices, logged_prices, prices_act
from candid.config import Config
from candid.governance import open_acts
from candid.governance.entering_again import enter_again
from candid.ledger import Checkpoint, Log, LogOptions, SigningKey, VerifierKey
from candid.ledger.keyfile import read_key, write_key
from candid.ledger.layout import Layout
from candid.ledger.storage import DISK, sync_folder, write_file
from candid.ledger.tree import EMPTY_ROOT
from candid.recording import Recorder, open_recorder
from candid.server.log_copy import durable_entries, key_of, newest_known
from candid.server.recording import SOFTWARE, configured_witnesses
from candid.server.secrets import LogFiles
from candid_verify.canonical import encode_bytes
from candid_verify.prices import PriceList, in_force

_ENDED = ".ended-"
# An account has twelve digits and is no number of a log; nobody loses a log a thousand times.
_MOST = 999


@dataclass(frozen=True, slots=True)
class Succession:
    """A log that is to begin.

    Attributes:
        signer: its key, which is in no file yet.
        previous: the log before, as `log/1` names it.
        prices: the price lists that held in it or were to.
    """

    signer: SigningKey
    previous: Mapping[str, Any]
    prices: tuple[PriceList, ...]


def plan_succession(
    ledger: Path, files: LogFiles, config: Config, *, clock: Callable[[], float] = time.time
) -> Succession:
    """A new key and name, and what is known of the log before. Nothing is written.

    Args:
        ledger: the log of the backup.
        files: of the log that ends; where there are none any more, the log of the backup ends.
        config: `log.origin` names the logs, where it is set.
        clock: seconds since the epoch.

    Raises:
        LedgerError: backup, key or guard are damaged.
        KeyFormatError: `log.origin` is no name.
    """
    old = _old_key(ledger, files)
    guards = [files.guard, *files.guard.parent.glob(f"{files.guard.name}{_ENDED}*")]
    guards = [guard for guard in guards if _is_of(guard, old)]
    known = newest_known(ledger, old, guards) or Checkpoint(old.name, 0, EMPTY_ROOT)
    previous = {"origin": old.name, "key": str(old), "size": known.size, "root": encode_bytes(known.root)}
    signer = SigningKey.generate(next_origin(old.name, config.log_origin))
    return Succession(signer, previous, _prices(ledger, int(clock() * 1000)))


def next_origin(old: str, base: str) -> str:
    """The name of the log after one: `NAME/2` after NAME, `NAME/3` after that.

    Args:
        old: the name of the log that ends.
        base: the name that is configured; empty for that of the first log.
    """
    head, _, tail = old.rpartition("/")
    numbered = tail.isascii() and tail.isdigit() and not tail.startswith("0") and 2 <= int(tail) <= _MOST and head != ""
    first, number = (head, int(tail)) if numbered else (old, 1)
    if base and base not in (first, old):
        return f"{base}/2"
    return f"{first}/{number + 1}"


def begin_log(data: Path, succession: Succession, *, master: bytes, config: Config) -> int:
    """Begin the log in a data folder that has none: its first entry, prices, and every customer and active key again.

    Args:
        data: a restored folder.
        succession: from `plan_succession`.
        master: the folder's key.
        config: names the witnesses.

    Returns:
        How many customers were entered.

    Raises:
        LedgerError, RecordingError: the log cannot be written.
        GovernanceError: the customers cannot be read.
        ConfigError: the witness policy cannot be read.
    """
    options = LogOptions(witnesses=configured_witnesses(config), publish_interval=None)
    signer, governance = succession.signer, data / "governance.db"
    Log.create(data / "ledger", signer, options).close()
    recorder = open_recorder(data, signer, options, software=SOFTWARE, previous=succession.previous)
    try:
        for prices in succession.prices:
            recorder.enter(partial(_prices_again, prices, signer))
        if not succession.prices:
            recorder.enter(lambda at: prices_act(default_prices(at), signer))
        count = 0
        if governance.exists():
            count = enter_again(governance, key=master)
            _enter_acts(governance, recorder)
    finally:
        recorder.close()
    return count


def put_keys_in_place(succession: Succession, files: LogFiles, ledger: Path) -> None:
    """Set the files of the old log aside and write those of the new one.

    Raises:
        OSError: they cannot be written.
    """
    number = 1 + sum(1 for _ in files.key.parent.glob(f"{files.key.name}{_ENDED}*"))
    while any(path.with_name(f"{path.name}{_ENDED}{number}").exists() for path in (files.key, files.guard)):
        number += 1
    for path in (files.key, files.guard):
        if path.exists():
            path.rename(path.with_name(f"{path.name}{_ENDED}{number}"))
    sync_folder(DISK, files.key.parent)
    write_key(files.key, succession.signer)
    write_file(DISK, files.guard, Layout(ledger).signed.read_bytes())


def _old_key(ledger: Path, files: LogFiles) -> VerifierKey:
    if files.key.exists() or not Layout(ledger).key.is_file():
        return read_key(files.key).verifier
    return key_of(ledger)


def _is_of(guard: Path, key: VerifierKey) -> bool:
    """Whether a file is a guard of this log, by its first line; its signature is checked when it is read."""
    try:
        with guard.open("rb") as file:
            return file.readline() == f"{key.name}\n".encode()
    except OSError:
        return False


def _enter_acts(governance: Path, recorder: Recorder) -> None:
    """Enter what only tells of something; what is still to be done is left to the server."""
    acts = open_acts(governance)
    try:
        while found := acts.waiting():
            for act in found:
                if str(act.body["kind"]).startswith("do/"):  # these come last
                    return
                acts.entered(act, recorder.act(act.body, act.labels))
    finally:
        acts.close()


def _prices_again(prices: PriceList, signer: SigningKey, now: int) -> dict[str, object]:
    """A list of the log before, signed by the new key; what it priced until now is that log's."""
    return prices_act(replace(prices, valid_from=max(prices.valid_from, now)), signer)


def _prices(ledger: Path, now: int) -> tuple[PriceList, ...]:
    """The list that holds, and those that are to come, by the log of a backup."""
    if not Layout(ledger).key.is_file():
        return ()
    key = key_of(ledger)
    entries = ((index, data) for index, data in durable_entries(ledger, key) if b'"kind":"prices/1"' in data)
    found = logged_prices(((index, json.loads(data)) for index, data in entries), key)
    holds = in_force(found, now)
    later = sorted((each for each in found if each.prices.valid_from > now), key=lambda each: each.index)
    return tuple(each.prices for each in (*([] if holds is None else [holds]), *later))
