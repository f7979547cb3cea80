"""`candid evidence`: make, verify and audit: what an outsider can hold the operator to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from candid.cli.billed import Where, find_customer
from candid.cli.evidence_audit import audit
from candid.cli.output import BROKEN, WRONG_USE, fail, json_option, print_json
from candid.config import Config, ConfigError, load_config
from candid.evidence import EvidenceDamaged, EvidenceError, Exported, Sources, export
from candid.gallery.errors import KeyFileError
from candid.governance import GovernanceDamaged, GovernanceError, GovernanceUnavailable, open_customers
from candid.ledger import LedgerError
from candid.ledger.errors import KeyFormatError
from candid.ledger.storage import DISK, write_file
from candid.recording import RecordingError
from candid.server.acts import ActError, log_acts
from candid.server.data_folder import DataFolder, DataFolderError, open_data_folder
from candid.server.secrets import read_secrets
from candid_verify import claims
from candid_verify.claims import Claim
from candid_verify.command import as_text, log_key, read_file, write_report
from candid_verify.errors import FormatError, InputError
from candid_verify.verifier import verify as verify_file

_path = click.Path(path_type=Path)

# Claim → the options that say what is claimed: those that it must have (one of them, for never-served), those it may.
_OPTIONS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    claims.NEVER_SERVED: ((), ("subject", "country", "registration", "lei")),
    claims.USAGE: (("customer",), ()),
    claims.NOT_USED: (("customer",), ()),
    claims.DECISION: (("request_id",), ()),
    claims.ERASED: (("face_id",), ()),
    claims.MORATORIUM_KEPT: (("policy",), ()),
}
_MEMBERS = {"request_id": "request", "face_id": "face"}  # options whose member in the file has another name
_EXAMPLE = "164b1d36-5f0e-4c7a-9f0e-2b8d1c3a4e5f"
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)
_IN_THE_FILE = {claims.NEVER_SERVED: ("to",), claims.USAGE: ("from", "to"), claims.NOT_USED: ("from", "to")}


@click.group()
def evidence() -> None:
    """Make evidence of what was done and what was not, verify it offline, audit a whole log."""


@evidence.command("export")
@click.option("--claim", required=True, type=click.Choice(list(_OPTIONS)), help="What is to be established.")
@click.option("-o", "--output", required=True, type=_path, help="Where to write the evidence file.")
@click.option("--data", required=True, type=_path, help="The data folder; a server may run on it.")
@click.option("--config", "file", type=_path, help="The TOML file of the server.")
@click.option("--subject", metavar="NAME", help="never-served: the company or person.")
@click.option("--country", metavar="CC", help="never-served: its country, two letters of ISO 3166-1.")
@click.option("--registration", metavar="NUMBER", help="never-served: its number in a register.")
@click.option("--lei", help="never-served: its legal entity identifier.")
@click.option("--customer", help="usage, not-used: id, account or pseudonym.")
@click.option("--request-id", help="decision: the x-amzn-requestid of the reply.")
@click.option("--face-id", help="erased: the face.")
@click.option("--policy", help="moratorium-kept: the policy.")
@click.option("--from", "begin", metavar="TIME", help="From this day or time on (UTC).")
@click.option("--to", "end", metavar="TIME", help="Before this day or time (UTC).")
@click.option("--collection", "collections", multiple=True, help="Collection that the file may name; repeatable.")
@click.option("--anonymous", is_flag=True, help="Open nothing: the file does not say who a customer is.")
@json_option
def export_(
    claim: str,
    output: Path,
    data: Path,
    file: Path | None,
    begin: str | None,
    end: str | None,
    collections: tuple[str, ...],
    anonymous: bool,
    as_json: bool,
    **options: str | None,
) -> None:
    """Make one self-contained file that anybody can verify offline with the log's public key.

    Times are ISO 8601, a day or a time, in UTC; the period is half-open: --to 2026-12-01 ends with November.

    \b
    Example: candid evidence export --claim never-served --subject "Example Ltd" -o example.evidence --data ./data
    """
    period = {"from": _time(begin, "--from"), "to": _time(end, "--to")}
    wanted = _claim(claim, options, period, Where(data, None, None, file))
    with _sources(data, file, collections, anonymous=anonymous) as sources:
        made = _export(wanted, sources, period)
    try:
        write_file(DISK, output, made.data)
    except OSError as error:
        fail(f"{output} cannot be written: {error.strerror}")
    if as_json:
        print_json(made.verdict.as_json() | {"file": str(output), "bytes": len(made.data)})
        return
    click.echo(as_text(made.verdict))
    click.echo(f"\n{output}: {len(made.data)} bytes. Its readers need the log's key: candid ledger key --data {data}")


@evidence.command()
@click.argument("file", type=_path)
@click.option("--log-key", "key", required=True, help="The log's public key, or a file that holds it.")
@click.option("--witness-policy", "policy", type=_path, help="Demand the cosignatures of this policy.")
@click.option("--report", type=_path, metavar="FILE.html", help="Write a report for people.")
@json_option
def verify(file: Path, key: str, policy: Path | None, report: Path | None, as_json: bool) -> None:
    """Verify an evidence file, offline, with nothing but the log's key. Exit code 2: the file is invalid.

    \b
    Example: candid evidence verify example.evidence --log-key log.key --report example.html
    """
    try:
        data = read_file(file)
        text = None if policy is None else policy.read_text("utf-8")
        verdict = verify_file(data, log_key=log_key(key), witness_policy=text)
        if report is not None:
            write_report(report, verdict, file=file, data=data)
    except InputError as error:
        fail(str(error))
    except (OSError, ValueError) as error:
        fail(f"{policy} cannot be read as a witness policy: {error}")
    if as_json:
        print_json(verdict.as_json())
    else:
        click.echo(as_text(verdict))
    raise click.exceptions.Exit(verdict.exit_code)


evidence.add_command(audit)


def _claim(
    name: str, options: Mapping[str, str | None], period: Mapping[str, int | None], where: Where
) -> Claim:
    """The claim that the options make; wrong ones end the command."""
    required, optional = _OPTIONS[name]
    given = {option: value for option, value in options.items() if value is not None}
    for option in required:
        if option not in given:
            fail(f"the claim {name} needs {_spelled(option)}")
    for option in given:
        if option not in (*required, *optional):
            fail(f"the claim {name} has no use for {_spelled(option)}")
    if optional and not given:
        fail(f"the claim {name} needs at least one of {', '.join(map(_spelled, optional))}")
    if "customer" in given:
        given["customer"] = find_customer(given["customer"], where)[0]
    for option in _MEMBERS.keys() & given.keys():
        given[option] = _uuid(given[option], option)
    if "country" in given:
        given["country"] = given["country"].strip().upper()
    members: dict[str, Any] = {_MEMBERS.get(option, option): value for option, value in given.items()}
    members |= {each: period[each] for each in _IN_THE_FILE.get(name, ()) if period[each] is not None}
    try:
        return Claim.from_json({"name": name, **members})
    except FormatError as error:
        fail(str(error))


def _export(claim: Claim, sources: Sources, period: Mapping[str, int | None]) -> Exported:
    if claim.name == claims.NEVER_SERVED and period["from"] is not None:
        click.echo("candid: --from changes nothing here: never has no beginning, so the file covers more", err=True)
    if claim.name == claims.ERASED and (period["from"] is not None or period["to"] is not None):
        click.echo("candid: --from and --to change nothing here: the whole log is searched", err=True)
    try:
        return export(claim, sources, begin=period["from"], end=period["to"])
    except EvidenceDamaged as error:
        fail(str(error), BROKEN)
    except EvidenceError as error:
        fail(str(error), WRONG_USE)


@contextmanager
def _sources(
    data: Path, file: Path | None, collections: tuple[str, ...], *, anonymous: bool
) -> Iterator[Sources]:
    """What evidence is made of, beside a running server; errors become a message and an exit code."""
    try:
        config = load_config(file)
        folder = open_data_folder(data, config)
        secrets = read_secrets(folder)
        customers = open_customers(folder.governance, key=secrets.master)
        try:
            yield Sources(
                data=folder.path,
                signer=secrets.log,
                customers=None if anonymous else customers,
                act=lambda body: _act(folder, config, body),
                collections=lambda _: collections,
            )
        finally:
            customers.close()
    except (DataFolderError, KeyFileError, KeyFormatError, ConfigError) as error:
        fail(str(error), WRONG_USE)
    except (GovernanceDamaged, GovernanceUnavailable, LedgerError, RecordingError, ActError) as error:
        fail(str(error), BROKEN)
    except GovernanceError as error:
        fail(str(error), WRONG_USE)


def _act(folder: DataFolder, config: Config, body: Mapping[str, object]) -> int:
    return log_acts(folder, config, [body])[0]


def _time(text: str | None, option: str) -> int | None:
    """Milliseconds since the epoch of an ISO 8601 day or time; one without an offset is in UTC."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        fail(f"{option} {text} is no day or time: it has the form 2026-11-25 or 2026-11-25T12:00:00Z")
    if moment.year < 1970:
        fail(f"{option} {text} lies before 1970, before which no log has entries")
    return int(moment.timestamp()) * 1000 + moment.microsecond // 1000


def _uuid(text: str, option: str) -> str:
    """The id in small letters, as the server writes it."""
    found = text.strip().lower()
    if _UUID.fullmatch(found) is None:
        where = "x-amzn-requestid of the reply" if option == "request_id" else "FaceId of a reply"
        fail(f"{_spelled(option)} {text} is none of Candid's ids: it is the {where}, such as {_EXAMPLE}")
    return found


def _spelled(option: str) -> str:
    return "--" + option.replace("_", "-")
