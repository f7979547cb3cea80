"""What is known of a customer and of an access key."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Status(StrEnum):
    """Where a customer stands.

    Nothing screens customers yet, so nobody is `cleared`: a new customer is `unscreened`, and may be served.
    """

    UNSCREENED = "unscreened"
    BLOCKED = "blocked"
    CLOSED = "closed"


class Category(StrEnum):
    """What kind of body a customer is; moratoria will speak of these."""

    PRIVATE = "private"
    PUBLIC_BODY = "public-body"
    POLICE = "police"
    INTELLIGENCE = "intelligence"
    MILITARY = "military"
    BORDER = "border"
    RESEARCH = "research"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Customer:
    """One customer.

    Attributes:
        id: `cus-` and 16 characters; stays for ever.
        account: the twelve digits that stand in its ARNs; no two customers share one.
        name: as it was given when the customer was opened.
        country: ISO 3166-1 alpha-2.
        category: see `Category`.
        status: see `Status`.
        created: seconds since the epoch.
    """

    id: str
    account: str
    name: str = field(repr=False)
    country: str
    category: Category
    status: Status
    created: float


@dataclass(frozen=True, slots=True)
class AccessKey:
    """One access key, without its secret.

    Attributes:
        id: twenty characters, `CNDD` first.
        customer: the customer's id.
        active: False once it is revoked, which cannot be undone.
        created: seconds since the epoch.
        last_used: the day (UTC, `2026-11-24`) of its last verified call, no finer; None before the first.
    """

    id: str
    customer: str
    active: bool
    created: float
    last_used: str | None


@dataclass(frozen=True, slots=True)
class Issued:
    """A new access key; its secret is handed out this once."""

    key: AccessKey
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Access:
    """What an active access key opens: whose it is, and the secret its signatures are checked with."""

    customer: Customer
    secret: str = field(repr=False)
