"""`candid evidence audit`: a whole log, proved entry by entry and held against every rule."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

import click

from candid.cli.output import BROKEN, NO, fail, json_option, print_json, print_table
from candid.cli.which_log import code_at_start, log_source, public_key, read_file, shown_checkpoint
from candid.client.errors import CollectedFileError
from candid.client.receipts import open_receipt
from candid.client.replies import read_replies
from candid.config import ConfigError, load_config
from candid.evidence import Discrepancy, OpeningsAudit
from candid.gallery.errors import KeyFileError
from candid.governance import GovernanceError, open_customers
from candid.ledger import LedgerError, LogReader, VerifierKey, verify_log
from candid.ledger.errors import MissingError, SourceError
from candid.ledger.policy import Policy
from candid.ledger.sources import Source
from candid.ledger.verify import VerifiedLog
from candid.recording import vrf_key
from candid.server.data_folder import DataFolderError, open_data_folder
from candid.server.secrets import read_secrets
from candid_verify.audit import Audit, Promise
from candid_verify.audit_report import AuditReport
from candid_verify.audit_state import Limit
from candid_verify.notes import Key

_path = click.Path(path_type=Path)
_SHOWN = 20  # findings for people; --json has all that were kept


@click.command()
@click.option("--data", type=_path, help="The data folder, or a copy of the log's public files.")
@click.option("--url", help="The log's address, such as https://example.com/log.")
@click.option("--log-key", "log_key", required=True, help="The log's public key, or a file that holds it.")
@click.option("--witness-policy", "policy_file", type=_path, help="Demand the cosignatures of this policy.")
@click.option("--receipts", type=_path, help="Receipts that the log must keep: as collected, or one on each line.")
@click.option("--openings", is_flag=True, help="On the operator's premises: are all its customers in the log?")
@click.option("--config", "file", type=_path, help="The TOML file of the server; for --openings.")
@json_option
def audit(
    data: Path | None,
    url: str | None,
    log_key: str,
    policy_file: Path | None,
    receipts: Path | None,
    openings: bool,
    file: Path | None,
    as_json: bool,
) -> None:
    """Prove every entry of a log, and hold each against what may stand there. Exit code 1: something was found.

    \b
    Example: candid evidence audit --url http://127.0.0.1:9000/log --log-key log.key --json
    """
    source = log_source(data, url)
    if openings and data is None:
        fail("--openings needs the operator's own data folder: name it with --data")
    started = time.monotonic()
    try:
        key = public_key(log_key)
        policy = None if policy_file is None else Policy.parse(read_file(policy_file))
        promises = [] if receipts is None else _promises(receipts, key)
        shown_checkpoint(source, key)
    except LedgerError as error:
        _not_verified(error, as_json, code_at_start(error))
    with _spoken(as_json), _books(data, file, wanted=openings) as books:
        verified, report = _audit(source, key, policy, promises, books)
        findings = [] if books is None else books.finish()
    facts: dict[str, Any] = {
        "verified": True,
        "origin": verified.signed.origin,
        **report.as_json(),
        "cosigned_by": [{"name": each.key.name, "time": each.time} for each in verified.cosignatures],
        "seconds": round(time.monotonic() - started, 3),
    }
    if books is not None:
        facts["openings"] = {"customers": books.count, "findings": [asdict(each) for each in findings]}
    fine = not report.findings and not findings
    if as_json:
        print_json(facts)
    else:
        _show(facts, report, findings)
    if not fine:
        count = len(report.findings) + report.more_findings + len(findings)
        fail(f"the log is as its key signed it, and {count} things in it are not as they must be", NO)


def _audit(
    source: Source,
    key: VerifierKey,
    policy: Policy | None,
    promises: Iterable[Promise],
    books: OpeningsAudit | None,
) -> tuple[VerifiedLog, AuditReport]:
    """Verify the log, then read it once more for the rules, as of the same checkpoint."""
    verified = verify_log(source, key, policy=policy)
    reader, roots = LogReader(source, verified.signed), LogReader(source, verified.signed)
    rules = Audit(key=Key.parse(str(key)), root_at=roots.root_at, receipts=promises, limit=_limit(verified))
    with click.progressbar(length=max(reader.size, 1), label="auditing", file=sys.stderr) as bar:
        for index, entry in reader.entries():
            rules.feed(index, entry)
            if books is not None:
                books.feed(index, entry)
            if index % 4096 == 0:
                bar.update(index - bar.pos)
    return verified, rules.finish()


def _limit(verified: VerifiedLog) -> Limit:
    """When all entries stood: as the newest cosignature says, or now."""
    now = Limit(int(time.time() * 1000), "the clock of this machine")
    seen = [
        Limit(each.time * 1000, f"the clock of the witness {each.key.name}")
        for each in verified.cosignatures
        if each.time is not None
    ]
    return min(now, max(seen, key=lambda each: each.time, default=now), key=lambda each: each.time)


@contextmanager
def _books(data: Path | None, file: Path | None, *, wanted: bool) -> Iterator[OpeningsAudit | None]:
    """The operator's books, to hold against the log; None where they are not to be opened."""
    if data is None or not wanted:
        yield None
        return
    try:
        folder = open_data_folder(data, load_config(file))
        secrets = read_secrets(folder)
        customers = open_customers(folder.governance, key=secrets.master)
    except (DataFolderError, KeyFileError, ConfigError, GovernanceError) as error:
        fail(str(error))
    try:
        yield OpeningsAudit(customers, vrf_key(secrets.log))
    finally:
        customers.close()


def _promises(file: Path, key: VerifierKey) -> list[Promise]:
    """What the receipts of a file promise, their signatures checked.

    A file that cannot be read, or a receipt that is none or not the log's, ends the command.
    """
    found = []
    try:
        for text in _receipts(file):
            entry = open_receipt(text, key).entry
            found.append(Promise(entry.index, entry.leaf_hash))
    except CollectedFileError as error:
        fail(str(error))
    except LedgerError as error:
        fail(f"receipt {len(found) + 1} in {file} cannot be used: {error}")
    if not found:
        fail(f"{file} holds no receipt; name the file that `collect` writes to, or one receipt on each line")
    return found


def _receipts(file: Path) -> Iterator[str]:
    data = read_file(file)
    if not data.startswith(b"{"):
        yield from data.decode("utf-8", "replace").split()
        return
    for _, reply in read_replies(file):
        if reply is not None and reply.receipt is not None:
            yield reply.receipt


@contextmanager
def _spoken(as_json: bool) -> Iterator[None]:
    """What is found while the log is read: it is not what was signed, or it cannot be read."""
    try:
        yield
    except LedgerError as error:
        unreachable = isinstance(error, SourceError) and not isinstance(error, MissingError)
        _not_verified(error, as_json, BROKEN if unreachable else NO)
    except GovernanceError as error:
        fail(str(error), BROKEN)


def _show(facts: dict[str, Any], report: AuditReport, findings: list[Discrepancy]) -> None:
    rows = [(name, facts[name]) for name in ("origin", "entries", "customers", "from", "to", "receipts")]
    rows += [(kind, count) for kind, count in facts["kinds"].items()]
    rows += [("labels in the map", report.map_labels), ("root of the map", facts["map"]["root"])]
    for name, month in facts["months"].items():
        rows += [(f"{name}: {meter}", units) for meter, units in month["units"].items()]
    print_table(("audited", ""), rows)
    for note in report.notes:
        click.echo(f"note: {note}")
    for each in report.findings[:_SHOWN]:
        click.echo(f"found: {each}")
    if (hidden := len(report.findings) + report.more_findings - _SHOWN) > 0:
        click.echo(f"and {hidden} more; --json shows them")
    for finding in findings:
        click.echo(f"found: customer {finding.customer}: {finding.message}")
    if not report.findings and not findings:
        click.echo(f"audited: each of the {report.entries} entries is what may stand where it stands")


def _not_verified(error: Exception, as_json: bool, code: int) -> NoReturn:
    if as_json and code == NO:
        print_json({"verified": False, "reason": str(error)})
    fail(f"not verified: {error}", code)
