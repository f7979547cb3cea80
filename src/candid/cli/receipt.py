"""`candid receipt`: verify one receipt, or check all that a client collected against the log."""

from __future__ import annotations

import json
import sys
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import click

from candid.cli.output import NO, WRONG_USE, fail, json_option, print_json, print_table
from candid.cli.which_log import code_at_start, log_source, naming_keys, public_key, shown_checkpoint
from candid.client.receipts import (
    MAX_AGE_SECONDS,
    BrokenWord,
    CollectedFileError,
    Finding,
    Report,
    decode_receipt,
    included,
    open_published,
)
from candid.client.receipts import check as check_file
from candid.ledger import LedgerError, VerifierKey
from candid.ledger.checkpoint import Checkpoint, open_checkpoint
from candid.ledger.errors import FormatError
from candid.ledger.notes import MAX_NOTE
from candid.ledger.receipt import Receipt
from candid.ledger.sources import Source
from candid.ledger.storage import DISK, write_file
from candid_verify.times import iso_seconds

_path = click.Path(path_type=Path)
_key_option = click.option("--log-key", "log_key", required=True, help="The log's public key, or a file that holds it.")
_url_option = click.option("--url", help="The log's address, such as https://example.com/log.")
_data_option = click.option("--data", type=_path, help="The data folder, or a copy of the log's public files.")
_wait_option = click.option(
    "--wait",
    default=10,
    show_default=True,
    type=click.IntRange(0, 3600),
    help="Seconds to wait until the log has published the entries.",
)
_SHOWN = 20  # findings of each kind that people are shown; --json has all


@click.group()
def receipt() -> None:
    """Verify the receipts of calls, and check them against the log."""


@receipt.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@_key_option
@_url_option
@_data_option
@_wait_option
@json_option
def verify(file: Path, log_key: str, url: str | None, data: Path | None, wait: int, as_json: bool) -> None:
    """Verify the receipt in FILE, or on standard input for `-`; with --url or --data, that the log keeps it too.

    FILE holds the value of the header x-candid-receipt, the signed note in it, or what was collected.

    \b
    Example: candid receipt verify receipt.txt --log-key log.key --url http://127.0.0.1:9000/log
    """
    source = log_source(data, url) if url is not None or data is not None else None
    content = _content(file)
    if content.startswith(b"{"):
        if str(file) == "-":
            fail("collected replies are read from a file; name it instead of -")
        _check(file, as_json, lambda: _report(file, log_key, source, wait=wait))
        return
    try:
        key = public_key(log_key)
        note = content if b"\n\n" in content else decode_receipt(_one_line(content))
        with naming_keys(key, note):
            found = Receipt.open(note, key)
    except LedgerError as error:
        _not_verified(error, as_json, WRONG_USE if isinstance(error, FormatError) else code_at_start(error))
    facts: dict[str, Any] = {
        "verified": True,
        "origin": found.origin,
        "index": found.entry.index,
        "leaf_hash": b64encode(found.entry.leaf_hash).decode(),
        "time": found.entry.time,
    }
    if source is not None:
        facts |= _kept(source, key, found, wait=wait, as_json=as_json)
    if as_json:
        print_json(facts)
        return
    when = iso_seconds(found.entry.time)
    click.echo(f"verified: {found.origin} signed that the call is its entry {found.entry.index}, of {when}")
    if source is not None:
        entry = facts["entry"]
        said = f"{entry['operation']}, outcome {entry['outcome']}, {entry['meter']}: {entry['units']}"
        click.echo(f"verified: the log of {facts['tree_size']} entries keeps it: {said}")


@receipt.command()
@click.argument("file", type=_path)
@_key_option
@_url_option
@_data_option
@click.option("--customer", help="The pseudonym in the log that all entries must be of.")
@click.option(
    "--checkpoint",
    type=_path,
    help="Demand that the log extends the checkpoint kept in this file; then keep the newest there.",
)
@click.option(
    "--max-age",
    default=int(MAX_AGE_SECONDS),
    show_default=True,
    type=click.IntRange(0, 10**9),
    help="Seconds after which an entry must be public.",
)
@_wait_option
@json_option
def check(
    file: Path,
    log_key: str,
    url: str | None,
    data: Path | None,
    customer: str | None,
    checkpoint: Path | None,
    max_age: int,
    wait: int,
    as_json: bool,
) -> None:
    """Check every reply in FILE, which `candid.client.receipts` collected, against the log.

    \b
    Example: candid receipt check receipts.jsonl --log-key log.key --url http://127.0.0.1:9000/log
    """
    source = log_source(data, url)

    def report() -> Report:
        older = None if checkpoint is None else _older(checkpoint, public_key(log_key))
        return _report(file, log_key, source, extends=older, customer=customer, max_age=max_age, wait=wait)

    _check(file, as_json, report, keep=checkpoint)


def _kept(source: Source, key: VerifierKey, found: Receipt, *, wait: int, as_json: bool) -> dict[str, Any]:
    """What a log says of a receipt's entry."""
    try:
        reader = open_published(source, key, index=found.entry.index, wait=wait)
        entry = included(reader, found)
    except BrokenWord as error:
        _not_verified(error, as_json, NO)
    except LedgerError as error:
        _not_verified(error, as_json, code_at_start(error))
    root = b64encode(reader.signed.root).decode()
    return {"tree_size": reader.size, "root": root, "entry": json.loads(entry)}


def _report(file: Path, log_key: str, source: Source | None, **options: Any) -> Report:  # noqa: ANN401
    key = public_key(log_key)
    if source is not None:
        shown_checkpoint(source, key)  # with the wrong key no receipt would be the log's: say that at once
    return check_file(file, log_key=key, source=source, **options)


def _check(file: Path, as_json: bool, make: Callable[[], Report], *, keep: Path | None = None) -> None:
    """Make the report, print it, and end with its exit code."""
    try:
        report = make()
    except CollectedFileError as error:
        fail(str(error))
    except LedgerError as error:
        _not_verified(error, as_json, code_at_start(error))
    facts = report.as_json()
    if keep is not None and report.signed is not None:
        try:
            write_file(DISK, keep, bytes(report.signed))
        except OSError as error:
            fail(f"{keep} cannot be written: {error.strerror}")
    if as_json:
        print_json(facts)
    else:
        _show(report)
    if not facts["verified"]:
        wrong = len(report.missing) + len(report.broken) + len(report.damaged)
        fail(f"not verified: {wrong} of the replies in {file} are not as they must be", NO)
    if not as_json:
        where = "the log keeps them" if report.signed is not None else "the log was not asked for their entries"
        click.echo(f"verified: {report.checked} receipts, and {where}; {report.pending} are not public yet")


def _show(report: Report) -> None:
    facts = report.as_json()
    counts = ("replies", "checked", "pending", "undecided", "unanswered", "unaccounted", "origin", "tree_size", "root")
    rows = [(name, facts[name]) for name in counts if name in facts]
    rows += [(name, ", ".join(facts[name])) for name in ("unpriced", "customers") if facts[name]]
    print_table(("of the replies", ""), rows)
    for name, findings in (("missing", report.missing), ("broken", report.broken)):
        _show_findings(name, findings)
    if report.damaged:
        lines = ", ".join(map(str, report.damaged[:_SHOWN]))
        click.echo(f"{len(report.damaged)} lines cannot be read, the first of them {lines}", err=True)


def _show_findings(name: str, findings: tuple[Finding, ...]) -> None:
    if findings:
        shown = [(each.line, each.request or "", each.operation, each.reason) for each in findings[:_SHOWN]]
        print_table(("line", "request", "operation", "why"), shown, title=f"{name}: {len(findings)}")


def _content(file: Path) -> bytes:
    """What is to be verified; of collected replies only the beginning."""
    try:
        if str(file) == "-":
            return sys.stdin.buffer.read(MAX_NOTE + 1)
        with file.open("rb") as opened:
            return opened.read(MAX_NOTE + 1)
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}")


def _one_line(content: bytes) -> str:
    try:
        text = content.decode("ascii").strip()
    except UnicodeDecodeError as error:
        raise FormatError("this is neither a receipt in base64url nor a signed note") from error
    if not text:
        raise FormatError("this is empty; a receipt is the value of the header x-candid-receipt")
    return text


def _older(file: Path, key: VerifierKey) -> Checkpoint | None:
    """The checkpoint that was kept; None the first time."""
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}")
    try:
        return open_checkpoint(data, key).checkpoint
    except LedgerError as error:
        fail(f"{file} is no checkpoint of the log {key.name}: {error}")


def _not_verified(error: Exception, as_json: bool, code: int) -> NoReturn:
    if as_json and code == NO:
        print_json({"verified": False, "reason": str(error)})
    fail(f"not verified: {error}", code)
