from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.governance.entering import enter_all

from candid.governance import (
    Category,
    CustomerNotFound,
    Customers,
    GovernanceDamaged,
    GovernanceUnavailable,
    InvalidCustomer,
    KeyNotFound,
    KeyRefused,
    Status,
    WrongKey,
    open_customers,
)

KEY = bytes(range(32))
DAY = 86_400


def open_one(customers: Customers):
    return customers.open_customer(name="Example Ltd", country="gb", category="private")


def test_a_new_customer_is_unscreened_and_shown_by_id_and_by_account(customers, clock):
    opened = open_one(customers)
    assert (opened.name, opened.country, opened.category) == ("Example Ltd", "GB", Category.PRIVATE)
    assert (opened.status, opened.created) == (Status.UNSCREENED, clock.now)
    assert opened.account.isdigit()
    assert len(opened.account) == 12
    assert customers.show(opened.id) == customers.show(opened.account) == opened
    assert customers.all() == [opened]


@pytest.mark.parametrize(
    "facts",
    [
        {"name": ""},
        {"name": " \t "},
        {"name": "x" * 201},
        {"name": "two\nlines"},
        {"country": "UK"},
        {"country": ""},
        {"country": "GBR"},
        {"category": "shell"},
        {"account": "12345678901"},
        {"account": "1234567890123"},
        {"account": "12345678901٣"},
        {"account": "123456789012\n"},
    ],
)
def test_what_cannot_be_said_of_a_customer(customers, facts):
    with pytest.raises(InvalidCustomer):
        customers.open_customer(**{"name": "Example", "country": "CH"} | facts)
    assert customers.all() == []


def test_no_two_customers_share_an_account(customers):
    first = customers.open_customer(name="A", country="CH", account="000000000000")
    with pytest.raises(InvalidCustomer, match="another customer has account 000000000000"):
        customers.open_customer(name="B", country="CH", account="000000000000")
    assert customers.all() == [first]


def test_an_issued_key_opens_its_customer(customers, path):
    customer = open_one(customers)
    issued = customers.issue(customer.account)
    assert len(issued.key.id) == 20
    assert issued.key.id.startswith("CNDD")
    assert len(issued.secret) == 40
    assert customers.lookup(issued.key.id) is None, "its entry does not stand yet"
    enter_all(path)
    access = customers.lookup(issued.key.id)
    assert (access.customer, access.secret, access.key) == (customer, issued.secret, issued.key.pseudonym)
    assert customers.lookup(issued.key.id) is access, "answered from memory"
    assert customers.keys() == customers.keys(customer.id) == [issued.key]
    assert issued.key.last_used is None


def test_two_keys_differ(customers):
    customer = open_one(customers)
    first, second = customers.issue(customer.id), customers.issue(customer.id)
    assert first.key.id != second.key.id
    assert first.secret != second.secret


@pytest.mark.parametrize("unknown", ["", "CNDDAAAAAAAAAAAAAAAA", "' OR 1=1 --", "\x00", "x" * 10_000])
def test_an_unknown_key_opens_nothing(customers, unknown):
    customers.issue(open_one(customers).id)
    assert customers.lookup(unknown) is None


def test_a_revoked_key_opens_nothing_and_its_secret_is_gone(customers, path):
    issued = customers.issue(open_one(customers).id)
    enter_all(path)
    assert customers.lookup(issued.key.id) is not None
    assert customers.revoke(issued.key.id).active is False
    assert customers.lookup(issued.key.id) is None
    assert customers.revoke(issued.key.id).active is False, "revoking again changes nothing"
    with sqlite3.connect(path) as raw:
        assert raw.execute("SELECT sealed FROM keys").fetchall() == [(None,)]
    raw.close()


def test_closing_shows_at_the_next_lookup_and_refuses_new_keys(customers, path):
    customer = open_one(customers)
    issued = customers.issue(customer.id)
    enter_all(path)
    assert customers.lookup(issued.key.id).customer.status is Status.UNSCREENED
    assert customers.close_customer(customer.account).status is Status.CLOSED
    assert customers.lookup(issued.key.id).customer.status is Status.CLOSED
    with pytest.raises(KeyRefused, match="is closed and gets no new key"):
        customers.issue(customer.id)
    assert customers.close_customer(customer.id).status is Status.CLOSED


def test_what_is_not_there(customers):
    with pytest.raises(CustomerNotFound, match="candid customer list"):
        customers.show("cus-none")
    for ask in (customers.close_customer, customers.issue, customers.keys):
        with pytest.raises(CustomerNotFound):
            ask("cus-none")
    with pytest.raises(KeyNotFound, match="candid key list"):
        customers.revoke("CNDDNONE")


def test_the_last_use_is_kept_as_a_day_and_written_once_a_day(customers, clock, path):
    issued = customers.issue(open_one(customers).id)

    def data_version() -> int:
        return watcher.execute("PRAGMA data_version").fetchone()[0]

    watcher = sqlite3.connect(path)
    customers.used(issued.key.id)
    assert customers.keys()[0].last_used == "2027-01-15"
    before = data_version()
    clock.now += 3600
    customers.used(issued.key.id)
    assert data_version() == before
    clock.now += DAY
    customers.used(issued.key.id)
    assert customers.keys()[0].last_used == "2027-01-16"
    assert data_version() != before
    watcher.close()


def test_a_use_that_cannot_be_noted_fails_no_call(customers, caplog):
    issued = customers.issue(open_one(customers).id)
    customers.close()
    customers.used(issued.key.id)
    assert "could not be written" in caplog.text
    assert issued.key.id not in caplog.text


def test_it_is_all_there_after_opening_again(customers, path):
    customer = open_one(customers)
    issued = customers.issue(customer.id)
    enter_all(path)
    customers.close()
    again = open_customers(path, key=KEY)
    assert again.lookup(issued.key.id).secret == issued.secret
    assert again.all() == [customer]
    again.close()


def test_no_secret_and_no_key_in_the_file(customers, path):
    secrets = [customers.issue(open_one(customers).id).secret for _ in range(3)]
    customers.close()
    content = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert not [secret for secret in secrets if secret.encode() in content]
    assert KEY not in content
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("key", [b"", bytes(31), bytes(33), bytes(32)])
def test_another_master_key_is_refused(customers, path, key):
    with pytest.raises(WrongKey):
        open_customers(path, key=key)


def test_secrets_that_were_exchanged_are_noticed(customers, path):
    first, second = (customers.issue(open_one(customers).id).key.id for _ in range(2))
    enter_all(path)
    with sqlite3.connect(path) as raw:
        (sealed,) = raw.execute("SELECT sealed FROM keys WHERE id = ?", (first,)).fetchone()
        raw.execute("UPDATE keys SET sealed = ? WHERE id = ?", (sealed, second))
    raw.close()
    assert customers.lookup(first) is not None
    with pytest.raises(GovernanceDamaged, match="restore"):
        customers.lookup(second)


def test_a_file_that_is_no_database(tmp_path: Path):
    path = tmp_path / "governance.db"
    path.write_bytes(b"this is no database " * 500)
    with pytest.raises(GovernanceDamaged, match="restore it from a backup"):
        open_customers(path, key=KEY)


@pytest.mark.parametrize("found", [1, 3])
def test_another_format_is_refused_and_left_as_it_is(customers, path, found):
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE meta SET value = ? WHERE name = 'format'", (found.to_bytes(4, "big"),))
    with pytest.raises(GovernanceDamaged, match=f"has format {found}; this Candid reads 2. Open it with the Candid"):
        open_customers(path, key=KEY)
    assert raw.execute("SELECT value FROM meta WHERE name = 'format'").fetchone() == (found.to_bytes(4, "big"),)
    raw.close()


def test_a_folder_that_is_missing(tmp_path: Path):
    with pytest.raises(GovernanceUnavailable, match="cannot create"):
        open_customers(tmp_path / "none" / "governance.db", key=KEY)


def test_a_closed_database_says_so(customers):
    customers.close()
    with pytest.raises(GovernanceUnavailable):
        customers.lookup("CNDDNONE")
    with pytest.raises(GovernanceUnavailable):
        open_one(customers)


def test_what_sqlite_cannot_do_is_said_in_this_rooms_words(customers, path):
    issued = customers.issue(open_one(customers).id)
    with sqlite3.connect(path) as raw:
        raw.execute("ALTER TABLE keys RENAME TO hidden")
    raw.close()
    with pytest.raises(GovernanceUnavailable, match="no such table"):
        customers.lookup(issued.key.id)


OTHER_PROCESS = """
import sys
from pathlib import Path
from candid.governance import open_customers
customers = open_customers(Path(sys.argv[1]), key=bytes(range(32)))
getattr(customers, sys.argv[2])(sys.argv[3])
customers.close()
"""


def in_another_process(path: Path, method: str, argument: str) -> None:
    subprocess.run([sys.executable, "-c", OTHER_PROCESS, str(path), method, argument], check=True)


def test_what_another_process_does_shows_at_the_next_lookup(customers, path):
    customer = open_one(customers)
    kept, revoked = customers.issue(customer.id), customers.issue(customer.id)
    enter_all(path)
    assert customers.lookup(kept.key.id) is not None
    assert customers.lookup(revoked.key.id) is not None

    in_another_process(path, "revoke", revoked.key.id)
    assert customers.lookup(revoked.key.id) is None
    assert customers.lookup(kept.key.id).customer.status is Status.UNSCREENED

    in_another_process(path, "close_customer", customer.id)
    assert customers.lookup(kept.key.id).customer.status is Status.CLOSED


def test_many_threads_at_once(customers, path):
    customer = open_one(customers)
    failures: list[BaseException] = []
    entering = threading.Lock()  # one process has the log open

    def work() -> None:
        try:
            for _ in range(5):
                issued = customers.issue(customer.id)
                with entering:
                    enter_all(path)
                assert customers.lookup(issued.key.id).secret == issued.secret
                customers.used(issued.key.id)
                customers.revoke(issued.key.id)
                assert customers.lookup(issued.key.id) is None
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(customers.keys()) == 20
