from __future__ import annotations

import pytest

from candid.governance import Category, Customer, Status, decide
from candid.governance.decision import RULES


@pytest.mark.parametrize(
    ("status", "allowed", "rule", "text"),
    [
        (Status.UNSCREENED, True, "no rule objects", ""),
        (Status.BLOCKED, False, "customer_is_not_blocked", "this account is blocked"),
        (Status.CLOSED, False, "customer_is_open", "this account has been closed"),
    ],
)
@pytest.mark.parametrize("category", list(Category))
def test_what_decides(status, allowed, rule, text, category):
    customer = Customer("cus-x", "123456789012", "Very Personal Name", "CH", category, status, 0.0)
    decision = decide(customer, "DetectFaces")
    assert (decision.allowed, decision.rule, decision.text) == (allowed, rule, text)
    assert "Personal" not in repr(decision) + repr(customer)


def test_every_rule_documents_itself():
    assert all(rule.__doc__ for rule in RULES)
