"""Changing what is known of a customer, and erasing it: nothing of it is found in any byte afterwards."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from tests.governance.entering import enter_all

from candid.governance import (
    Customer,
    CustomerNotFound,
    Customers,
    GovernanceUnavailable,
    InvalidCustomer,
    KeyRefused,
    Owner,
    Registration,
    Status,
    open_acts,
    open_customers,
)
from candid.governance import database as module
from candid_verify.commitments import pseudonym

KEY = bytes(range(32))
LEI = "5493001KJTIIGC8Y1R12"
FACTS = {
    "name": "Zyxwolt Holdings",
    "country": "NL",
    "registrations": [Registration(number="QX7391746")],
    "lei": LEI,
    "owners": [Owner(name="Quendoline Vark", country="CH", registrations=(Registration(number="VK-55501-Z"),))],
}
PERSONAL = ("zyxwolt", "qx7391746", "quendoline", "vark", "55501", LEI.lower(), "brimbolt")


def open_full(customers: Customers) -> Customer:
    return customers.open_customer(**FACTS)


def found_in_bytes(path: Path) -> list[str]:
    """What of PERSONAL any file beside this one holds, in capitals or not."""
    content = b"".join(file.read_bytes() for file in sorted(path.parent.iterdir())).lower()
    return [text for text in PERSONAL if text.encode() in content]


def test_what_is_none_stays(customers):
    opened = open_full(customers)
    changed = customers.update_customer(opened.account, name=" Brimbolt ", category="police")
    assert (changed.name, changed.country, changed.category) == ("Brimbolt", "NL", "police")
    assert customers.show(opened.id) == changed
    old, new = (each.opening.value for each in customers.identities(opened.id))
    assert new == old | {"name": "Brimbolt", "category": "police"}
    assert (changed.id, changed.account, changed.created) == (opened.id, opened.account, opened.created)


@pytest.mark.parametrize(
    ("change", "members"),
    [
        ({}, {}),
        ({"country": "be"}, {"country": "BE"}),
        ({"lei": "529900T8BM49AURSDO55"}, {"lei": "529900T8BM49AURSDO55"}),
        ({"registrations": []}, {"registrations": []}),
        ({"registrations": [Registration(number="1")]}, {"registrations": [{"number": "1", "country": "NL"}]}),
        ({"owners": []}, {"owners": []}),
        ({"owners": [Owner(name="Other")]}, {"owners": [{"name": "Other", "registrations": []}]}),
    ],
)
def test_what_a_change_changes(customers, change, members):
    opened = open_full(customers)
    customers.update_customer(opened.id, **change)
    old, new = (each.opening.value for each in customers.identities(opened.id))
    assert new == old | members


def test_old_identities_stay_and_the_pseudonym_too(customers, path):
    opened = open_full(customers)
    for name in ("Brimbolt", "Third"):
        customers.update_customer(opened.id, name=name)
    enter_all(path)
    kept = customers.identities(opened.id)
    assert [each.opening.value["name"] for each in kept] == ["Zyxwolt Holdings", "Brimbolt", "Third"]
    assert [each.index for each in kept] == [1, 2, 3]
    assert len({each.opening.salt for each in kept}) == 3
    assert kept[0].opening.commitment == opened.pseudonym == customers.show(opened.id).pseudonym


def test_pseudonyms_stay_the_same_over_changes_and_restarts(customers, path):
    opened = open_full(customers)
    issued = customers.issue(opened.id)
    secret = customers.secret(opened.account)
    customers.update_customer(opened.id, name="Brimbolt")
    customers.close()
    again = open_customers(path, key=KEY)
    assert again.secret(opened.id) == secret
    assert len(secret) == 32
    assert again.show(opened.id).pseudonym == opened.pseudonym
    assert again.keys() == [issued.key]
    assert issued.key.pseudonym == pseudonym("key", issued.key.id, secret=secret).commitment
    again.close()


def test_no_two_customers_share_secrets_or_pseudonyms(customers):
    one, two = open_full(customers), open_full(customers)
    assert one.pseudonym != two.pseudonym, "of one name, and yet nobody sees that it is the same"
    assert customers.secret(one.id) != customers.secret(two.id)


def test_who_is_closed_is_not_changed_any_more(customers):
    opened = open_full(customers)
    customers.close_customer(opened.id)
    with pytest.raises(InvalidCustomer, match="is not changed any more"):
        customers.update_customer(opened.id, name="Brimbolt")
    with pytest.raises(KeyRefused, match="gets no new key"):
        customers.issue(opened.id)


@pytest.mark.parametrize("change", [{"name": ""}, {"country": "UK"}, {"category": "x"}, {"lei": "1"}])
def test_a_change_that_cannot_be_taken_changes_nothing(customers, change):
    opened = open_full(customers)
    with pytest.raises(InvalidCustomer):
        customers.update_customer(opened.id, **change)
    assert customers.show(opened.id) == opened
    assert len(customers.identities(opened.id)) == 1


def test_two_changes_at_once_are_both_kept(customers, path):
    """The second waits for the first, and starts from what that left."""
    opened = open_full(customers)
    other = open_customers(path, key=KEY)
    with module.transaction(other._writer):
        body = '{"account":"1","category":"other","country":"BE","name":"Brimbolt","owners":[],"registrations":[]}'
        row = (opened.id, bytes(32), body)
        other._writer.execute("INSERT INTO identities (customer, salt, value) VALUES (?, ?, ?)", row)
        thread = threading.Thread(target=lambda: customers.update_customer(opened.id, category="police"))
        thread.start()
        thread.join(timeout=0.2)
        assert thread.is_alive()
    thread.join(timeout=20)
    newest = customers.identities(opened.id)[-1].opening.value
    assert (newest["name"], newest["country"], newest["category"]) == ("Brimbolt", "BE", "police")
    other.close()


def test_who_is_erased_meanwhile_is_not_changed(customers, path):
    """Another process erases it between the look for the customer and the change."""
    opened = open_full(customers)
    other = open_customers(path, key=KEY)
    refused: list[Exception] = []

    def change() -> None:
        try:
            customers.update_customer(opened.id, name="Brimbolt")
        except InvalidCustomer as error:
            refused.append(error)

    with module.transaction(other._writer):
        other._writer.execute("UPDATE customers SET status = 'erased', name = '' WHERE id = ?", (opened.id,))
        other._writer.execute("DELETE FROM identities")
        thread = threading.Thread(target=change)
        thread.start()
        thread.join(timeout=0.2)
        assert thread.is_alive()
    thread.join(timeout=20)
    assert "is erased and is not changed any more" in str(refused[0])
    assert customers.identities(opened.id) == []
    other.close()


def test_nothing_leads_from_an_erased_customer_to_its_pseudonym(customers, path):
    opened = open_full(customers)
    issued = [customers.issue(opened.id) for _ in range(3)]
    customers.revoke(issued[0].key.id)
    customers.update_customer(opened.id, name="Brimbolt")
    enter_all(path)
    assert customers.lookup(issued[1].key.id) is not None
    assert customers.erase_customer(opened.account) == {"identities": 2, "keys": 3}
    enter_all(path)
    (gone,) = customers.all()
    assert (gone.pseudonym, gone.status) == (opened.pseudonym, Status.ERASED)
    assert (gone.name, gone.country, gone.account, gone.created) == ("", "", "", 0)
    assert gone.id != opened.id
    assert customers.identities(gone.id) == []
    assert [customers.lookup(each.key.id) for each in issued] == [None] * 3
    with pytest.raises(CustomerNotFound, match="is erased; nothing opens its pseudonyms any more"):
        customers.secret(gone.id)
    content = b"".join(file.read_bytes() for file in path.parent.iterdir())
    links = [opened.id, opened.account, *(each.key.id for each in issued)]
    assert [link for link in links if link.encode() in content] == []


ACTS = ["show", "update_customer", "close_customer", "erase_customer", "issue", "keys", "secret"]


@pytest.mark.parametrize("act", ACTS)
def test_who_is_erased_is_nobody(customers, act):
    opened = open_full(customers)
    customers.erase_customer(opened.id)
    with pytest.raises(CustomerNotFound, match="there is no customer"):
        getattr(customers, act)(opened.id)


def test_its_acts_are_entered_in_order(customers, path):
    opened = open_full(customers)
    issued = customers.issue(opened.id)
    customers.close_customer(opened.id)
    customers.erase_customer(opened.id)
    events = [(act.body["kind"], act.body["event"]) for act in enter_all(path)]
    assert events == [("customer/1", "opened"), ("key/1", "issued"), ("customer/1", "closed"), ("customer/1", "erased")]
    assert customers.lookup(issued.key.id) is None


def test_others_are_left_as_they_are(customers, path):
    kept, gone = customers.open_customer(name="Kept", country="CH"), open_full(customers)
    issued = customers.issue(kept.id)
    enter_all(path)
    asked = (customers.show, customers.identities, customers.secret, customers.keys)
    before = [ask(kept.id) for ask in asked]
    customers.erase_customer(gone.id)
    assert [ask(kept.id) for ask in asked] == before
    assert customers.lookup(issued.key.id).secret == issued.secret


@contextmanager
def nobody_else(path: Path) -> Iterator[None]:
    yield


@contextmanager
def another_connection(path: Path) -> Iterator[None]:
    """As a server has while a command erases: it has read what is erased, and is open."""
    other, acts = open_customers(path, key=KEY), open_acts(path)
    assert [each.name for each in other.all()] != []
    assert acts.waiting() == []
    yield
    other.close()
    acts.close()


@contextmanager
def another_process(path: Path) -> Iterator[None]:
    program = "import sys\nfrom pathlib import Path\nfrom candid.governance import open_customers\n"
    program += "customers = open_customers(Path(sys.argv[1]), key=bytes(range(32)))\n"
    program += "print(len(customers.all()), flush=True)\nsys.stdin.read()\n"
    command = [sys.executable, "-c", program, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"1\n"
        yield
        process.stdin.close()
        assert process.wait(timeout=20) == 0


@pytest.mark.parametrize("others", [nobody_else, another_connection, another_process])
def test_nothing_of_an_erased_customer_is_in_any_byte(customers, path, others):
    opened = open_full(customers)
    customers.issue(opened.id)
    customers.update_customer(opened.id, name="Brimbolt Limited")
    enter_all(path)
    assert sorted(found_in_bytes(path)) == sorted(PERSONAL), "the search finds what is there"
    with others(path):
        customers.erase_customer(opened.id)
        assert found_in_bytes(path) == []
        enter_all(path)
        assert found_in_bytes(path) == []
    customers.close()
    assert found_in_bytes(path) == []


def test_names_in_acts_that_still_wait_go_when_they_are_entered(customers, path):
    opened = open_full(customers)
    customers.update_customer(opened.id, name="Brimbolt Limited")
    customers.erase_customer(opened.id)
    assert found_in_bytes(path) != [], "the labels wait for the log"
    enter_all(path)
    assert found_in_bytes(path) == []


def test_one_of_many_leaves_nothing_where_pages_were_split(customers, path):
    gone = []
    for at in range(40):
        if at % 5:
            other = customers.open_customer(name="Other " * (1 + at % 30), country="CH")
            customers.update_customer(other.id, category="police")
        else:
            gone.append(open_full(customers).id)
            customers.update_customer(gone[-1], name="Brimbolt " * (1 + at % 20))
        if at % 3 == 0:
            enter_all(path)
    enter_all(path)
    for identity in gone:
        customers.erase_customer(identity)
    assert found_in_bytes(path) == []


def test_a_reader_that_does_not_end_is_told_of_and_scrubbing_again_is_enough(customers, path, monkeypatch):
    opened = open_full(customers)
    enter_all(path)
    monkeypatch.setattr(module, "SCRUB_SECONDS", 0.1)
    customers._writer.execute("PRAGMA busy_timeout = 20")
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM identities").fetchone()
        with pytest.raises(GovernanceUnavailable, match="is read by others all the time"):
            customers.erase_customer(opened.id)
        assert [each.status for each in customers.all()] == [Status.ERASED]
        assert found_in_bytes(path) != []
    customers.scrub()
    assert found_in_bytes(path) == []


def test_a_reader_that_ends_in_time_is_waited_for(customers, path):
    opened = open_full(customers)
    enter_all(path)
    customers._writer.execute("PRAGMA busy_timeout = 20")
    reader = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM identities").fetchone()
    ends = threading.Timer(0.3, lambda: reader.execute("ROLLBACK"))
    ends.start()
    customers.erase_customer(opened.id)
    ends.join()
    reader.close()
    assert found_in_bytes(path) == []
