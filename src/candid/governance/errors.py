"""Everything this room raises, in one family; it knows no HTTP and no AWS words."""

from __future__ import annotations


class GovernanceError(Exception):
    """Base of this room's errors; the message tells its reader what to do."""


class InvalidCustomer(GovernanceError):
    """What is said of a customer cannot be taken: name, country, category, account."""


class CustomerNotFound(GovernanceError):
    """There is no customer of this id."""


class KeyNotFound(GovernanceError):
    """There is no access key of this id."""


class KeyRefused(GovernanceError):
    """The customer's status does not allow a new access key."""


class WrongKey(GovernanceError):
    """The master key is not the one this database was created with."""


class GovernanceDamaged(GovernanceError):
    """Stored data is not what was written: a failed authentication, a broken database, a newer format."""


class GovernanceUnavailable(GovernanceError):
    """The database cannot do this now: an I/O error, a full disk, a lock held too long, closed."""
