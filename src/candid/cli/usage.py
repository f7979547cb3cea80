"""`candid usage`: what was used, exports of the calls, and quotas."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from candid.billing.cloudtrail import as_file, as_lines, records
from candid.billing.parquet import write_parquet
from candid.billing.reading import billed_entries, of_customer
from candid.billing.usage import OperationDay, StoredDay, count_usage
from candid.cli.billed import (
    BilledLog,
    Where,
    find_customer,
    log_options,
    must_have_begun,
    open_log,
    spoken_errors,
    the_period,
    write_pieces,
)
from candid.cli.output import fail, print_json, print_table
from candid.cli.quota import quota


class _Usage(click.Group):
    """A group whose own arguments are those of `show`: `candid usage CUSTOMER` needs no word between."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            args = ["show", *args]
        return super().parse_args(ctx, args)


_month_option = click.option("--month", metavar="YYYY-MM", help="A calendar month, UTC.")
_from_option = click.option("--from", "since", metavar="YYYY-MM-DD", help="The first day, UTC.")
_to_option = click.option("--to", "until", metavar="YYYY-MM-DD", help="The last day, UTC.")


@click.group(cls=_Usage)
def usage() -> None:
    """What was used: `candid usage [CUSTOMER]`, exports of the calls, and quotas.

    \b
    Example: candid usage 123456789012 --month 2026-11 --data ./data
    """


@usage.command()
@click.argument("customer", required=False)
@_month_option
@_from_option
@_to_option
@log_options
def show(
    customer: str | None,
    month: str | None,
    since: str | None,
    until: str | None,
    data: Path | None,
    url: str | None,
    log_key: str | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Show calls and units by day and operation, of CUSTOMER or of all.

    \b
    Example: candid usage show 123456789012 --month 2026-11 --data ./data
    """
    start, end = the_period(month, since, until)
    where = Where(data, url, log_key, config)
    with spoken_errors():
        who = None if customer is None else find_customer(customer, where)[0]
        log = _begun_log(where, start, month or since)
        calls, stored = count_usage(_entries(log, who), start, end, customer=who)
    if as_json:
        print_json({"calls": [each.as_json() for each in calls], "stored": [each.as_json() for each in stored]})
    else:
        _print_usage(calls, stored)


@usage.command()
@click.argument("customer", required=False)
@click.option(
    "--format",
    "form",
    default="cloudtrail",
    show_default=True,
    type=click.Choice(["cloudtrail", "cloudtrail-lines", "parquet"]),
    help="A file as CloudTrail delivers it, a record a line, or a table.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="The file to write.")
@click.option("--region", help="The region to name in CloudTrail records, such as us-east-1; otherwise none.")
@_month_option
@_from_option
@_to_option
@log_options
def export(
    customer: str | None,
    form: str,
    output: Path,
    region: str | None,
    month: str | None,
    since: str | None,
    until: str | None,
    data: Path | None,
    url: str | None,
    log_key: str | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Export the calls of CUSTOMER or of all, for security tools and for analysis.

    \b
    Example: candid usage export --format parquet --month 2026-11 -o calls.parquet --data ./data
    """
    start, end = the_period(month, since, until)
    where = Where(data, url, log_key, config)
    with spoken_errors():
        who = None if customer is None else find_customer(customer, where)[0]
        log = _begun_log(where, start, month or since)
        count = _export(log, _calls(log, start, end, who), form, output, region)
    if as_json:
        print_json({"calls": count, "file": str(output), "format": form})
    else:
        click.echo(f"{count} calls written to {output}", err=True)


usage.add_command(quota)


def _begun_log(where: Where, start: int, what: str | None) -> BilledLog:
    """The log, of a period that has begun."""
    log = open_log(where)
    must_have_begun(log.reader, start, f"the period from {what} on")
    return log


def _entries(log: BilledLog, who: str | None) -> Iterator[tuple[int, dict[str, Any]]]:
    """The log's entries; where a customer was named, it must have one."""
    entries = billed_entries(log.reader)
    return entries if who is None else of_customer(entries, who)


def _calls(log: BilledLog, start: int, end: int, who: str | None) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for index, entry in _entries(log, who):
        if entry["kind"] == "call/1" and start <= entry["time"] < end and who in (None, entry["customer"]):
            yield index, entry


def _export(
    log: BilledLog, calls: Iterable[tuple[int, Mapping[str, Any]]], form: str, output: Path, region: str | None
) -> int:
    if form == "parquet":
        try:
            return write_parquet(calls, output)
        except OSError as error:
            fail(f"{output} cannot be written: {error.strerror}")
    count = 0

    def counted() -> Iterator[tuple[int, Mapping[str, Any]]]:
        nonlocal count
        for each in calls:
            count += 1
            yield each

    found = records(counted(), origin=log.reader.signed.origin, region=region)
    write_pieces(as_file(found) if form == "cloudtrail" else as_lines(found), output)
    return count


def _print_usage(calls: list[OperationDay], stored: list[StoredDay]) -> None:
    rows = [
        (c.day, c.customer, c.operation, c.meter, f"{c.calls:,}", f"{c.denied:,}", f"{c.errors:,}", f"{c.units:,}")
        for c in calls
    ]
    print_table(("day", "customer", "operation", "meter", "calls", "denied", "errors", "units"), rows)
    if stored:
        kept = [(each.day, each.customer, f"{each.faces:,}", f"{each.users:,}") for each in stored]
        print_table(("day", "customer", "faces stored", "users stored"), kept)
