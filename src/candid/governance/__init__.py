"""Customers and their access keys, and the one function that decides whether a call may happen.

Later also ownership, screening and moratoria. This room knows no HTTP, no AWS words and never imports `wire`.
"""

from candid.governance.customers import Customers, open_customers
from candid.governance.decision import Decision, decide
from candid.governance.errors import (
    CustomerNotFound,
    GovernanceDamaged,
    GovernanceError,
    GovernanceUnavailable,
    InvalidCustomer,
    KeyNotFound,
    KeyRefused,
    WrongKey,
)
from candid.governance.facts import Access, AccessKey, Category, Customer, Issued, Status

__all__ = [
    "Access",
    "AccessKey",
    "Category",
    "Customer",
    "CustomerNotFound",
    "Customers",
    "Decision",
    "GovernanceDamaged",
    "GovernanceError",
    "GovernanceUnavailable",
    "InvalidCustomer",
    "Issued",
    "KeyNotFound",
    "KeyRefused",
    "Status",
    "WrongKey",
    "decide",
    "open_customers",
]
