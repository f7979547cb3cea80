"""Everybody is entered again in the log that succeeds another one."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.governance.conftest import KEY
from tests.governance.entering import enter_all

from candid.governance import Customers, Owner, Registration, Status, WrongKey, open_acts
from candid.governance.customers import MOST_LABELS
from candid.governance.entering_again import enter_again


def waiting(path: Path) -> list[Mapping[str, Any]]:
    with closing(open_acts(path)) as acts:
        return [act.body for act in acts.waiting(-1)]


def told(path: Path, customer: str) -> list[tuple[str, str]]:
    """Kind and event of what waits of a customer, in order."""
    return [(body["kind"], body["event"]) for body in waiting(path) if body.get("customer") == customer]


def test_identities_then_keys_then_the_end(customers: Customers, path: Path) -> None:
    plain = customers.open_customer(name="Plain", country="CH")
    changed = customers.open_customer(name="Before", country="CH", category="police")
    customers.update_customer(changed.id, name="After", country="AT", category="private")
    kept, revoked = customers.issue(changed.id), customers.issue(changed.id)
    customers.revoke(revoked.key.id)
    closed = customers.open_customer(name="Closed", country="CH")
    customers.issue(closed.id)
    customers.close_customer(closed.id)
    erased = customers.open_customer(name="Erased", country="CH")
    customers.issue(erased.id)
    customers.erase_customer(erased.id)
    enter_all(path)
    assert customers.lookup(kept.key.id) is not None
    assert enter_again(path, key=KEY) == 4
    assert told(path, plain.pseudonym) == [("customer/1", "opened")]
    assert told(path, changed.pseudonym) == [("customer/1", "opened"), ("customer/1", "updated"), ("key/1", "issued")]
    assert told(path, closed.pseudonym) == [("customer/1", "opened"), ("key/1", "issued"), ("customer/1", "closed")]
    assert told(path, erased.pseudonym) == [("customer/1", "erased")]
    bodies = {(body["customer"], body["event"]): body for body in waiting(path)}
    opened = bodies[changed.pseudonym, "opened"]
    assert (opened["identity"], opened["category"], opened["status"]) == (changed.pseudonym, "police", "unscreened")
    newest = customers.identities(changed.id)[-1].opening.commitment
    updated = bodies[changed.pseudonym, "updated"]
    assert (updated["identity"], updated["category"]) == (newest, "private")
    assert bodies[closed.pseudonym, "opened"]["status"] == Status.UNSCREENED
    assert bodies[closed.pseudonym, "closed"]["status"] == Status.CLOSED
    assert "identity" not in bodies[erased.pseudonym, "erased"]
    # A key opens nothing until its entry stands in the new log.
    assert customers.lookup(kept.key.id) is None
    assert [identity.index for identity in customers.identities(changed.id)] == [None, None]
    enter_all(path)
    assert customers.lookup(kept.key.id) is not None
    assert customers.lookup(revoked.key.id) is None
    assert [identity.index for identity in customers.identities(plain.id)] != [None]


def test_every_label_of_every_identity(customers: Customers, path: Path) -> None:
    owners = [
        Owner(name=f"Owner Number {n} Ltd", registrations=tuple(Registration(number=f"{n}-{k:03}") for k in range(9)))
        for n in range(100)
    ]
    many = customers.open_customer(name="Many", country="CH", owners=owners)
    customers.update_customer(many.id, name="Few", owners=[])
    with closing(open_acts(path)) as acts:
        before = [act.labels for act in acts.waiting()]
    enter_again(path, key=KEY)
    with closing(open_acts(path)) as acts:
        after = acts.waiting()
    assert [act.labels for act in after] == before
    assert len(after) == 3  # the first identity has more labels than fit into one entry
    assert [act.body["event"] for act in after] == ["opened"] + ["updated"] * (len(after) - 1)
    assert all(act.labels is not None and len(act.labels) <= MOST_LABELS for act in after)


def test_what_waits_to_be_done_is_done_after_it(customers: Customers, path: Path) -> None:
    customer = customers.open_customer(name="A", country="CH")
    with closing(open_acts(path)) as acts:
        acts.add({"kind": "do/erase-customer", "customer": customer.id})
        acts.add({"kind": "erasure/1", "subject": "face", "faces": ["x"], "removed": {"faces": 1}})
        acts.add({"kind": "statement/1", "customer": customer.pseudonym})
        acts.add({"kind": "prices/1", "note": "signed by the key before"})
        newest = acts.last()
    enter_again(path, key=KEY)
    assert [body["kind"] for body in waiting(path)] == ["customer/1", "do/erase-customer", "erasure/1"]
    assert "faces" not in waiting(path)[2]  # a tag of the log before
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT min(number) FROM acts").fetchone() > (newest,)  # never the same twice


def test_with_another_key_nothing_is_changed(customers: Customers, path: Path) -> None:
    customers.open_customer(name="A", country="CH")
    before = waiting(path)
    with pytest.raises(WrongKey):
        enter_again(path, key=bytes(32))
    assert waiting(path) == before
