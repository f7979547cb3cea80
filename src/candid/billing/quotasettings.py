"""The file of quotas and budgets, `DIR/billing/quotas.json`, and what stands in it.

    {"version": 1, "customers": {PSEUDONYM: {"meters": {METER: LIMIT}, "budget": LIMIT and "currency"}}}

A LIMIT has `soft`, `hard` or both: units a month for a meter, micro-units of the currency a month for a budget.
`budget` is absent where there is none. The file is written whole, for its owner's eyes only, as is its folder.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from candid.billing.errors import InvalidQuota
from candid.ledger.storage import Disk, write_file
from candid_verify.entries import Form, hash32, members, number, table_of
from candid_verify.errors import FormatError

VERSION = 1


@dataclass(frozen=True, slots=True)
class Limit:
    """What may be used in a month.

    Attributes:
        soft: behind so much there is a warning; None for none.
        hard: no call may begin that would go beyond; None for no limit.
    """

    soft: int | None = None
    hard: int | None = None

    def as_json(self) -> dict[str, int]:
        """For the file."""
        both = (("soft", self.soft), ("hard", self.hard))
        return {name: value for name, value in both if value is not None}


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be spent in a month.

    Attributes:
        limit: in micro-units.
        currency: ISO 4217. What is charged in another one does not count.
    """

    limit: Limit
    currency: str


@dataclass(frozen=True, slots=True)
class CustomerQuota:
    """The limits of one customer.

    Attributes:
        meters: by meter, in units.
        budget: None where there is none.
    """

    meters: Mapping[str, Limit] = field(default_factory=dict)
    budget: Budget | None = None

    def as_json(self) -> dict[str, Any]:
        """For the file."""
        found: dict[str, Any] = {"meters": {name: limit.as_json() for name, limit in sorted(self.meters.items())}}
        if self.budget is not None:
            found["budget"] = self.budget.limit.as_json() | {"currency": self.budget.currency}
        return found


Settings = Mapping[str, CustomerQuota]
"""By pseudonym."""


class _PrivateDisk(Disk):
    """Makes files that nobody but their owner reads, whatever mode one had that was left behind."""

    def open(self, path: Path, flags: int) -> int:
        descriptor = super().open(path, flags)
        if flags & os.O_CREAT:  # not the folder, which is opened to be made durable
            os.fchmod(descriptor, 0o600)
        return descriptor


def _some(form: Form) -> Form:
    """A limit must limit something."""

    def check(value: Any) -> None:  # noqa: ANN401 - JSON
        form(value)
        if "soft" not in value and "hard" not in value:
            raise FormatError("has neither soft nor hard")
        if value.get("soft", 0) > value.get("hard", value.get("soft", 0)):
            raise FormatError("has a soft limit above the hard one")

    return check


def _currency(value: Any) -> None:  # noqa: ANN401 - JSON
    if not isinstance(value, str) or len(value) != 3 or not value.isascii() or not value.isupper():
        raise FormatError("is no currency of ISO 4217, such as USD")


_LIMIT = _some(members({"soft": number, "hard": number}))
_BUDGET = _some(members({"soft": number, "hard": number}, currency=_currency))
_CUSTOMER = members({"budget": _BUDGET}, meters=table_of(_LIMIT))
_FILE = members(version=number, customers=table_of(_CUSTOMER))


def parse_settings(data: bytes) -> Settings:
    """Read the file.

    Raises:
        InvalidQuota: it is damaged, or of another version.
    """
    try:
        document = json.loads(data)
        _FILE(document)
        for pseudonym in document["customers"]:
            hash32(pseudonym)
    except (ValueError, RecursionError) as error:
        raise InvalidQuota(f"the file of quotas is no JSON: {error}; restore it, or set the quotas again") from error
    except FormatError as error:
        raise InvalidQuota(f"the file of quotas {error}; restore it, or set the quotas again") from error
    if document["version"] != VERSION:
        raise InvalidQuota(f"the file of quotas has version {document['version']}; this Candid reads {VERSION}")
    return {pseudonym: _customer(found) for pseudonym, found in document["customers"].items()}


def read_settings(path: Path) -> Settings:
    """Read the file; where there is none, nobody has a quota.

    Raises:
        InvalidQuota: it cannot be read, or is damaged.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise InvalidQuota(f"{path} cannot be read: {error.strerror}") from error
    return parse_settings(data)


def change_settings(path: Path, customer: str, change: Callable[[CustomerQuota], CustomerQuota]) -> CustomerQuota:
    """Change one customer's quotas durably. Not for two processes at once: the later one would win.

    Args:
        path: the file; its folder is made if missing.
        customer: the pseudonym.
        change: takes what holds now and gives what shall hold; an empty quota is taken out of the file.

    Returns:
        What holds from now on.

    Raises:
        InvalidQuota: the file cannot be read or written, or what it would hold is no quota.
    """
    settings = dict(read_settings(path))
    changed = change(settings.pop(customer, CustomerQuota()))
    if changed.meters or changed.budget is not None:
        settings[customer] = changed
    customers = {name: quota.as_json() for name, quota in sorted(settings.items())}
    data = json.dumps({"version": VERSION, "customers": customers}, indent=2).encode() + b"\n"
    parse_settings(data)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.parent.chmod(0o700)  # made by an older Candid, perhaps
        write_file(_PrivateDisk(), path, data)
    except OSError as error:
        raise InvalidQuota(f"{path} cannot be written: {error.strerror}") from error
    return changed


def _customer(found: dict[str, Any]) -> CustomerQuota:
    budget = found.get("budget")
    return CustomerQuota(
        {name: _limit(limit) for name, limit in found["meters"].items()},
        None if budget is None else Budget(_limit(budget), budget["currency"]),
    )


def _limit(found: dict[str, Any]) -> Limit:
    return Limit(found.get("soft"), found.get("hard"))
