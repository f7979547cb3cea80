"""Meters, prices, bills, exports and quotas: all computed from the log's entries, in integers.

This room knows entries, the log and what candid_verify says of prices and rating. It must not know customers'
names, requests or operations: whoever calls it brings pseudonyms, names and addresses.
"""

from candid.billing.bill import AsOf, Bill, make_bills
from candid.billing.errors import (
    BillingError,
    InvalidPrices,
    InvalidQuota,
    MissingPackage,
    QuotaExceeded,
    UnknownCustomer,
    UnreadableEntry,
)
from candid.billing.pricelist import check_act, default_prices, logged_prices, parse_prices, prices_act
from candid.billing.reading import billed_entries, note_opener

__all__ = [
    "AsOf",
    "Bill",
    "BillingError",
    "InvalidPrices",
    "InvalidQuota",
    "MissingPackage",
    "QuotaExceeded",
    "UnknownCustomer",
    "UnreadableEntry",
    "billed_entries",
    "check_act",
    "default_prices",
    "logged_prices",
    "make_bills",
    "note_opener",
    "parse_prices",
    "prices_act",
]
