"""Calls with the secrets of their customers: kept while they are theirs, gone when they are erased."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest
from tests.recording.conftest import Clock, Desk, Party

from candid.governance import GovernanceUnavailable, open_customers
from candid.ledger import SigningKey
from candid.recording.catching_up import entries_from
from candid.server.recording import CallRecord
from candid_verify.commitments import pseudonym


@pytest.fixture
def customers(tmp_path):
    found = open_customers(tmp_path / "governance.db", key=bytes(range(32)))
    yield found
    found.close()


@pytest.fixture
def desk(tmp_path):
    found = Desk(tmp_path, SigningKey.generate("candid.local/test"), Clock())
    yield found
    for recorder in found.opened:
        recorder.close()


class Counted:
    """Customers whose secrets are counted as they are read, and cannot be read for a while."""

    def __init__(self, customers):
        self.customers, self.reads, self.error = customers, 0, None

    def secret(self, customer):
        self.reads += 1
        if self.error is not None:
            raise self.error
        return self.customers.secret(customer)


@pytest.fixture
def scene(desk, customers):
    recorder = desk.serve()
    party = desk.welcome(recorder)
    customer = customers.open_customer(name="Acme", country="DE")
    counted = Counted(customers)
    record = CallRecord(recorder, counted)

    def call(collection="c"):
        record.check()
        facts = party.facts(customer=_of(customer, party), collection=collection, request=str(uuid.uuid4()))
        record.call(facts)
        return desk.entries(recorder)[-1]

    yield call, counted, recorder, customer
    desk.check(recorder)


def _of(customer, party: Party):
    return replace(customer, pseudonym=party.pseudonym)


def test_the_collection_is_named_with_the_customers_secret_which_is_read_once(scene, customers):
    call, counted, _, customer = scene
    expected = pseudonym("collection", "c", secret=customers.secret(customer.id)).commitment
    assert [call()["collection"] for _ in range(3)] == [expected] * 3
    assert counted.reads == 1


def test_no_secret_is_read_where_no_collection_is_used(scene):
    call, counted, _, _ = scene
    assert "collection" not in call(collection=None)
    assert counted.reads == 0


def test_an_erased_customer_has_no_secret(scene, customers):
    call, counted, recorder, customer = scene
    kept = call()["collection"]
    customers.erase_customer(customer.id)
    erased = desk_entry(recorder, "customer/1") | {"event": "erased", "status": "erased"}
    recorder.act({name: value for name, value in erased.items() if name not in ("identity", "labels", "time")})
    assert "collection" not in call()
    assert kept and counted.reads == 2


def desk_entry(recorder, kind):
    return next(entry for entry, _ in entries_from(recorder.log, 0) if entry["kind"] == kind)


def test_a_secret_that_cannot_be_read_now_does_not_keep_the_call_out(scene, caplog):
    call, counted, _, _ = scene
    counted.error = GovernanceUnavailable("the database is locked")
    assert "collection" not in call()
    assert "does not name its collection" in caplog.text
    counted.error = None
    assert "collection" in call()
