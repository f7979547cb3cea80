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
    InvalidCustomer,
    KeyRefused,
    Owner,
    Registration,
    open_customers,
)
from candid.ledger.errors import LedgerError
from candid.recording import RecordingError
from candid.server.acts import ActError, log_waiting
from candid.server.data_folder import DataFolderError, open_data_folder

_COUNTRY, _OWNER_PARTS = 2, 4
_path = click.Path(path_type=Path)
_data_option = click.option("--data", required=True, type=_path, help="The data folder.")
_config_option = click.option("--config", "file", type=_path, help="The TOML file of the server.")
_customer_argument = click.argument("customer", metavar="CUSTOMER")

_registration_option = click.option(
    "--registration",
    "registrations",
    multiple=True,
    metavar="[CC:]NUMBER",
    help="A number in a register, of its country unless another is named; repeatable.",
)
_owner_option = click.option(
    "--owner", "owners", multiple=True, metavar="NAME;CC;PERCENT;KIND", help="An owner; what is not known is empty."
)

_NOT_SCREENED = "Not screened: Candid has no screening yet. Screen the customer by other means."


@click.group()
def customer() -> None:
    """Open, show and list customers."""


@click.group()
def key() -> None:
    """Issue, list and revoke access keys."""


@contextmanager
def _customers(data: Path, file: Path | None, *, logged: bool = False) -> Iterator[Customers]:
    """The data folder's customers; errors become a message and an exit code.

    Args:
        data: the data folder.
        file: the TOML file of settings.
        logged: what was done in the block must stand in the log before the command goes on.
    """
    try:
        config = load_config(file)
        folder = open_data_folder(data, config)
        customers = open_customers(folder.governance, key=load_key_file(folder.key_file))
        try:
            yield customers
            if logged:
                log_waiting(folder, config)
        finally:
            customers.close()
    except (ActError, LedgerError, RecordingError) as error:
        fail(f"it is done and waits for its entry in the log, so do not repeat it: {error}", BROKEN)
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
@_registration_option
@click.option("--lei", help="Its legal entity identifier (ISO 17442).")
@_owner_option
@_data_option
@_config_option
@json_option
def open_(
    name: str,
    country: str,
    category: str,
    registrations: tuple[str, ...],
    lei: str | None,
    owners: tuple[str, ...],
    data: Path,
    file: Path | None,
    as_json: bool,
) -> None:
    """Open a customer. It is not screened: this version has no screening.

    Its name, numbers and owners go into the log as salted commitments and into the map as labels, so that it can be
    proved later who was, and who never was, a customer.

    \b
    Example: candid customer open --data ./data --name "Example Ltd" --country GB --registration 01234567
    """
    with _customers(data, file, logged=True) as customers:
        parties = _facts(registrations, owners)
        opened = customers.open_customer(name=name, country=country, category=category, lei=lei, **parties)
    with _customers(data, file) as customers:
        known = _identity_json(customers, opened)
    if as_json:
        print_json(_customer_json(opened) | known | {"hits": []})
        return
    _print_customer(opened)
    click.echo(f"Entry {known['log_index']} of the log says that it was opened.", err=True)
    click.echo(f"Now: candid key issue {opened.id} --data {data}", err=True)


@customer.command()
@_customer_argument
@click.option("--name", help="Its name from now on.")
@click.option("--country", metavar="CC", help="Its country.")
@click.option("--category", type=click.Choice(list(map(str, Category))), help="What kind of body it is.")
@_registration_option
@click.option("--lei", help="Its legal entity identifier.")
@_owner_option
@_data_option
@_config_option
@json_option
def update(
    customer: str,
    name: str | None,
    country: str | None,
    category: str | None,
    registrations: tuple[str, ...],
    lei: str | None,
    owners: tuple[str, ...],
    data: Path,
    file: Path | None,
    as_json: bool,
) -> None:
    """Change what is known of a customer; numbers or owners that are named replace all of the old ones.

    \b
    Example: candid customer update 123456789012 --data ./data --owner 'Holding Ltd;CY;60;shares'
    """
    with _customers(data, file, logged=True) as customers:
        parties = _facts(registrations, owners)
        changed = customers.update_customer(
            customer,
            name=name,
            country=country,
            category=category,
            lei=lei,
            registrations=parties["registrations"] or None,
            owners=parties["owners"] or None,
        )
    with _customers(data, file) as customers:
        known = _identity_json(customers, changed)
    if as_json:
        print_json(_customer_json(changed) | known)
    else:
        _print_customer(changed)


@customer.command()
@_customer_argument
@_data_option
@_config_option
@json_option
def show(customer: str, data: Path, file: Path | None, as_json: bool) -> None:
    """Show a customer, by its id or account, and its keys.

    \b
    Example: candid customer show 123456789012 --data ./data
    """
    with _customers(data, file) as customers:
        found = customers.show(customer)
        keys = customers.keys(found.id)
        known = _identity_json(customers, found)
    if as_json:
        print_json(_customer_json(found) | known | {"keys": [_key_json(key) for key in keys]})
        return
    _print_customer(found)
    _print_keys(keys)


@customer.command("list")
@_data_option
@_config_option
@json_option
def list_customers(data: Path, file: Path | None, as_json: bool) -> None:
    """List every customer.

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
    """Close a customer for good: its calls are denied at once, also by a server that is running.

    \b
    Example: candid customer close 123456789012 --data ./data
    """
    with _customers(data, file, logged=True) as customers:
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
    """Issue an access key. Its secret is shown this once and can never be shown again.

    \b
    Example: candid key issue 123456789012 --data ./data
    """
    with _customers(data, file, logged=True) as customers:
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
    """List every access key, or one customer's, without secrets.

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
    """Revoke an access key for good: refused at once, also by a server that is running.

    \b
    Example: candid key revoke CNDDABCDEFGHIJKLMNOP --data ./data
    """
    with _customers(data, file, logged=True) as customers:
        revoked = customers.revoke(access_key_id)
    if as_json:
        print_json(_key_json(revoked))
    else:
        _print_keys([revoked])


def _facts(registrations: tuple[str, ...], owners: tuple[str, ...]) -> dict[str, Any]:
    """Numbers and owners from the command line.

    Raises:
        InvalidCustomer: one of them is none.
    """
    found: dict[str, Any] = {"registrations": [], "owners": []}
    for text in registrations:
        before, colon, number = text.partition(":")
        named = bool(colon) and len(before) == _COUNTRY
        one = Registration(country=before, number=number) if named else Registration(number=text)
        found["registrations"].append(one)
    for text in owners:
        parts = [part.strip() or None for part in text.split(";")]
        if len(parts) > _OWNER_PARTS or parts[0] is None:
            raise InvalidCustomer(f"an owner is NAME;CC;PERCENT;KIND, with what is not known left empty, not {text!r}")
        name, country, percent, kind = (*parts, None, None, None)[:_OWNER_PARTS]
        found["owners"].append(Owner(name=str(name), country=country, percent=percent, kind=kind))
    return found


def _customer_json(found: Customer) -> dict[str, Any]:
    facts = asdict(found)
    return {"customer": facts.pop("id"), **facts, "screened": False}


def _identity_json(customers: Customers, found: Customer) -> dict[str, Any]:
    """What its newest identity says beside that, and where the log has it."""
    newest = customers.identities(found.id)[-1]
    value: Any = newest.opening.value
    return {name: value.get(name) for name in ("registrations", "lei", "owners")} | {"log_index": newest.index}


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
