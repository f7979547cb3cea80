from __future__ import annotations

import threading

import pytest
from tests.governance.entering import enter_all

from candid.governance import Access, open_customers
from candid.wire import Credentials, FixedCredentials


@pytest.fixture(params=["memory", "governance.db"])
def kept(request, tmp_path, wire):
    """Credentials of each kind, with one key: (credentials, key id, secret, account)."""
    if request.param == "memory":
        yield FixedCredentials({wire.KEY: Access(wire.CUSTOMER, wire.SECRET)}), wire.KEY, wire.SECRET, "123456789012"
        return
    customers = open_customers(tmp_path / "governance.db", key=bytes(32))
    customer = customers.open_customer(name="A", country="CH", account="123456789012")
    issued = customers.issue(customer.id)
    enter_all(tmp_path / "governance.db")
    yield customers, issued.key.id, issued.secret, customer.account
    customers.close()


def test_either_kind_serves_a_signed_call(kept, make_app, ask, wire):
    credentials, key, secret, account = kept
    app = make_app(credentials=credentials)
    reply = ask(wire.signed("DescribeCollection", {"CollectionId": "a"}, key=key, secret=secret), app)
    assert reply.status == 200
    assert f":{account}:" in reply.json["CollectionARN"]


def test_either_kind_knows_its_keys_alone(kept):
    credentials: Credentials = kept[0]
    assert credentials.lookup(kept[1]).secret == kept[2]
    assert credentials.lookup("CNDDNONE") is None
    credentials.used(kept[1])


def test_revoking_and_closing_show_at_the_next_call(tmp_path, make_app, ask, wire):
    ours = open_customers(tmp_path / "governance.db", key=bytes(32))
    theirs = open_customers(tmp_path / "governance.db", key=bytes(32))
    customer = theirs.open_customer(name="A", country="CH")
    first, second = theirs.issue(customer.id), theirs.issue(customer.id)
    enter_all(tmp_path / "governance.db")
    app = make_app(credentials=ours)

    def error(issued):
        signed = wire.signed("DescribeCollection", {"CollectionId": "a"}, key=issued.key.id, secret=issued.secret)
        reply = ask(signed, app)
        return None if reply.status == 200 else reply.error

    assert (error(first), error(second)) == (None, None)
    assert ours.keys()[0].last_used is not None
    theirs.revoke(first.key.id)
    assert (error(first), error(second)) == ("UnrecognizedClientException", None)
    theirs.close_customer(customer.id)
    assert (error(first), error(second)) == ("UnrecognizedClientException", "AccessDeniedException")
    ours.close()
    theirs.close()


def test_a_wrong_signature_is_no_use_of_a_key(tmp_path, make_app, ask, wire):
    customers = open_customers(tmp_path / "governance.db", key=bytes(32))
    issued = customers.issue(customers.open_customer(name="A", country="CH").id)
    enter_all(tmp_path / "governance.db")
    app = make_app(credentials=customers)
    ask(wire.signed("DescribeCollection", {"CollectionId": "a"}, key=issued.key.id, secret="wrong"), app)
    assert customers.keys()[0].last_used is None
    customers.close()


def test_lookups_go_on_while_another_thread_writes(tmp_path):
    customers = open_customers(tmp_path / "governance.db", key=bytes(32))
    issued = customers.issue(customers.open_customer(name="A", country="CH").id)
    enter_all(tmp_path / "governance.db")
    with customers._write() as writer:
        writer.execute("BEGIN IMMEDIATE")
        found = []
        thread = threading.Thread(target=lambda: found.append(customers.lookup(issued.key.id)))
        thread.start()
        thread.join(timeout=10)
        assert found[0].secret == issued.secret
        writer.execute("ROLLBACK")
    customers.close()
