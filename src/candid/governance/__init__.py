"""Customers and their access keys, and the one function that decides whether a call may happen.

Later also ownership, screening and moratoria. This room knows no HTTP, no AWS words and never imports `wire`.
"""

from candid.governance.acts import Acts, open_acts
from candid.governance.customers import Customers, open_customers
from candid.governance.decision import POLICY_VERSION, QUOTA_RULE, RULES, Decision, decide
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
from candid.governance.facts import (
    Access,
    AccessKey,
    Category,
    Customer,
    Identity,
    Issued,
    Owner,
    Registration,
    Status,
)
from candid.governance.outbox import Act, Settled

__all__ = [
    "POLICY_VERSION",
    "QUOTA_RULE",
    "RULES",
    "Access",
    "AccessKey",
    "Act",
    "Acts",
    "Category",
    "Customer",
    "CustomerNotFound",
    "Customers",
    "Decision",
    "GovernanceDamaged",
    "GovernanceError",
    "GovernanceUnavailable",
    "Identity",
    "InvalidCustomer",
    "Issued",
    "KeyNotFound",
    "KeyRefused",
    "Owner",
    "Registration",
    "Settled",
    "Status",
    "WrongKey",
    "decide",
    "open_acts",
    "open_customers",
]
