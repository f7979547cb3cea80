"""Each claim exported from real logs and verified as its reader does: with nothing but the file and the log's key."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.evidence.bookkeeper import BEGIN, DAY
from tests.evidence.office import Office

from candid.evidence import EvidenceDamaged, EvidenceError, Exported, Sources, export
from candid.evidence.document import Collected, write
from candid.governance import Owner, Registration
from candid.ledger.errors import LedgerError
from candid_verify.canonical import canonical
from candid_verify.claims import Claim
from candid_verify.verdict import Verdict
from candid_verify.verifier import verify

MINUTE = 60_000


def claim(name: str, **parameters: object) -> Claim:
    begin, end = parameters.pop("begin", None), parameters.pop("end", None)
    period = {"from": begin, "to": end}
    return Claim.from_json({"name": name, **parameters, **{k: v for k, v in period.items() if v is not None}})


def read_by_a_stranger(exported: Exported, office: Office) -> Verdict:
    """The verdict of whoever has the file and the key; it must be what the exporter was told."""
    verdict = verify(exported.data, log_key=str(office.signer.verifier))
    assert verdict == exported.verdict
    return verdict


def entries_of(exported: Exported) -> list[dict]:
    return [json.loads(each["entry"]) for each in json.loads(exported.data)["evidence"]["entries"]]


def kinds_of(exported: Exported) -> list[str]:
    return [entry["kind"] for entry in entries_of(exported)]


# never-served


def populated(office: Office) -> None:
    office.open(
        "Alpha Vision B.V.",
        registrations=[Registration(number="0012345", country="NL")],
        owners=[Owner(name="Omega Holding Ltd", country="CY", percent="60")],
    )
    office.open("Beta GmbH", "DE", lei="5299000J2N45DDNE4Y28")
    office.book.call("Alpha Vision B.V.")


@pytest.mark.parametrize(
    ("parameters", "holds"),
    [
        ({"subject": "Gamma Corp"}, True),
        ({"subject": "Gamma Corp", "country": "RU", "registration": "77-123"}, True),
        ({"registration": "0012345", "country": "DE"}, False),  # the number is there, of whatever country
        ({"lei": "5299000J2N45DDNE4Z25"}, True),
        ({"country": "RU"}, True),
        ({"country": "CY"}, False),  # by its owner
        ({"subject": "ALPHA  vision"}, False),
        ({"subject": "Omega Holding"}, False),
        ({"registration": "12345"}, False),
        ({"lei": "5299000J2N45DDNE4Y28"}, False),
    ],
)
def test_never_served(office: Office, parameters: dict[str, object], holds: bool):
    populated(office)
    made = export(claim("never-served", **parameters), office.sources())
    verdict = read_by_a_stranger(made, office)
    assert verdict.verdict == ("established" if holds else "not-established"), verdict
    assert kinds_of(made) == ["log/1", "map/1", "state/1"]


def test_never_served_of_an_empty_log(office: Office):
    made = export(claim("never-served", subject="Anybody"), office.sources())
    assert read_by_a_stranger(made, office).verdict == "established"
    assert kinds_of(made) == ["log/1", "state/1"]


def test_never_served_until_a_time(office: Office):
    populated(office)
    now = office.book.time
    made = export(claim("never-served", subject="Gamma", end=now), office.sources())
    assert read_by_a_stranger(made, office).verdict == "established"
    with pytest.raises(EvidenceError, match="future"):
        export(claim("never-served", subject="Gamma", end=now + DAY), office.sources())


def test_never_served_of_what_has_no_label(office: Office):
    with pytest.raises(EvidenceError, match="no letters or digits"):
        export(claim("never-served", subject="…"), office.sources())


def test_a_map_that_is_not_the_logs_is_noticed(office: Office):
    populated(office)
    sources = office.sources()
    office.book.open("Nobody")
    office.book.batches[-1] = {b"\1" * 32: b"\1" * 32}  # the map's folder gets something else than the log
    with pytest.raises(EvidenceDamaged, match="delete the folder"):
        export(claim("never-served", subject="Gamma"), sources)


def test_a_customer_left_out_of_the_map_is_handed_out_to_nobody(office: Office):
    """The state entry lies about the map; the exporter's own verification says so."""
    populated(office)

    def lying(body):
        index = office.book.state(map={**office.book.map, "entry": 1})
        office.publish()
        return index

    with pytest.raises(EvidenceDamaged, match="would be found invalid"):
        export(claim("never-served", subject="Gamma"), office.sources(act=lying))


# usage and not-used


def busy(office: Office) -> dict[str, int]:
    """A customer's calls around two times; gives those times, and the pseudonym's owner's calls among others'."""
    book = office.book
    office.open("Alpha")
    office.open("Beta")
    times = {}
    for name, count in (("first", 3), ("second", 4), ("third", 2)):
        book.time += MINUTE
        times[name] = book.time + 1
        for number in range(count):
            book.call("Alpha", "DetectFaces" if number else "IndexFaces")
            book.call("Beta")
        book.denied("Alpha")
    times["now"] = book.time
    return times


PERIODS: list[tuple[str | None, str | None, int]] = [
    (None, None, 12),
    ("second", None, 8),
    (None, "second", 4),
    ("second", "third", 5),
    ("third", "now", 2),
    ("first", "second", 4),
    ("now", None, 1),
]


@pytest.mark.parametrize(("begin", "end", "calls"), PERIODS)
def test_usage(office: Office, begin: str | None, end: str | None, calls: int):
    times = busy(office)
    customer = office.customers.all()[0].pseudonym
    wanted = claim("usage", customer=customer, begin=times.get(begin), end=times.get(end))
    made = export(wanted, office.sources())
    verdict = read_by_a_stranger(made, office)
    assert verdict.verdict == "established", verdict
    stated = json.loads(made.data)["evidence"]["stated"]
    assert stated["calls"] == calls
    assert any("“Alpha”" in sentence for sentence in verdict.established)
    assert any("labels of the customer" in each for each in verdict.established)
    assert not any(entry.get("customer", customer) != customer for entry in entries_of(made))


@pytest.mark.parametrize(("begin", "end", "calls"), PERIODS)
def test_not_used_of_a_period_with_calls_shows_one_of_them(office: Office, begin: str, end: str, calls: int):
    times = busy(office)
    wanted = claim(
        "not-used", customer=office.customers.all()[0].pseudonym, begin=times.get(begin), end=times.get(end)
    )
    made = export(wanted, office.sources())
    assert read_by_a_stranger(made, office).verdict == "not-established"
    assert kinds_of(made).count("call/1") == 1


def test_not_used(office: Office):
    times = busy(office)
    book, customer = office.book, office.customers.all()[0].pseudonym
    quiet = book.time + 1
    book.time += DAY
    periods = [(None, BEGIN), (BEGIN, times["first"]), (quiet, quiet + MINUTE), (quiet, None), (quiet, book.time)]
    for begin, end in periods:
        made = export(claim("not-used", customer=customer, begin=begin, end=end), office.sources())
        assert read_by_a_stranger(made, office).verdict == "established", (begin, end)
    book.call("Alpha")
    made = export(claim("not-used", customer=customer, begin=quiet, end=quiet + MINUTE), office.sources())
    assert read_by_a_stranger(made, office).verdict == "established"
    assert kinds_of(made) == ["log/1", "customer/1", "call/1", "call/1"]  # the one after closes the period


def test_calls_that_come_while_the_statement_is_asked_for_are_in_the_file(office: Office):
    busy(office)
    customer = office.customers.all()[0].pseudonym

    def busy_server(body):
        office.book.call("Alpha")
        index = office.act(body)
        office.book.call("Alpha")
        office.publish()
        return index

    made = export(claim("usage", customer=customer), office.sources(act=busy_server))
    assert read_by_a_stranger(made, office).verdict == "established"
    assert json.loads(made.data)["evidence"]["stated"]["calls"] == 13


def test_a_customer_that_never_called(office: Office):
    office.open("Alpha")
    made = export(claim("usage", customer=office.customers.all()[0].pseudonym), office.sources())
    assert read_by_a_stranger(made, office).verdict == "established"
    assert json.loads(made.data)["evidence"]["stated"]["calls"] == 0


def test_usage_with_a_bill(office: Office):
    book = office.book
    office.open("Alpha")
    book.prices(office.signer, price=700)
    book.time += MINUTE
    for _ in range(3):
        book.call("Alpha")
    customer = office.customers.all()[0].pseudonym
    book.time = BEGIN + DAY
    book.add({"kind": "storage/1", "customer": customer, "day": "2026-01-01", "faces": 5, "users": 0})
    book.time = BEGIN + 40 * DAY
    end = BEGIN + 31 * DAY
    made = export(claim("usage", customer=customer, begin=BEGIN, end=end), office.sources())
    verdict = read_by_a_stranger(made, office)
    assert verdict.verdict == "established", verdict
    (bill,) = json.loads(made.data)["evidence"]["stated"]["bills"]
    assert bill["month"] == "2026-01" and bill["totals"] == {"USD": 2100}
    assert "storage/1" in kinds_of(made)
    short = export(claim("usage", customer=customer, begin=BEGIN + 35 * DAY, end=BEGIN + 36 * DAY), office.sources())
    assert "storage/1" not in kinds_of(short)


def test_a_period_that_has_not_ended(office: Office):
    busy(office)
    later = claim("usage", customer=office.customers.all()[0].pseudonym, end=office.book.time + DAY)
    with pytest.raises(EvidenceError, match="not ended"):
        export(later, office.sources())


def test_a_customer_that_the_log_does_not_know(office: Office):
    with pytest.raises(EvidenceError, match="no such customer"):
        export(claim("not-used", customer="A" * 43), office.sources())


@pytest.mark.parametrize("erased", [False, True])
def test_without_books_or_after_an_erasure_nothing_is_opened(office: Office, erased: bool):
    busy(office)
    customer = office.customers.all()[0]
    if erased:
        office.customers.erase_customer(customer.id)
        office.enter()
    sources = office.sources() if erased else office.sources(customers=None)
    made = export(claim("usage", customer=customer.pseudonym), sources)
    assert read_by_a_stranger(made, office).verdict == "established"
    assert b"Alpha" not in made.data
    call = next(entry for entry in entries_of(made) if entry["kind"] == "call/1")
    one = export(claim("decision", request=call["request"]), sources)
    assert read_by_a_stranger(one, office).verdict == "established"
    assert json.loads(one.data)["evidence"]["openings"] == []


def test_a_customer_with_two_identities_opens_both(office: Office):
    customer = office.open("Alpha")
    office.book.call("Alpha")
    office.customers.update_customer(customer.id, name="Alpha Holding", owners=[Owner(name="Omega", country="CY")])
    office.enter()
    office.book.call("Alpha")
    made = export(claim("usage", customer=customer.pseudonym), office.sources())
    verdict = read_by_a_stranger(made, office)
    assert verdict.verdict == "established"
    assert sum("“Alpha Holding”" in sentence or "“Alpha”" in sentence for sentence in verdict.established) == 2


# decision


def test_decision(office: Office):
    office.open("Alpha")
    office.collections = ["other", "staff"]
    index = office.book.call("Alpha", "SearchFacesByImage", collection=office.book.collection("Alpha", "staff"))
    request = f"request-{index}"
    made = export(claim("decision", request=request), office.sources())
    verdict = read_by_a_stranger(made, office)
    assert verdict.verdict == "established"
    text = "\n".join(verdict.established)
    assert "staff" in text and "“Alpha”" in text and office.customers.keys()[0].id in text
    assert kinds_of(made) == ["log/1", "start/1", "customer/1", "call/1"]


def test_a_decision_opens_only_the_identity_that_was_in_force(office: Office):
    customer = office.open("Alpha")
    index = office.book.call("Alpha")
    office.customers.update_customer(customer.id, name="Renamed")
    office.enter()
    made = export(claim("decision", request=f"request-{index}"), office.sources())
    assert read_by_a_stranger(made, office).verdict == "established"
    assert b"Renamed" not in made.data


def test_a_decision_without_a_collection_that_may_be_named(office: Office):
    office.open("Alpha")
    office.book.add({"kind": "erasure/1", "subject": "face", "request": "request-7"})  # not the call itself
    index = office.book.call("Alpha", collection=office.book.collection("Alpha", "staff"))
    assert index == 7
    plain = Sources(data=office.folder, signer=office.signer, customers=office.customers, act=office.act)
    office.publish()
    made = export(claim("decision", request="request-7"), plain)
    assert read_by_a_stranger(made, office).verdict == "established"
    assert b"staff" not in made.data


def test_a_decision_that_is_not_in_the_log(office: Office):
    busy(office)
    made = export(claim("decision", request="request-999"), office.sources())
    assert read_by_a_stranger(made, office).verdict == "not-established"


def test_a_decision_is_looked_for_in_a_period(office: Office):
    times = busy(office)
    calls = [json.loads(data) for data in office.book.entries if b"call/1" in data]
    for call in calls:
        inside = times["second"] <= call["time"] < times["third"]
        made = export(
            claim("decision", request=call["request"]), office.sources(), begin=times["second"], end=times["third"]
        )
        assert (read_by_a_stranger(made, office).verdict == "established") is inside


# erased


def enrolled(office: Office) -> str:
    office.open("Alpha")
    office.open("Beta")
    book = office.book
    collection = book.collection("Alpha", "staff")
    book.call("Alpha", "IndexFaces", enrolled=[book.tag("face-1"), book.tag("face-2")], collection=collection)
    return collection


def alpha(office: Office) -> str:
    return office.book.customers["Alpha"].pseudonym


ERASURES: list[tuple[Callable[[Office, str], object], bool]] = [
    (lambda office, there: None, False),
    (lambda office, there: office.book.call("Alpha", "DeleteFaces", erased=[office.book.tag("face-1")]), True),
    (lambda office, there: office.book.call("Alpha", "DeleteFaces", erased=[office.book.tag("face-2")]), False),
    (lambda office, there: office.book.call("Alpha", "DeleteCollection", collection=there), True),
    (lambda office, there: office.book.call("Beta", "DeleteCollection", collection=there), False),
    (
        lambda office, there: office.book.call(
            "Alpha", "DeleteCollection", outcome="error", error="X", units=0, collection=there
        ),
        False,
    ),
    (
        lambda office, there: office.book.call(
            "Alpha", "DeleteCollection", collection=office.book.collection("Alpha", "visitors")
        ),
        False,
    ),
    (
        lambda office, there: office.book.add(
            {"kind": "erasure/1", "subject": "face", "faces": [office.book.tag("face-1")]}
        ),
        True,
    ),
    (
        lambda office, there: office.book.add(
            {"kind": "erasure/1", "subject": "customer", "customer": alpha(office), "removed": {"faces": 2}}
        ),
        True,
    ),
    (
        lambda office, there: office.book.add(
            {"kind": "erasure/1", "subject": "customer", "customer": alpha(office), "removed": {"keys": 2}}
        ),
        False,
    ),
]


@pytest.mark.parametrize(("erase", "holds"), ERASURES, ids=range(len(ERASURES)))
def test_erased(office: Office, erase: Callable[[Office, str], object], holds: bool):
    collection = enrolled(office)
    erase(office, collection)
    made = export(claim("erased", face="FACE-1"), office.sources())
    verdict = read_by_a_stranger(made, office)
    assert verdict.verdict == ("established" if holds else "not-established"), verdict


def test_a_face_that_the_log_never_had(office: Office):
    enrolled(office)
    made = export(claim("erased", face="face-9"), office.sources())
    assert read_by_a_stranger(made, office).verdict == "not-established"


# whatever the claim


def test_what_cannot_be_exported(office: Office):
    with pytest.raises(EvidenceError, match="moratorium-kept"):
        export(claim("moratorium-kept", policy="p"), office.sources())


def test_the_file_is_canonical_and_changes_are_found(office: Office):
    populated(office)
    made = export(claim("never-served", subject="Gamma"), office.sources())
    assert canonical(json.loads(made.data)) + b"\n" == made.data
    for at in range(0, len(made.data), 97):
        changed = made.data[:at] + bytes([made.data[at] ^ 1]) + made.data[at + 1 :]
        assert verify(changed, log_key=str(office.signer.verifier)).verdict == "invalid"


def test_a_file_that_would_be_too_large(office: Office):
    view = office.sources().view()
    wanted, options = claim("decision", request="x"), {"made": 1, "signer": office.signer}
    size = len(write(wanted, Collected(view), **options))
    assert len(write(wanted, Collected(view), **options, most=size)) == size
    with pytest.raises(EvidenceError, match="shorter period"):
        write(wanted, Collected(view), **options, most=size - 1)


def test_an_entry_that_is_none_is_said_to_be_the_logs_fault(office: Office):
    busy(office)
    customer = office.customers.all()[0].pseudonym
    office.book.entries.append(b'{"customer":"%s"}' % customer.encode())
    with pytest.raises(EvidenceDamaged, match="audit the log"):
        export(claim("usage", customer=customer), office.sources())


def test_an_act_that_was_not_published_is_noticed(office: Office):
    populated(office)
    with pytest.raises(EvidenceDamaged, match="is not among them"):
        export(claim("never-served", subject="Gamma"), office.sources(act=lambda _: 10_000))


def test_a_folder_without_a_log(office: Office, tmp_path):
    sources: Sources = replace(office.sources(), data=tmp_path / "nothing")
    with pytest.raises(LedgerError):
        export(claim("decision", request="x"), sources)


def test_two_calls_of_one_request_are_handed_out_to_nobody(office: Office):
    """The operator enters a second decision of a request and would show the one that suits."""
    office.open("Alpha")
    first = office.book.call("Alpha", request="twice")
    office.book.call("Alpha", request="once")
    second = office.book.denied("Alpha", request="twice")
    with pytest.raises(EvidenceDamaged, match=f"entries {first} and {second}, so that neither shows"):
        export(claim("decision", request="twice"), office.sources())
    assert export(claim("decision", request="once"), office.sources()).verdict.verdict == "established"


def test_a_map_of_the_future_is_handed_out_to_nobody(office: Office):
    """The server's clock runs ahead; the exporter's own verification, by its clock, says so."""
    sources = office.sources(clock=lambda: BEGIN / 1000 + 60)
    office.book.time = BEGIN + 400 * DAY
    with pytest.raises(EvidenceDamaged, match="it is from the future"):
        export(claim("never-served", subject="Gamma"), sources)
