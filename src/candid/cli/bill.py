"""`candid bill`: what a customer owes for a month, computed from the log."""

from __future__ import annotations

import json
from pathlib import Path

import click

from candid.billing.bill import Bill, make_bills
from candid.billing.focus import focus_csv
from candid.billing.invoice import invoice_html
from candid.billing.listing import bill_text, bills_csv
from candid.billing.money import grouped
from candid.cli.billed import (
    Where,
    find_customer,
    log_options,
    must_have_begun,
    open_log,
    spoken_errors,
    the_month,
    write_output,
)
from candid.cli.output import fail, print_table
from candid.governance import Customer


@click.command()
@click.argument("customer", required=False)
@click.option("--all", "every", is_flag=True, help="Bill every customer that used anything.")
@click.option("--month", required=True, metavar="YYYY-MM", help="The calendar month, UTC.")
@click.option(
    "--format",
    "form",
    default="text",
    show_default=True,
    type=click.Choice(["text", "json", "csv", "focus", "html"]),
    help="How to write it; html is an invoice.",
)
@click.option("--issuer", help="Who bills, for focus and html; otherwise the log's origin.")
@click.option("--address", multiple=True, help="A line of the customer's address, for html; repeatable.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write into this file.")
@log_options
def bill(
    customer: str | None,
    every: bool,
    month: str,
    form: str,
    issuer: str | None,
    address: tuple[str, ...],
    output: Path | None,
    data: Path | None,
    url: str | None,
    log_key: str | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Bill CUSTOMER for a month: a customer id or account with --data, or a pseudonym of the log.

    A pseudonym that begins with a hyphen goes behind all options, after two hyphens.

    \b
    Example: candid bill 123456789012 --month 2026-11 --format html -o invoice.html --data ./data
    """
    form = "json" if as_json else form
    if (customer is None) != every:
        fail("name one CUSTOMER, or --all for every one")
    if every and form == "html":
        fail("an invoice is for one customer: name it, or choose --format csv or focus")
    where, chosen = Where(data, url, log_key, config), the_month(month)
    with spoken_errors():
        who, known = (None, None) if customer is None else find_customer(customer, where)
        log = open_log(where)
        must_have_begun(log.reader, chosen.start, f"the month {month}")
        bills = make_bills(log.reader, log.key, chosen, customer=who)
    issued_by = issuer or log.reader.signed.origin
    match form:
        case "json":
            documents = [each.as_json() for each in bills]
            text = json.dumps(documents if every else documents[0], indent=2) + "\n"
        case "csv":
            text = bills_csv(bills)
        case "focus":
            text = focus_csv(bills, issuer=issued_by)
        case "html":
            text = invoice_html(bills[0], customer=_addressee(known, address), issuer=[issued_by])
        case _ if every and output is None:
            _print_overview(bills)
            return
        case _:
            text = "\n".join(map(bill_text, bills))
    write_output(text, output)


def _addressee(known: Customer | None, address: tuple[str, ...]) -> list[str]:
    """Who an invoice goes to: name and country as the data folder knows them, and what the user adds."""
    return [*([] if known is None else [known.name]), *address, *([] if known is None else [known.country])]


def _print_overview(bills: list[Bill]) -> None:
    rows = [
        (each.usage.customer, f"{each.usage.calls:,}", *_total(each), "" if each.closed else "interim")
        for each in bills
    ]
    print_table(("customer", "calls", "total", "currency", ""), rows)


def _total(bill: Bill) -> tuple[str, str]:
    totals = bill.rating.totals
    return "\n".join(map(grouped, totals.values())) or "0", "\n".join(totals)
