"""The operator's books held against the log: whom it left out, and under which labels nobody can be found."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.evidence.office import Office

from candid.evidence import OpeningsAudit
from candid.governance import Owner
from candid.recording import vrf_key
from candid_verify.commitments import Opening
from candid_verify.labels import name_labels


def inspected(office: Office) -> list[str]:
    audit = OpeningsAudit(office.customers, vrf_key(office.signer))
    for index, data in enumerate(office.book.entries):
        audit.feed(index, data)
    found = [each.message for each in audit.finish()]
    assert audit.count == len(office.customers.all())
    return found


def populated(office: Office) -> None:
    office.open("Alpha", owners=[Owner(name="Omega", country="CY")])
    office.open("Beta")
    office.book.call("Alpha")


def test_books_and_log_agree(office: Office):
    populated(office)
    customer = office.open("Gamma")
    office.customers.update_customer(customer.id, name="Gamma Holding")
    office.enter()
    assert inspected(office) == []
    office.customers.erase_customer(customer.id)
    office.enter()
    assert inspected(office) == []


def without_a_label(office: Office) -> None:
    """The operator writes the customer's entry itself, and leaves out the labels of the owner."""
    office.customers.open_customer(name="Secret", country="NL", owners=[Owner(name="Sanctioned", country="RU")])
    (act,) = office.acts.waiting()
    office.acts.entered(act, office.book.act(act.body, act.labels[:9]))


def with_a_strangers_label(office: Office) -> None:
    """A company that is no customer is made to look like one."""
    office.customers.open_customer(name="Secret", country="NL")
    (act,) = office.acts.waiting()
    office.acts.entered(act, office.book.act(act.body, [*act.labels, *name_labels("Innocent")]))


def never_entered(office: Office) -> None:
    office.customers.open_customer(name="Secret", country="NL")


def key_never_entered(office: Office) -> None:
    office.customers.issue(office.customers.all()[0].id)


def another_identity(office: Office) -> None:
    """The name is changed in the books, and another commitment goes into the log."""
    office.customers.update_customer(office.customers.all()[0].id, name="Other name")
    (act,) = office.acts.waiting()
    office.acts.entered(act, office.book.act({**act.body, "identity": "A" * 43}, act.labels))


def not_in_the_books(office: Office) -> None:
    office.book.customer("Stranger")
    office.book.map_entry()


def erased_in_the_log_alone(office: Office) -> None:
    office.book.end("Beta", "erased")


@pytest.mark.parametrize(
    ("lie", "message"),
    [
        (without_a_label, "of its 18 labels are not in its entries"),
        (with_a_strangers_label, "its entries add 4 labels that are of none of its identities"),
        (never_entered, "it was left out, or waits to be entered"),
        (key_never_entered, "the log has no entry of the access key"),
        (another_identity, "no entry with the commitment to identity 2"),
        (another_identity, "the books have no opening for 1 identities"),
        (not_in_the_books, "the log has this customer, and the books do not"),
        (erased_in_the_log_alone, "the books say that it is unscreened"),
    ],
)
def test_a_lie_is_found(office: Office, lie: Callable[[Office], None], message: str):
    populated(office)
    lie(office)
    found = inspected(office)
    assert [each for each in found if message in each], found


def test_an_identity_that_is_none(office: Office):
    populated(office)
    with office.customers._write() as writer:  # what a damaged database may hold
        writer.execute("""UPDATE identities SET value = '{"name":"Alpha"}' WHERE number = 1""")
    assert any("books have no opening" in each for each in inspected(office))


def test_an_identity_that_is_none_though_the_log_has_it(office: Office):
    populated(office)
    opening = Opening(bytes(32), {"name": "Alpha"})
    with office.customers._write() as writer:  # what only whoever holds the database can do
        writer.execute("UPDATE identities SET salt = ?, value = ? WHERE number = 1", (bytes(32), '{"name":"Alpha"}'))
    changed = {"kind": "customer/1", "event": "updated", "customer": office.book.customers["Alpha"].pseudonym}
    office.book.add({**changed, "identity": opening.commitment, "category": "private", "status": "unscreened"})
    assert any("no labels can be made of it" in each for each in inspected(office))


def test_an_entry_that_is_none_counts_for_nothing(office: Office):
    populated(office)
    assert b'"kind":"customer/1"' in office.book.entries[3]
    office.book.entries[3] = b'{"kind":"customer/1"}'
    assert inspected(office) == ["the log has no entry with the commitment to identity 1 of the books"]
