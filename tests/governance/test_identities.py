"""What may be said of a customer and its owners, as the value that its commitment holds."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from candid.governance import Category, InvalidCustomer, Owner, Registration
from candid.governance.countries import COUNTRIES
from candid.governance.identities import MOST_OWNERS, changed_identity, identity_value, insert, labels_of_identity, read
from candid_verify.commitments import Opening
from candid_verify.identity import IDENTITY, parties_of
from candid_verify.labels import labels_of

LEI = "5493001KJTIIGC8Y1R12"
NOTHING_CHANGES = {"name": None, "country": None, "category": None, "registrations": None, "lei": None, "owners": None}


def value(**facts):
    plain = {"account": "123456789012", "name": "Example B.V.", "country": "nl", "category": Category.PRIVATE}
    return identity_value(**plain | facts)


PLAIN = {
    "account": "123456789012",
    "name": "Example B.V.",
    "country": "NL",
    "category": "private",
    "registrations": [],
    "owners": [],
}
OWNER = {"name": "A. Person", "registrations": []}


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({}, {}),
        ({"name": "  Example B.V. "}, {}),
        ({"lei": LEI.lower()}, {"lei": LEI}),
        (
            {"registrations": [Registration(number=" 123 ")]},
            {"registrations": [{"number": "123", "country": "NL"}]},  # a register of the customer's country
        ),
        (
            {"registrations": [Registration(number="9", country="us"), Registration(number="Z" * 60)]},
            {"registrations": [{"number": "9", "country": "US"}, {"number": "Z" * 60, "country": "NL"}]},
        ),
        ({"owners": [Owner(name=" A. Person ")]}, {"owners": [OWNER]}),
        ({"owners": [Owner(name="A. Person", country="ch")]}, {"owners": [OWNER | {"country": "CH"}]}),
        ({"owners": [Owner(name="A. Person", lei=LEI.lower())]}, {"owners": [OWNER | {"lei": LEI}]}),
        ({"owners": [Owner(name="A. Person", kind=" votes ")]}, {"owners": [OWNER | {"kind": "votes"}]}),
        (
            {"owners": [Owner(name="A. Person", registrations=(Registration(number="7"),))]},
            {"owners": [OWNER | {"registrations": [{"number": "7"}]}]},  # of which register is not known
        ),
        (
            {"owners": [Owner(name="A. Person", country="CH", registrations=(Registration(number="7"),))]},
            {"owners": [OWNER | {"country": "CH", "registrations": [{"number": "7", "country": "CH"}]}]},
        ),
        ({"owners": [Owner(name="A. Person")] * MOST_OWNERS}, {"owners": [OWNER] * MOST_OWNERS}),
    ],
)
def test_what_is_taken_and_how_it_is_written(facts, told):
    assert value(**facts) == PLAIN | told
    IDENTITY(value(**facts))


@pytest.mark.parametrize("percent", ["0", "25", "49.9", "99.999999", "100", "100.0", "100.00", "5.000001"])
def test_shares_that_are_taken(percent):
    (owner,) = value(owners=[Owner(name="A. Person", percent=percent, kind="shares")])["owners"]
    assert owner == OWNER | {"percent": percent, "kind": "shares"}


@pytest.mark.parametrize(
    "percent",
    ["", " 25", "25 ", "+25", "-1", "100.1", "101", "200", "25%", "2_5", "٢٥", "0x10", "1e1", ".5", "5.", "1.2345678",
     "25\n", "nan", "1,5"],
)  # fmt: skip
def test_shares_that_are_refused(percent):
    with pytest.raises(InvalidCustomer, match="is no share in percent, such as 25 or"):
        value(owners=[Owner(name="A. Person", percent=percent)])


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"name": ""}, "1 to 200 printable"),
        ({"name": "..."}, "no letters or digits"),
        ({"country": "UK"}, "no country code"),
        ({"lei": ""}, "lei is no text"),
        ({"lei": "5493001KJTIIGC8Y1R1"}, "is no LEI"),
        ({"lei": "5493001KJTIIGC8Y1R1X"}, "is no LEI"),
        ({"lei": "5493001KJTIIGC8Y1R13"}, "its last two digits, which check the others, do not fit"),
        ({"owners": [Owner(name="A", lei="5493001KJTIIGC8Y1R21")]}, "its last two digits"),
        ({"lei": "5" * 10_001}, "lei is no text"),
        ({"registrations": [Registration(number="")]}, "1 to 60 printable"),
        ({"registrations": [Registration(number="1" * 61)]}, "1 to 60 printable"),
        ({"registrations": [Registration(number="1\n2")]}, "1 to 60 printable"),
        ({"registrations": [Registration(number="-/-")]}, "neither letters nor digits"),
        ({"registrations": [Registration(number="1", country="XX")]}, "no country code"),
        ({"registrations": [Registration(number="1")] * 4097}, "no list of at most 4096"),
        ({"owners": [Owner(name="")]}, "1 to 200 printable"),
        ({"owners": [Owner(name="—")]}, "no letters or digits"),
        ({"owners": [Owner(name="A", country="EU")]}, "no country code"),
        ({"owners": [Owner(name="A", lei="1")]}, "is no LEI"),
        ({"owners": [Owner(name="A", kind="")]}, "1 to 200 printable"),
        ({"owners": [Owner(name="A", registrations=(Registration(number="\x00"),))]}, "1 to 60 printable"),
        ({"owners": [Owner(name="A")] * (MOST_OWNERS + 1)}, "at most 100 owners"),
    ],
)
def test_what_is_refused(facts, why):
    with pytest.raises(InvalidCustomer, match=why):
        value(**facts)


def test_no_name_of_an_owner_is_in_its_repr():
    assert "Person" not in repr(Owner(name="A. Person"))


NAMES = st.text(st.characters(categories=["L", "N", "Zs", "Po"]), min_size=1, max_size=40)
NUMBERS = st.builds(
    Registration,
    number=st.text("ABC0123456789-. ", min_size=1, max_size=20),
    country=st.none() | st.sampled_from(sorted(COUNTRIES)),
)
OWNERS = st.builds(
    Owner,
    name=NAMES,
    country=st.none() | st.sampled_from(sorted(COUNTRIES)),
    registrations=st.lists(NUMBERS, max_size=2).map(tuple),
    lei=st.none() | st.just(LEI),
    percent=st.none() | st.sampled_from(["25", "49.9"]),
)
FACTS = st.fixed_dictionaries(
    {"name": NAMES, "country": st.sampled_from(sorted(COUNTRIES)), "category": st.sampled_from(Category)},
    optional={
        "registrations": st.lists(NUMBERS, max_size=3),
        "lei": st.just(LEI),
        "owners": st.lists(OWNERS, max_size=3),
    },
)


@settings(deadline=None)
@given(FACTS)
def test_labels_begin_with_the_customers_and_hold_each_owners_once(facts):
    try:
        taken = value(**facts)
    except InvalidCustomer:
        return
    labels = labels_of_identity(taken)
    customer, *owners = map(labels_of, parties_of(taken))
    assert labels[: len(customer)] == customer
    assert len(set(labels)) == len(labels)
    assert set(labels) == {label for party in (customer, *owners) for label in party}


@settings(deadline=None)
@given(FACTS, FACTS, st.sets(st.sampled_from(sorted(NOTHING_CHANGES))))
def test_what_is_none_stays_and_what_is_said_is_as_if_it_was_always_said(first, second, kept):
    try:
        old, other = value(**first), value(**second)
    except InvalidCustomer:
        return
    said = {name: None if name in kept else second.get(name) for name in NOTHING_CHANGES}
    new = changed_identity(old, **said)
    assert new["account"] == old["account"]
    for name, change in said.items():
        if change is None:
            assert new.get(name) == old.get(name)
        elif name not in {"registrations", "owners"}:
            assert new[name] == other[name]
    if said["owners"] is not None:
        assert new["owners"] == other["owners"]
    if said["registrations"] is not None:
        assert [each["number"] for each in new["registrations"]] == [each["number"] for each in other["registrations"]]


def test_an_empty_list_takes_away_and_none_does_not():
    old = value(registrations=[Registration(number="1")], owners=[Owner(name="A. Person")])
    assert changed_identity(old, **NOTHING_CHANGES) == old
    assert changed_identity(old, **NOTHING_CHANGES | {"registrations": [], "owners": []}) == PLAIN


def test_an_identity_is_kept_as_it_was_committed_to():
    opening = Opening(bytes(range(32)), value(name="Örn & Þór hf.", owners=[Owner(name="A. Person", percent="49.9")]))
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE TABLE identities (number INTEGER PRIMARY KEY, customer, salt, value, entry)")
        assert [insert(connection, "cus-a", opening) for _ in range(2)] == [1, 2]
        connection.execute("UPDATE identities SET entry = 7 WHERE number = 2")
        kept = read(connection.execute("SELECT salt, value, entry FROM identities ORDER BY number"))
    connection.close()
    assert [each.index for each in kept] == [None, 7]
    assert [each.opening.commitment for each in kept] == [opening.commitment] * 2
    assert "Person" not in repr(kept)
