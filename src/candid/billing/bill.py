"""Bills: a pure function of the log's entries up to a size.

A bill names the log, its size and root, and the entries of the price lists that it used; whoever reads the same
log as of that size gets the same bill to the byte.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import Any

from candid.billing.reading import billed_entries, note_opener, of_customer
from candid.ledger import LogReader, VerifierKey
from candid_verify.prices import LoggedPrices
from candid_verify.rating import Measuring, Month, Rating, Usage, measure, rate

VERSION = "candid-bill/1"


@dataclass(frozen=True, slots=True)
class AsOf:
    """The log that a bill was made of.

    Attributes:
        origin: which log.
        size: how many entries of it were read.
        root: the root over these, 32 bytes.
    """

    origin: str
    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Bill:
    """What a customer owes for a month.

    Attributes:
        usage: whose, of which month, and what was used.
        rating: the lines and totals.
        lists: the price lists that the lines name, in the order of the log.
        log: what it was made of.
        closed: whether nothing can come to the month any more, however long the log becomes.
        late: the `storage/1` entries of the month that came after their deadline, and are not billed.
    """

    usage: Usage
    rating: Rating
    lists: tuple[LoggedPrices, ...]
    log: AsOf
    closed: bool
    late: tuple[int, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The document; amounts and prices in micro-units of the currency, times in milliseconds since the epoch."""
        month = self.usage.month
        return {
            "bill": VERSION,
            "customer": self.usage.customer,
            "month": str(month),
            "start": month.start,
            "end": month.end,
            "closed": self.closed,
            "log": {"origin": self.log.origin, "size": self.log.size, "root": b64encode(self.log.root).decode()},
            "prices": [
                {"entry": each.index, "currency": each.prices.currency, "valid_from": each.prices.valid_from}
                for each in self.lists
            ],
            "late": list(self.late),
            "calls": self.usage.calls,
            **self.rating.as_json(),
        }


def read_month(
    reader: LogReader, key: VerifierKey, month: Month, *, customer: str | None = None
) -> tuple[Measuring, AsOf]:
    """Measure a month from a log.

    Args:
        reader: the log as of one checkpoint.
        key: the log's key, which also signed its price lists.
        month: which month.
        customer: only this pseudonym; None for all.

    Returns:
        What was measured, and of which log.

    Raises:
        UnknownCustomer: the log has no such customer.
        BillingError, VerifyError, LedgerError: what is wrong with the log, its entries or its price lists.
    """
    entries = billed_entries(reader)
    read = entries if customer is None else of_customer(entries, customer)
    signed = reader.signed
    return measure(read, month, note_opener(key), customer=customer), AsOf(signed.origin, signed.size, signed.root)


def make_bills(reader: LogReader, key: VerifierKey, month: Month, *, customer: str | None = None) -> list[Bill]:
    """Make bills of a month.

    Args:
        reader: the log as of one checkpoint.
        key: the log's key.
        month: which month.
        customer: a pseudonym; None for every customer that made a call or stored anything.

    Returns:
        By pseudonym in alphabetical order. For a named customer always one bill, perhaps of nothing.

    Raises:
        As `read_month`.
    """
    found, log = read_month(reader, key, month, customer=customer)
    usages = list(found.usages().values()) if customer is None else [found.usage(customer)]
    return [_bill(usage, found, log) for usage in usages]


def _bill(usage: Usage, found: Measuring, log: AsOf) -> Bill:
    rating = rate(usage, found.lists)
    named = {line.prices for line in rating.lines}
    lists = tuple(each for each in found.lists if each.index in named)
    return Bill(usage, rating, lists, log, found.closed, found.late(usage.customer))
