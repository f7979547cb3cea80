"""The one function that decides whether a call may happen.

Each rule is a small named function; its docstring is its documentation. Screening, categories and moratoria
will be rules here too. The first rule that objects decides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from candid.governance.facts import Customer, Status


@dataclass(frozen=True, slots=True)
class Decision:
    """Allow or deny.

    Attributes:
        allowed: whether the call may happen.
        rule: name of the rule that decided.
        text: why, for the customer, without a full stop; holds no name.
    """

    allowed: bool
    rule: str
    text: str


Rule = Callable[[Customer, str], str | None]


def customer_is_open(customer: Customer, _action: str) -> str | None:
    """A closed customer is not served."""
    if customer.status in (Status.CLOSED, Status.ERASED):
        return "this account has been closed"
    return None


def customer_is_not_blocked(customer: Customer, _action: str) -> str | None:
    """A blocked customer is not served."""
    if customer.status is Status.BLOCKED:
        return "this account is blocked"
    return None


RULES: tuple[Rule, ...] = (customer_is_open, customer_is_not_blocked)


POLICY_VERSION = "candid-rules/1"
"""Names this set of rules in the log; another set of rules gets another name."""

QUOTA_RULE = "quota"
"""What denies a call that goes beyond its customer's quota; it is held by whoever counts (`candid.billing.quotas`)."""


def decide(customer: Customer, action: str) -> Decision:
    """Whether a customer, whose access key has been verified and is active, may do this now.

    Args:
        customer: who calls.
        action: name of the operation, such as `SearchFacesByImage`.
    """
    for rule in RULES:
        objection = rule(customer, action)
        if objection is not None:
            return Decision(allowed=False, rule=rule.__name__, text=objection)
    return Decision(allowed=True, rule="no rule objects", text="")
