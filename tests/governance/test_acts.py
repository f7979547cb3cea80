"""Acts wait in the order in which they were done, until somebody who has the log says that their entries stand."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.governance.entering import enter_all

from candid.governance import (
    Acts,
    Customers,
    GovernanceDamaged,
    GovernanceUnavailable,
    Owner,
    Registration,
    Settled,
    open_acts,
    open_customers,
)
from candid.governance.customers import MOST_LABELS
from candid_verify.entries import MAX_ENTRY, write_entry
from candid_verify.identity import parties_of
from candid_verify.labels import parties

STATE = {"kind": "state/1"}


@pytest.fixture
def acts(customers: Customers, path: Path):
    opened = open_acts(path)
    yield opened
    opened.close()


def numbers(acts: Acts) -> list[int]:
    return [act.number for act in acts.waiting()]


def test_acts_wait_in_order_until_they_are_entered(acts):
    assert (acts.waiting(), acts.last()) == ([], 0)
    assert [acts.add(STATE | {"at": at}) for at in range(3)] == [1, 2, 3]
    found = acts.waiting()
    assert [(act.number, act.body, act.labels) for act in found] == [
        (at + 1, STATE | {"at": at}, None) for at in range(3)
    ]
    acts.entered(found[1], 70)
    assert numbers(acts) == [1, 3]
    acts.failed(found[0], "it is none")
    assert numbers(acts) == [3]
    assert [acts.settled(number) for number in (1, 2, 3)] == [
        Settled(None, "it is none"),
        Settled(70, None),
        Settled(None, None),
    ]
    assert acts.last() == 3


def test_an_act_that_never_was(acts):
    assert acts.settled(1) == Settled(None, "there is no such act")


def test_no_more_than_asked_for(acts):
    for _ in range(5):
        acts.add(STATE)
    assert [act.number for act in acts.waiting(limit=2)] == [1, 2]
    assert numbers(acts) == [1, 2, 3, 4, 5]


def test_the_number_of_an_act_is_never_given_again(acts, path):
    acts.add(STATE)
    with sqlite3.connect(path) as raw:
        raw.execute("DELETE FROM acts")
    raw.close()
    assert acts.add(STATE) == 2


def test_an_act_in_other_words(acts):
    acts.add({"kind": "do/erase-face", "face": "some-id"})
    (act,) = acts.waiting()
    acts.rewrite(act, {"kind": "erasure/1", "begun": {"faces": 1}})
    (again,) = acts.waiting()
    assert (again.number, again.body) == (act.number, {"kind": "erasure/1", "begun": {"faces": 1}})


def test_looking_is_cheap_as_long_as_nobody_writes(acts, customers, path):
    """Held against the statements that SQLite runs: a table that is read shows."""
    asked: list[str] = []
    acts._connection.set_trace_callback(asked.append)
    assert acts.waiting() == []
    asked.clear()
    for _ in range(3):
        assert acts.waiting() == []
    assert asked == ["PRAGMA data_version"] * 3

    customers.open_customer(name="A", country="CH")
    assert numbers(acts) == [1]
    assert numbers(acts) == [1], "asked again as long as something waits"
    acts.entered(acts.waiting()[0], 0)
    assert acts.waiting() == []
    asked.clear()
    assert acts.waiting() == []
    assert asked == ["PRAGMA data_version"]


def test_what_it_adds_itself_is_seen_though_it_was_empty_before(acts):
    assert acts.waiting() == []
    assert acts.waiting() == []
    acts.add(STATE)
    assert numbers(acts) == [1]


def test_the_acts_of_a_customers_life_in_order(customers, acts, path):
    opened = customers.open_customer(name="Example", country="CH", category="police")
    issued = customers.issue(opened.id)
    customers.update_customer(opened.id, name="Other")
    customers.revoke(issued.key.id)
    customers.close_customer(opened.id)
    first, second = customers.identities(opened.id)
    told = {"customer": opened.pseudonym}
    customer = {"kind": "customer/1", "category": "police", "status": "unscreened", **told}
    key = {"kind": "key/1", "key": issued.key.pseudonym, **told}
    bodies = [act.body for act in acts.waiting()]
    assert bodies == [
        customer | {"event": "opened", "identity": first.opening.commitment},
        key | {"event": "issued"},
        customer | {"event": "updated", "identity": second.opening.commitment},
        key | {"event": "revoked"},
        customer | {"event": "closed", "status": "closed"},
    ]
    for body in bodies:
        write_entry(body | {"time": 0})
    assert [act.labels is not None for act in acts.waiting()] == [True, False, True, False, False]
    assert opened.pseudonym == first.opening.commitment


def test_what_changes_nothing_is_no_act(customers, acts):
    opened = customers.open_customer(name="Example", country="CH")
    issued = customers.issue(opened.id)
    customers.revoke(issued.key.id)
    customers.close_customer(opened.id)
    before = acts.last()
    customers.revoke(issued.key.id)
    customers.close_customer(opened.id)
    customers.used(issued.key.id)
    assert acts.last() == before


def test_what_is_refused_is_no_act(customers, acts):
    opened = customers.open_customer(name="Example", country="CH", account="000000000000")
    with pytest.raises(Exception, match="another customer has account"):
        customers.open_customer(name="Example", country="CH", account="000000000000")
    customers.close_customer(opened.id)
    with pytest.raises(Exception, match="gets no new key"):
        customers.issue(opened.id)
    with pytest.raises(Exception, match="is not changed any more"):
        customers.update_customer(opened.id, name="Other")
    assert [act.body["event"] for act in acts.waiting()] == ["opened", "closed"]


def test_entering_writes_back_and_deletes_the_labels(customers, acts, path):
    opened = customers.open_customer(name="Example", country="CH", owners=[Owner(name="A. Person")])
    issued = customers.issue(opened.id)
    assert [each.index for each in customers.identities(opened.id)] == [None]
    (act, key) = acts.waiting()
    assert b"candid-label/1\nname-plain\na person" in act.labels
    assert "person" not in repr(act)
    acts.entered(act, 5)
    assert [each.index for each in customers.identities(opened.id)] == [5]
    assert customers.lookup(issued.key.id) is None
    acts.entered(key, 6)
    assert customers.lookup(issued.key.id).customer == opened
    with sqlite3.connect(path) as raw:
        assert raw.execute("SELECT count(*) FROM acts WHERE labels IS NOT NULL").fetchone() == (0,)
        assert raw.execute("SELECT entry FROM keys").fetchall() == [(6,)]
    raw.close()


def test_a_failed_act_keeps_no_labels_either(customers, acts, path):
    customers.open_customer(name="Example", country="CH")
    acts.failed(acts.waiting()[0], "it was refused")
    with sqlite3.connect(path) as raw:
        assert raw.execute("SELECT labels, failure FROM acts").fetchall() == [(None, "it was refused")]
    raw.close()


def test_an_identity_with_more_labels_than_an_entry_holds_has_several_acts(customers, acts):
    numbers = [Registration(number=f"00{at}") for at in range(400)]
    opened = customers.open_customer(name="Example", country="CH", registrations=numbers)
    found = acts.waiting()
    assert [act.body["event"] for act in found] == ["opened", "updated"]
    assert {act.body["identity"] for act in found} == {opened.pseudonym}
    labels = [label for act in found for label in act.labels]
    (identity,) = customers.identities(opened.id)
    assert labels == parties(parties_of(identity.opening.value))
    assert len(found[0].labels) == MOST_LABELS
    largest = {**found[0].body, "labels": [opened.pseudonym] * MOST_LABELS, "time": 2**53 - 1}
    assert len(write_entry(largest)) <= MAX_ENTRY
    acts.entered(found[0], 8)
    acts.entered(found[1], 9)
    assert [each.index for each in customers.identities(opened.id)] == [8]


# Ends itself, as a power cut would, after the act is written or before its transaction is.
CRASHES = """
import os, signal, sys
from pathlib import Path
from candid.governance import open_customers
from candid.governance import outbox
customers = open_customers(Path(sys.argv[1]), key=bytes(range(32)))
if sys.argv[2] == "before":
    def add(*arguments, **named):
        os.kill(os.getpid(), signal.SIGKILL)
    outbox.add = add
customer = customers.open_customer(name="Crashing", country="CH", account="123456789012")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(("when", "acts_left"), [("before", 0), ("after", 1)])
def test_a_crash_leaves_both_the_deed_and_its_act_or_neither(customers, acts, path, when, acts_left):
    assert acts.waiting() == []
    done = subprocess.run([sys.executable, "-c", CRASHES, str(path), when], check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(customers.all()) == acts_left
    assert [act.body["customer"] for act in acts.waiting()] == [each.pseudonym for each in customers.all()]
    assert [len(customers.identities(each.id)) for each in customers.all()] == [1] * acts_left


def test_an_act_waits_through_a_crash_of_who_was_entering_it(customers, acts, path):
    opened = customers.open_customer(name="Example", country="CH")
    customers.close()
    program = "import os, sys, signal\nfrom pathlib import Path\nfrom candid.governance import open_acts\n"
    program += "acts = open_acts(Path(sys.argv[1]))\nassert acts.waiting()\nos.kill(os.getpid(), signal.SIGKILL)\n"
    done = subprocess.run([sys.executable, "-c", program, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert [act.body["customer"] for act in acts.waiting()] == [opened.pseudonym]


MANY = """
import sys
from pathlib import Path
from candid.governance import open_customers
customers = open_customers(Path(sys.argv[1]), key=bytes(range(32)))
for at in range(10):
    customers.issue(customers.open_customer(name=f"{sys.argv[2]} {at}", country="CH").id)
"""


def test_two_processes_add_while_one_enters(customers, acts, path):
    adding = [subprocess.Popen([sys.executable, "-c", MANY, str(path), name]) for name in ("one", "two")]
    entered: list[int] = []
    while any(process.poll() is None for process in adding) or acts.waiting():
        for act in acts.waiting(limit=3):
            acts.entered(act, act.number)
            entered.append(act.number)
    assert [process.wait() for process in adding] == [0, 0]
    assert entered == list(range(1, 41)), "each once, in the order in which they were added"
    keys = customers.keys()
    assert (len(customers.all()), len(keys)) == (20, 20)
    assert all(customers.lookup(key.id) is not None for key in keys)
    assert all(customers.identities(each.id)[0].index is not None for each in customers.all())


def test_many_threads_add(acts):
    threads = [threading.Thread(target=lambda: [acts.add(STATE) for _ in range(10)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert numbers(acts) == list(range(1, 41))


def test_a_file_that_is_no_database(tmp_path):
    (tmp_path / "governance.db").write_bytes(b"this is no database " * 500)
    with pytest.raises(GovernanceDamaged, match="restore it from a backup"):
        open_acts(tmp_path / "governance.db")


def test_a_folder_that_is_missing(tmp_path):
    with pytest.raises(GovernanceUnavailable, match="cannot be used now"):
        open_acts(tmp_path / "none" / "governance.db")


def test_closed_acts_say_so(acts):
    acts.close()
    with pytest.raises(GovernanceUnavailable):
        acts.waiting()


def test_entering_all_of_them(customers, path):
    opened = customers.open_customer(name="Example", country="CH")
    customers.issue(opened.id)
    assert [act.number for act in enter_all(path)] == [1, 2]
    assert enter_all(path) == []
    again = open_customers(path, key=bytes(range(32)))
    assert again.identities(opened.id)[0].index == 1
    again.close()
