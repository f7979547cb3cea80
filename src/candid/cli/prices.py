"""`candid prices`: the price lists in the log, and adding one."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from candid.billing.listing import time_text
from candid.billing.money import grouped
from candid.billing.pricelist import check_act, default_prices, logged_prices, parse_prices, prices_act
from candid.billing.reading import billed_entries
from candid.cli.billed import Where, log_options, open_log, spoken_errors
from candid.cli.output import BROKEN, WRONG_USE, fail, json_option, print_json, print_table
from candid.config import ConfigError, load_config
from candid.gallery.errors import KeyFileError
from candid.governance import GovernanceError
from candid.ledger import LedgerError
from candid.server.acts import ActError, log_acts
from candid.server.data_folder import DataFolderError, open_data_folder
from candid.server.secrets import read_secrets
from candid_verify.prices import LoggedPrices, MeterPrice, PriceList, in_force

# A list must not hold from before its entry, which takes a moment to be written.
_AHEAD = 60_000
_MOST_FILE = 1 << 20


@click.group()
def prices() -> None:
    """Show the price lists in the log, and add one."""


@prices.command()
@click.option("--default", "shipped", is_flag=True, help="Print the list that Candid ships, to be edited.")
@log_options
def show(
    shipped: bool, data: Path | None, url: str | None, log_key: str | None, config: Path | None, as_json: bool
) -> None:
    """Show every price list in the log, and which holds now.

    \b
    Example: candid prices show --data ./data
    """
    if shipped:
        document = default_prices(0).as_json()
        document.pop("valid_from")
        print_json(document)
        return
    with spoken_errors():
        log = open_log(Where(data, url, log_key, config))
        lists = logged_prices(billed_entries(log.reader), log.key)
    now = in_force(lists, time.time_ns() // 1_000_000)
    if as_json:
        print_json([_document(each, now) for each in lists])
        return
    if not lists:
        click.echo("no price list is in the log, so nothing is charged; add one with `candid prices set`", err=True)
    for each in lists:
        _print_list(each, in_force_now=each is now)


@prices.command("set")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--data", type=click.Path(path_type=Path), required=True, help="The data folder.")
@click.option("--config", type=click.Path(path_type=Path), help="The TOML file of the server.")
@json_option
def set_(file: Path, data: Path, config: Path | None, as_json: bool) -> None:
    """Sign the price list in FILE with the log's key and enter it into the log.

    It holds from its `valid_from` on, which is never before now: nobody's past calls get another price. Without
    `valid_from` it holds from about a minute from now on. It cannot be taken back, only followed by another.

    \b
    Example: candid prices set prices.json --data ./data
    """
    now = time.time_ns() // 1_000_000
    try:
        with file.open("rb") as opened:
            content = opened.read(_MOST_FILE)
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}")
    with spoken_errors():
        found = parse_prices(content, otherwise=now + _AHEAD)
    index = _enter(found, data, config, now)
    if as_json:
        print_json({"entry": index, **found.as_json()})
    else:
        click.echo(f"entry {index} of the log: this price list holds from {time_text(found.valid_from)} on")


def _enter(found: PriceList, data: Path, file: Path | None, now: int) -> int:
    try:
        config = load_config(file)
        folder = open_data_folder(data, config)
        signer = read_secrets(folder).log
        act = prices_act(found, signer)
        with spoken_errors():
            check_act(act | {"time": now}, signer.verifier)
        return log_acts(folder, config, [act])[0]
    except (DataFolderError, ConfigError, KeyFileError) as error:
        fail(str(error), WRONG_USE)
    except (ActError, GovernanceError, LedgerError) as error:
        fail(str(error), BROKEN)


def _document(found: LoggedPrices, now: LoggedPrices | None) -> dict[str, Any]:
    return {"entry": found.index, "time": found.time, "in_force": found is now, **found.prices.as_json()}


def _print_list(found: LoggedPrices, *, in_force_now: bool) -> None:
    listed = found.prices
    title = f"entry {found.index}{'' if listed.title is None else f', {listed.title}'}, valid from "
    title += f"{time_text(listed.valid_from)}{', in force now' if in_force_now else ''}"
    rows = [
        (
            name if place == 0 else "",
            "" if tier.upto is None else f"{tier.upto:,}",
            grouped(tier.price),
            listed.currency,
            _priced_unit(price),
            f"{price.free:,}" if place == 0 else "",
        )
        for name, price in listed.meters.items()
        for place, tier in enumerate(price.tiers)
    ]
    print_table(("meter", "up to", "price", "", "for", "free a month"), rows, title=title)


def _priced_unit(price: MeterPrice) -> str:
    """What a price is for: of a meter by day, things kept for a month."""
    unit = f"{price.unit.removesuffix('-day')}-month" if price.monthly else price.unit
    return unit if price.per == 1 else f"{price.per:,} {unit}s"
