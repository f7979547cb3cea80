"""The claim never-served, both ways."""

from __future__ import annotations

import pytest

from candid_verify import verify
from candid_verify.canonical import encode_bytes


def judged(world, **claim):
    return verify(world.seal(world.never_served(**claim)), log_key=world.key)


ABSENT = [
    {"subject": "Nobody Ltd"},
    {"subject": "Nobody Ltd", "country": "NL"},
    {"country": "FR"},
    {"registration": "999"},
    {"registration": "999", "country": "NL"},
    {"lei": "ZZZZZZZZZZZZZZZZZZ40"},
    {"subject": "Nobody Ltd", "registration": "999", "lei": "ZZZZZZZZZZZZZZZZZZ40", "country": "FR"},
]
PRESENT = [
    ({"subject": "acme trading bv"}, "“acme trading bv” as it is written"),
    ({"subject": "Trading ACME GmbH"}, "words in alphabetical order"),
    ({"subject": "Ivanov Petr"}, "in Latin letters"),
    ({"subject": "Petr Ivanov"}, "alphabetical order"),
    ({"country": "RU"}, "the country “RU”"),
    ({"registration": "123456"}, "number “123456”"),
    ({"registration": "00123456", "country": "NL"}, "“00123456”, of NL"),
    ({"registration": "HRB77", "country": "DE"}, "number “HRB77”"),
    ({"lei": "ABCDEFGHIJKLMNOPQR30"}, "LEI “ABCDEFGHIJKLMNOPQR30”"),
]


@pytest.mark.parametrize("claim", ABSENT)
def test_absent(world, claim):
    verdict = judged(world, **claim)
    assert (verdict.verdict, verdict.exit_code, verdict.reason) == ("established", 0, None)
    assert "there is no customer" in verdict.established[0]
    assert verdict.tree_size == len(world.entries)
    assert any("replays the whole log" in each for each in verdict.not_established)
    assert any("another copy of the software" in each for each in verdict.not_established)


@pytest.mark.parametrize(("claim", "form"), PRESENT)
def test_present(world, claim, form):
    verdict = judged(world, **claim)
    assert (verdict.verdict, verdict.exit_code) == ("not-established", 1)
    assert form in verdict.established[0]
    assert "an owner of a customer" in verdict.established[1]


def test_present_but_of_another_country(world):
    verdict = judged(world, subject="Acme Trading", country="FR")
    assert verdict.verdict == "not-established"
    assert any("not as one of FR" in each for each in verdict.not_established)
    assert not any("not as one of" in each for each in judged(world, subject="Acme", country="NL").not_established)


def test_what_holds_only_if_the_map_was_kept_by_its_rules(world):
    absent, there = judged(world, subject="Nobody Ltd"), judged(world, subject="Acme Trading")
    for words in ("If this one was kept by that rule", "the same holds of all times before"):
        assert any(words in each for each in absent.established)
    assert any("So, if the map was kept by its rules" in each for each in there.established)
    for verdict in (absent, there):
        assert any("candid evidence audit --openings" in each for each in verdict.not_established)


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        ({"subject": "Nоbody Ltd"}, "U+043E (CYRILLIC SMALL LETTER O)"),
        ({"subject": "Müller"}, "“Müller” was looked up as it is written"),
        ({"country": "FR"}, "Who is of FR by a registration in a register there"),
        ({"country": "FR", "to": 1}, "Who is of FR by a registration in a register there"),
    ],
)
def test_what_its_reader_may_not_think_of(world, claim, words):
    for other in (claim, {"subject": "Plain", "country": "FR"}):
        verdict = judged(world, **other)
        assert verdict.verdict == "established"
        assert any(words in each for each in verdict.not_established) is (other is claim)


def test_forms_are_called_what_they_are(world):
    assert any("“北京” without marks;" in each for each in judged(world, subject="北京").established)
    assert any("“nobody” in Latin letters" in each for each in judged(world, subject="Nobody").established)
    assert any("absent: 1 label: the country “FR”." in each for each in judged(world, country="FR").established)


@pytest.mark.parametrize("country", ["UK", "XX"])
def test_a_country_that_there_is_not(world, country):
    evidence = world.never_served(subject="Nobody", country="NL")
    evidence["claim"]["country"] = country
    verdict = verify(world.seal(evidence), log_key=world.key)
    assert verdict.verdict == "invalid"
    assert "no country code" in verdict.reason


def test_before_anybody_was_opened(world):
    verdict = judged(world, subject="Acme Trading B.V.", state=world.empty_state)
    assert verdict.verdict == "established"
    assert f"Customers opened after entry {world.empty_state}" in verdict.not_established[0]
    assert verdict.as_of.startswith("2025-10-31T23:59:5")


def test_as_of_an_older_state(world):
    assert judged(world, subject="Other GmbH", state=world.early_state).verdict == "established"
    assert judged(world, subject="Other GmbH").verdict == "not-established"


def test_to_wants_a_map_of_that_time(world):
    late = world.entries[world.last_state]["time"]
    assert judged(world, subject="Nobody", to=late).verdict == "established"
    verdict = judged(world, subject="Nobody", to=late + 1)
    assert verdict.verdict == "not-established"
    assert any("before the end of the period" in each for each in verdict.not_established)


def swap_proofs(world, evidence):
    labels = evidence["labels"]
    labels[0]["proof"], labels[1]["proof"] = labels[1]["proof"], labels[0]["proof"]


def drop_label(world, evidence):
    del evidence["labels"][-1]


def label_twice(world, evidence):
    evidence["labels"].append(evidence["labels"][0])


def ask_for_another_name(world, evidence):
    evidence["claim"]["subject"] = "Acme Trading B.V."


def labels_of_another_name(world, evidence):
    evidence["claim"]["subject"] = "Acme Trading B.V."
    other = world.never_served(subject="Nobody Ltd")
    for each, proof in zip(evidence["labels"], other["labels"], strict=True):
        each["proof"] = proof["proof"]


def cut_proof(world, evidence):
    evidence["labels"][0]["proof"] = evidence["labels"][0]["proof"][:40]


def proof_of_an_older_map(world, evidence):
    evidence["labels"] = world.never_served(subject="Nobody Ltd", state=world.early_state)["labels"]


def without_map_entry(world, evidence):
    return world.evidence(evidence["claim"], [world.last_state])


def another_map_entry(world, evidence):
    return world.evidence(evidence["claim"], [world.last_state, world.of_kind("map/1")[0]])


def two_states(world, evidence):
    return world.evidence(evidence["claim"], [world.last_state, world.early_state, world.of_kind("map/1")[-1]])


def no_state(world, evidence):
    return world.evidence(evidence["claim"], [world.of_kind("map/1")[-1]])


def a_name_of_nothing(world, evidence):
    evidence["claim"]["subject"] = "--"


def with_an_opening(world, evidence):
    evidence["openings"] = world.decision(world.first)["openings"][:1]


def with_figures(world, evidence):
    evidence["stated"] = {"calls": 0, "operations": {}, "meters": {}, "bills": []}


def with_a_key(world, evidence):
    evidence["keys"] = world.erased("f")["keys"]


ATTACKS = [
    swap_proofs, drop_label, label_twice, ask_for_another_name, labels_of_another_name, cut_proof,
    proof_of_an_older_map, without_map_entry, another_map_entry, two_states, no_state, a_name_of_nothing,
    with_an_opening, with_figures, with_a_key,
]  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_the_operator_signs_but_does_not_hold(world, attack):
    evidence = world.never_served(subject="Nobody Ltd")
    evidence = attack(world, evidence) or evidence
    verdict = verify(world.seal(evidence), log_key=world.key)
    assert verdict.verdict == "invalid", verdict
    assert verdict.reason


def test_an_empty_map_that_is_not(small_log):
    """The operator states an empty map, though the log has entries of it, or names one with other members."""
    empty = {"version": 0, "root": encode_bytes(bytes(32)), "count": 0}
    small_log.open_customer({"account": "1", "name": "A", "country": "NL", "category": "other", "registrations": [],
                             "owners": []})  # fmt: skip
    index = small_log.of_kind("map/1")[0]
    small_log.add("state/1", map={**empty, "entry": index}, customers=0)
    small_log.add("state/1", map={**empty, "count": 1}, customers=0)
    for state in small_log.of_kind("state/1"):
        stated = small_log.entries[state]["map"]
        evidence = small_log.evidence(
            {"name": "never-served", "country": "FR"}, [state, *([index] if "entry" in stated else [])],
            labels=[b"candid-label/1\ncountry\nFR"], version=0,
        )  # fmt: skip
        assert verify(small_log.seal(evidence), log_key=small_log.key).verdict == "invalid"


def test_a_state_before_the_map_it_names(small_log):
    small_log.add("state/1", map={"version": 0, "root": encode_bytes(bytes(32)), "count": 0, "entry": 3}, customers=0)
    small_log.add("map/1", version=0, root=encode_bytes(bytes(32)), count=0)
    evidence = small_log.never_served(country="FR")
    assert "is not in the file" in verify(small_log.seal(evidence), log_key=small_log.key).reason


@pytest.mark.parametrize(("member", "value"), [("labels", "candid-labels/9"), ("vrf", encode_bytes(bytes(32)))])
def test_a_log_with_other_labels_or_no_vrf_key(small_log, member, value):
    small_log.entries[0][member] = value
    small_log.state()
    verdict = verify(small_log.seal(small_log.never_served(country="FR")), log_key=small_log.key)
    assert verdict.verdict == "invalid"
    assert "candid-labels/9" in verdict.reason or "VRF key" in verdict.reason
