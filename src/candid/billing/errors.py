"""What can go wrong with bills, prices and quotas; each message says what to do."""

from __future__ import annotations


class BillingError(Exception):
    """Base of everything that this room raises on purpose."""


class UnreadableEntry(BillingError):
    """An entry of the log is not as entries of its kind are written."""


class UnknownCustomer(BillingError):
    """The log has no entry of a customer that was named."""


class InvalidPrices(BillingError):
    """A price list that cannot be used."""


class InvalidQuota(BillingError):
    """A quota that cannot be used, or a file of quotas that cannot be read."""


class QuotaExceeded(BillingError):
    """A call would pass a hard quota or budget of its customer."""


class MissingPackage(BillingError):
    """An optional package that the export needs is not installed."""
