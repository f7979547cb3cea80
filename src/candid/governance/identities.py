"""A customer's identity: the value that its commitment holds, and where it is kept."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable
from typing import Any

from candid.governance.admission import check_country, check_name
from candid.governance.errors import InvalidCustomer
from candid.governance.facts import Category, Identity, Owner, Registration
from candid_verify.canonical import canonical
from candid_verify.commitments import Opening
from candid_verify.errors import VerifyError
from candid_verify.identity import parties_of
from candid_verify.labels import parties

_PERCENT = re.compile(r"(?:100(?:\.0+)?|[0-9]{1,2}(?:\.[0-9]{1,6})?)", re.ASCII)
MOST_OWNERS = 100


def identity_value(
    *,
    account: str,
    name: str,
    country: str,
    category: Category,
    registrations: Iterable[Registration] = (),
    lei: str | None = None,
    owners: Iterable[Owner] = (),
) -> dict[str, Any]:
    """The value of an identity, every part of it checked.

    Raises:
        InvalidCustomer: something of it cannot be taken.
    """
    value: dict[str, Any] = {
        "account": account,
        "name": check_name(name),
        "country": check_country(country),
        "category": str(category),
        "registrations": _registrations(registrations, country),
        "owners": [_owner(owner) for owner in owners],
    }
    if lei is not None:
        value["lei"] = lei.upper()
    if len(value["owners"]) > MOST_OWNERS:
        raise InvalidCustomer(f"a customer has at most {MOST_OWNERS} owners here; leave out the smallest")
    labels_of_identity(value)
    return value


def changed_identity(
    old: Any,  # noqa: ANN401 - an identity's value, which is JSON
    *,
    name: str | None,
    country: str | None,
    category: Category | None,
    registrations: Iterable[Registration] | None,
    lei: str | None,
    owners: Iterable[Owner] | None,
) -> dict[str, Any]:
    """An identity with some parts changed; what is None stays.

    Raises:
        InvalidCustomer: something of it cannot be taken.
    """
    new = identity_value(
        account=old["account"],
        name=old["name"] if name is None else name,
        country=old["country"] if country is None else country,
        category=Category(old["category"]) if category is None else category,
        registrations=registrations or (),
        lei=old.get("lei") if lei is None else lei,
        owners=owners or (),
    )
    if registrations is None:
        new["registrations"] = old["registrations"]
    if owners is None:
        new["owners"] = old["owners"]
    return new


def labels_of_identity(value: object) -> list[bytes]:
    """The labels of a customer and its owners, each once, the customer's first.

    Raises:
        InvalidCustomer: nothing can be made of one of its facts.
    """
    try:
        return parties(parties_of(value))
    except VerifyError as error:
        raise InvalidCustomer(str(error)) from error


def insert(connection: sqlite3.Connection, customer: str, opening: Opening) -> int:
    """Keep an identity, within a transaction; its number."""
    row = (customer, opening.salt, canonical(opening.value).decode())
    cursor = connection.execute("INSERT INTO identities (customer, salt, value) VALUES (?, ?, ?)", row)
    return int(cursor.lastrowid or 0)


def read(rows: Iterable[tuple[bytes, str, int | None]]) -> list[Identity]:
    """Identities from rows of salt, value and entry."""
    return [Identity(Opening(salt, json.loads(value)), entry) for salt, value, entry in rows]


def _registrations(found: Iterable[Registration], country: str | None) -> list[dict[str, str]]:
    out = []
    for each in found:
        where = each.country or country
        number = each.number.strip()
        if not 1 <= len(number) <= 60 or not number.isprintable():
            raise InvalidCustomer("a registration number has 1 to 60 printable characters")
        out.append({"number": number} | ({} if where is None else {"country": check_country(where)}))
    return out


def _owner(owner: Owner) -> dict[str, Any]:
    value: dict[str, Any] = {
        "name": check_name(owner.name),
        "registrations": _registrations(owner.registrations, owner.country),
    }
    if owner.country is not None:
        value["country"] = check_country(owner.country)
    if owner.lei is not None:
        value["lei"] = owner.lei.upper()
    if owner.percent is not None:
        if _PERCENT.fullmatch(owner.percent) is None:
            raise InvalidCustomer(f"{owner.percent!r} is no share in percent, such as 25 or 49.9")
        value["percent"] = owner.percent
    if owner.kind is not None:
        value["kind"] = check_name(owner.kind)
    return value
