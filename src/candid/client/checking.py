"""Checks the collected replies of a file against the log that an operator shows now."""

from __future__ import annotations

import os
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path

from candid.client.errors import BrokenWord
from candid.client.expectations import ASKED, must_have_receipt
from candid.client.header import open_receipt
from candid.client.promise import check_promise
from candid.client.replies import Reply, read_replies
from candid.client.report import Finding, Report
from candid.ledger.checkpoint import Checkpoint, SignedCheckpoint
from candid.ledger.errors import FormatError, LedgerError, MissingError, ProofError
from candid.ledger.keys import VerifierKey
from candid.ledger.reader import LogReader
from candid.ledger.receipt import Receipt
from candid.ledger.sources import Source
from candid.ledger.tree import TILE_WIDTH

MAX_AGE_SECONDS = 3600.0
"""How long an entry may wait for a public checkpoint: with slow witnesses a while, else about a second."""

_PAUSE = 0.2  # seconds between looks at a log that publishes about once a second


@dataclass(frozen=True, slots=True)
class _Held:
    """A receipt that the log signed, with the reply that it came with."""

    line: int
    reply: Reply
    receipt: Receipt

    @property
    def index(self) -> int:
        return self.receipt.entry.index

    def finding(self, reason: str) -> Finding:
        return Finding(self.line, self.reply.request, self.reply.operation, reason)


@dataclass(slots=True)
class _Findings:
    """A report that is being made."""

    counts: Counter[str] = field(default_factory=Counter)
    missing: list[Finding] = field(default_factory=list)
    broken: list[Finding] = field(default_factory=list)
    damaged: list[int] = field(default_factory=list)
    unpriced: set[str] = field(default_factory=set)
    numbers: defaultdict[str, set[int]] = field(default_factory=lambda: defaultdict(set))  # by customer

    def report(self, signed: SignedCheckpoint | None) -> Report:
        counts = self.counts
        return Report(
            replies=counts["replies"],
            checked=counts["checked"],
            pending=counts["pending"],
            undecided=counts["undecided"],
            unanswered=counts["unanswered"],
            missing=tuple(self.missing),
            broken=tuple(sorted(self.broken, key=lambda finding: finding.line)),
            damaged=tuple(self.damaged),
            unpriced=tuple(sorted(self.unpriced)),
            unaccounted=sum(max(each) - min(each) + 1 - len(each) for each in self.numbers.values()),
            customers=tuple(sorted(self.numbers)),
            signed=signed,
        )


def check(
    file: str | os.PathLike[str],
    *,
    log_key: VerifierKey,
    source: Source | None,
    extends: Checkpoint | None = None,
    customer: str | None = None,
    max_age: float = MAX_AGE_SECONDS,
    wait: float = 0.0,
    clock: Callable[[], float] = time.time,
) -> Report:
    """Check every reply of a file that `collect` wrote.

    Args:
        file: where they are.
        log_key: the log's public key, from somebody whom the caller trusts.
        source: the log as it is shown now; None verifies signatures only.
        extends: an older checkpoint that the caller trusts and the log must extend.
        customer: the pseudonym that all entries must be of; None takes any.
        max_age: seconds after which an entry must be in a public checkpoint.
        wait: seconds to give the log for publishing what is pending.
        clock: seconds since the epoch.

    Raises:
        CollectedFileError: the file cannot be read, or is none.
        FormatError, SignatureError, ProofError: the log is not what its checkpoint says, or does not extend the older.
        SourceError: the log cannot be read.
    """
    found = _Findings()
    # 1. Each receipt is the log's, and stands for one reply only.
    held = list(_held(Path(file), log_key, found))
    if source is None:
        found.counts["checked"] = len(held)
        return found.report(None)
    # 2. The log is as it says, and as it was.
    oldest = int((clock() - max_age) * 1000)
    young = [each.index for each in held if each.reply.time >= oldest]
    reader = open_published(source, log_key, index=max(young, default=0), wait=wait)
    if extends is not None:
        reader.check_extends(extends)
    # 3. What it has not published yet is young.
    published: list[_Held] = []
    for each in held:
        if each.index < reader.size:
            published.append(each)
        elif each.reply.time >= oldest:
            found.counts["pending"] += 1
        else:
            found.broken.append(each.finding(_never_came(each, reader.size)))
    # 4. Every other entry stands there, and says what the reply said.
    published.sort(key=lambda each: each.index)
    for bundle, group in groupby(published, key=lambda each: each.index // TILE_WIDTH):
        _check_bundle(reader, bundle, list(group), customer, found)
    return found.report(reader.signed)


def _held(file: Path, key: VerifierKey, found: _Findings) -> Iterator[_Held]:
    """The receipts of a file that the log signed, each once; everything else goes into the findings."""
    lines: dict[int, int] = {}
    for line, found_reply in read_replies(file):
        if found_reply is None:
            found.damaged.append(line)
            continue
        asked = found_reply.asked or ASKED.get(found_reply.operation)  # only `collect` writes what was asked for
        reply = replace(found_reply, asked=asked)
        found.counts["replies"] += 1
        if reply.receipt is None:
            _without(line, reply, found)
            continue
        try:
            held = _Held(line, reply, open_receipt(reply.receipt, key))
        except LedgerError as error:
            found.broken.append(Finding(line, reply.request, reply.operation, f"not a receipt of this log: {error}"))
            continue
        first = lines.setdefault(held.index, line)
        if first != line:
            reason = f"the receipt is of entry {held.index}, as that in line {first} is: one entry for two calls"
            found.broken.append(held.finding(reason))
            continue
        if reply.asked is None:
            found.unpriced.add(reply.operation)
        yield held


def _without(line: int, reply: Reply, found: _Findings) -> None:
    if reply.status is None:
        found.counts["unanswered"] += 1
    elif must_have_receipt(status=reply.status, error=reply.error):
        reason = "no receipt: it may have been served without an entry in the log"
        found.missing.append(Finding(line, reply.request, reply.operation, reason))
    else:
        found.counts["undecided"] += 1


def _check_bundle(reader: LogReader, bundle: int, group: list[_Held], customer: str | None, found: _Findings) -> None:
    try:
        entries = dict(reader.entries(bundle * TILE_WIDTH, (bundle + 1) * TILE_WIDTH))
    except (ProofError, FormatError, MissingError) as error:
        found.broken += [each.finding(f"the log does not prove entry {each.index}: {error}") for each in group]
        return
    for each in group:
        try:
            entry = check_promise(entries[each.index], each.receipt, each.reply, customer=customer)
        except BrokenWord as error:
            found.broken.append(each.finding(str(error)))
        else:
            found.numbers[entry["customer"]].add(entry["number"])
            found.counts["checked"] += 1


def _never_came(each: _Held, size: int) -> str:
    return f"entry {each.index} was promised, and the log still shows no more than {size} entries"


def open_published(source: Source, key: VerifierKey, *, index: int, wait: float) -> LogReader:
    """A log, once it has published an entry or the time is up.

    Args:
        source: where it is.
        key: its public key.
        index: the entry's.
        wait: seconds.

    Raises:
        FormatError, SignatureError, ProofError, SourceError: what is wrong with the log.
    """
    deadline = time.monotonic() + wait
    reader = LogReader.open(source, key)
    while reader.size <= index and (left := deadline - time.monotonic()) > 0:
        time.sleep(min(_PAUSE, left))
        reader = LogReader.open(source, key)
    return reader


def included(reader: LogReader, receipt: Receipt) -> bytes:
    """The entry of one receipt, proved to be in the log.

    Raises:
        BrokenWord: the log does not have it.
        SourceError: the log cannot be read.
    """
    if receipt.entry.index >= reader.size:
        raise BrokenWord(f"entry {receipt.entry.index} is not public: the log shows {reader.size} entries")
    try:
        data = reader.entry(receipt.entry.index)
    except MissingError as error:
        raise BrokenWord(f"the log does not show entry {receipt.entry.index}: {error}") from error
    except (ProofError, FormatError) as error:
        raise BrokenWord(f"the log does not prove entry {receipt.entry.index}: {error}") from error
    check_promise(data, receipt, None)
    return data
