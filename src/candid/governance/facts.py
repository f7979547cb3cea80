"""What is known of a customer and of an access key."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from candid_verify.commitments import Opening


class Status(StrEnum):
    """Where a customer stands.

    Nothing screens customers yet, so nobody is `cleared`: a new customer is `unscreened`, and may be served.
    """

    UNSCREENED = "unscreened"
    BLOCKED = "blocked"
    CLOSED = "closed"
    ERASED = "erased"  # closed, and nothing is known of it any more


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A number in a register of companies or persons.

    Attributes:
        number: as it is written.
        country: ISO 3166-1 alpha-2 of the register; None where it is not known.
    """

    number: str
    country: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who owns or controls a customer, as far as it was told.

    Attributes:
        name: of the person or company.
        country: ISO 3166-1 alpha-2, or None.
        registrations: its numbers in registers.
        lei: its legal entity identifier (ISO 17442), or None.
        percent: its share, as digits with at most one point; None where it is not known.
        kind: what the share is of, such as `shares` or `votes`; None where it is not known.
    """

    name: str = field(repr=False)
    country: str | None = None
    registrations: tuple[Registration, ...] = ()
    lei: str | None = None
    percent: str | None = None
    kind: str | None = None


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
        pseudonym: what stands for it in the log: the commitment of its first identity.
    """

    id: str
    account: str
    name: str = field(repr=False)
    country: str
    category: Category
    status: Status
    created: float
    pseudonym: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a customer was known as from some moment on, and what opens its commitment.

    Attributes:
        opening: salt and value (see `candid_verify.identity`).
        index: where its `customer/1` entry stands in the log; None until it does.
    """

    opening: Opening = field(repr=False)
    index: int | None


@dataclass(frozen=True, slots=True)
class AccessKey:
    """One access key, without its secret.

    Attributes:
        id: twenty characters, `CNDD` first.
        customer: the customer's id.
        active: False once it is revoked, which cannot be undone.
        created: seconds since the epoch.
        last_used: the day (UTC, `2026-11-24`) of its last verified call, no finer; None before the first.
        pseudonym: what stands for it in the log.
    """

    id: str
    customer: str
    active: bool
    created: float
    last_used: str | None
    pseudonym: str = ""


@dataclass(frozen=True, slots=True)
class Issued:
    """A new access key; its secret is handed out this once."""

    key: AccessKey
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Access:
    """What an active access key opens.

    Attributes:
        customer: whose it is.
        secret: what its signatures are checked with.
        key: its pseudonym.
    """

    customer: Customer
    secret: str = field(repr=False)
    key: str = ""
