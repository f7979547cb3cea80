"""`candid customer` and `candid key`: open, show and close customers; issue and revoke their access keys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from candid.cli.output import BROKEN, NO, WRONG_USE, fail, json_option, print_json, print_table
from candid.config import ConfigError, load_config
from candid.gallery.errors import KeyFileError
from candid.gallery.keys import load_key_file
from candid.governance import (
    AccessKey,
    Category,
    Customer,
    Customers,
    GovernanceDamaged,
    GovernanceError,
    GovernanceUnavailable,
    KeyRefused,
    open_customers,
)
from candid.server.data_folder import DataFolderError, open_data_folder

_path = click.Path(path_type=Path)
_data_option = click.option("--data", required=True, type=_path, help="The data folder.")
_config_option = click.option("--config", "file", type=_path, help="The TOML file of the server.")
_customer_argument = click.argument("customer", metavar="CUSTOMER")

_NOT_SCREENED = "Not screened: Candid has no screening yet. Screen the customer by other means."


@click.group()
def customer() -> None:
    """Open, show and list customers."""


@click.group()
def key() -> None:
    """Issue, list and revoke access keys."""


@contextmanager
def _customers(data: Path, file: Path | None) -> Iterator[Customers]:
    """The data folder's customers; errors become a message and an exit code."""
    try:
        folder = open_data_folder(data, load_config(file))
        customers = open_customers(folder.governance, key=load_key_file(folder.key_file))
        try:
            yield customers
        finally:
            customers.close()
    except KeyRefused as error:
        fail(str(error), NO)
    except (GovernanceDamaged, GovernanceUnavailable) as error:
        fail(str(error), BROKEN)
    except (GovernanceError, DataFolderError, KeyFileError, ConfigError) as error:
        fail(str(error), WRONG_USE)


@customer.command("open")
@click.option("--name", required=True, help="The customer's name.")
@click.option("--country", required=True, metavar="CC", help="Its country, ISO 3166-1: two letters.")
@click.option(
    "--category",
    default=str(Category.OTHER),
    show_default=True,
    type=click.Choice([str(category) for category in Category]),
    help="What kind of body it is.",
)
@_data_option
@_config_option
@json_option
def open_(name: str, country: str, category: str, data: Path, file: Path | None, as_json: bool) -> None:
    r"""Open a customer. It is not screened: this version has no screening.

    \b
    Example: candid customer open --data ./data --name "Example Ltd" --country GB --category private
    """
    with _customers(data, file) as customers:
        opened = customers.open_customer(name=name, country=country, category=category)
    if as_json:
        print_json(_customer_json(opened))
        return
    _print_customer(opened)
    click.echo(f"Now: candid key issue {opened.id} --data {data}", err=True)


@customer.command()
@_customer_argument
@_data_option
@_config_option
@json_option
def show(customer: str, data: Path, file: Path | None, as_json: bool) -> None:
    r"""Show a customer, by its id or account, and its keys.

    \b
    Example: candid customer show 123456789012 --data ./data
    """
    with _customers(data, file) as customers:
        found = customers.show(customer)
        keys = customers.keys(found.id)
    if as_json:
        print_json(_customer_json(found) | {"keys": [_key_json(key) for key in keys]})
        return
    _print_customer(found)
    _print_keys(keys)


@customer.command("list")
@_data_option
@_config_option
@json_option
def list_customers(data: Path, file: Path | None, as_json: bool) -> None:
    r"""List every customer.

    \b
    Example: candid customer list --data ./data --json
    """
    with _customers(data, file) as customers:
        found = customers.all()
    if as_json:
        print_json([_customer_json(each) for each in found])
        return
    rows = [(c.id, c.account, c.name, c.country, c.category, c.status, _time(c.created)) for c in found]
    print_table(("customer", "account", "name", "country", "category", "status", "opened"), rows)


@customer.command("close")
@_customer_argument
@_data_option
@_config_option
@json_option
def close(customer: str, data: Path, file: Path | None, as_json: bool) -> None:
    r"""Close a customer for good: its calls are denied at once, also by a server that is running.

    \b
    Example: candid customer close 123456789012 --data ./data
    """
    with _customers(data, file) as customers:
        closed = customers.close_customer(customer)
    if as_json:
        print_json(_customer_json(closed))
    else:
        _print_customer(closed)


@key.command()
@_customer_argument
@_data_option
@_config_option
@json_option
def issue(customer: str, data: Path, file: Path | None, as_json: bool) -> None:
    r"""Issue an access key. Its secret is shown this once and can never be shown again.

    \b
    Example: candid key issue 123456789012 --data ./data
    """
    with _customers(data, file) as customers:
        issued = customers.issue(customer)
    if as_json:
        names = {"access_key_id": issued.key.id, "secret_access_key": issued.secret}
        print_json({"customer": issued.key.customer, **names})
        return
    click.echo(f"aws_access_key_id = {issued.key.id}\naws_secret_access_key = {issued.secret}")
    click.echo("The secret is not shown again; keep it where only its user can read it.", err=True)


@key.command("list")
@click.argument("customer", metavar="[CUSTOMER]", required=False)
@_data_option
@_config_option
@json_option
def list_keys(customer: str | None, data: Path, file: Path | None, as_json: bool) -> None:
    r"""List every access key, or one customer's, without secrets.

    \b
    Example: candid key list --data ./data
    """
    with _customers(data, file) as customers:
        keys = customers.keys(customer)
    if as_json:
        print_json([_key_json(key) for key in keys])
    else:
        _print_keys(keys)


@key.command()
@click.argument("access_key_id")
@_data_option
@_config_option
@json_option
def revoke(access_key_id: str, data: Path, file: Path | None, as_json: bool) -> None:
    r"""Revoke an access key for good: refused at once, also by a server that is running.

    \b
    Example: candid key revoke CNDDABCDEFGHIJKLMNOP --data ./data
    """
    with _customers(data, file) as customers:
        revoked = customers.revoke(access_key_id)
    if as_json:
        print_json(_key_json(revoked))
    else:
        _print_keys([revoked])


def _customer_json(found: Customer) -> dict[str, Any]:
    facts = asdict(found)
    return {"customer": facts.pop("id"), **facts, "screened": False}


def _key_json(found: AccessKey) -> dict[str, Any]:
    facts = asdict(found)
    return {"access_key_id": facts.pop("id"), **facts}


def _print_customer(found: Customer) -> None:
    print_table(
        ("customer", found.id),
        [
            ("account", found.account),
            ("name", found.name),
            ("country", found.country),
            ("category", found.category),
            ("status", found.status),
            ("opened", _time(found.created)),
        ],
    )
    click.echo(_NOT_SCREENED, err=True)


def _print_keys(keys: list[AccessKey]) -> None:
    rows = [(each.id, each.customer, _state(each), _time(each.created), each.last_used or "never") for each in keys]
    print_table(("access key", "customer", "status", "issued", "last used"), rows)


def _state(found: AccessKey) -> str:
    return "active" if found.active else "revoked"


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
