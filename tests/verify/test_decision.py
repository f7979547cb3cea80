"""The claim decision."""

from __future__ import annotations

import pytest

from candid_verify import verify
from candid_verify.commitments import Opening


def judged(world, evidence):
    return verify(world.seal(evidence), log_key=world.key)


def says(sentences, words):
    return any(words in each for each in sentences)


def test_allowed_with_all_that_can_be_opened(world):
    verdict = judged(world, world.decision(world.first))
    assert verdict.verdict == "established"
    for words in (
        "the operation “IndexFaces”, call number 1", "allowed by the rule “cleared”", "1 unit of “image-group-1”",
        "“enrolled” 3", "“m” “1” (SHA-256 00", "rules were stated at that start; the rule of this call is one of them",
        "key is “AKIA1”", "collection is “visitors”", "“Acme Trading B.V.”",
    ):  # fmt: skip
        assert says(verdict.established, words), words
    assert verdict.as_of == "2025-11-01T00:00:00.010Z"


@pytest.mark.parametrize(("place", "words"), [(1, "denied by the rule"), (2, "outcome is error with the error “X”")])
def test_denied_and_failed(world, place, words):
    assert says(judged(world, world.decision(world.calls[place])).established, words)


def test_with_nothing_opened(world):
    evidence = world.decision(world.first)
    evidence["openings"] = []
    verdict = judged(world, evidence)
    assert verdict.verdict == "established"
    assert says(verdict.not_established, "does not open the pseudonym")


def test_no_such_call(world):
    verdict = judged(world, world.evidence({"name": "decision", "request": "none"}, []))
    assert verdict.verdict == "not-established"
    assert says(verdict.not_established, "has no entry of it")


@pytest.mark.parametrize(
    ("rule", "policy", "words"),
    [("unheard of", "policy-1", "is not one of them"), ("cleared", "policy-2", None)],
)
def test_rules_that_the_start_does_not_have(small_log, rule, policy, words):
    call = small_log.call("A" * 43, decision={"allowed": True, "rule": rule, "policy": policy})
    claim = {"name": "decision", "request": small_log.entries[call]["request"]}
    verdict = judged(small_log, small_log.evidence(claim, [1, call]))
    assert verdict.verdict == "established"
    assert says(verdict.established, "rules were stated") == (words is not None)
    assert words is None or says(verdict.established, words)


def test_the_same_id_twice_is_left_to_the_audit(world):
    allowed = judged(world, world.decision(world.first))
    assert says(allowed.not_established, "no other entry of the log has this request's id")
    denied = judged(world, world.decision(world.calls[1]))
    assert says(denied.established, "It was decided in the run") and not says(denied.established, "served")


@pytest.mark.parametrize(("before", "fine"), [(600_000, True), (600_001, False), (-1, False)])
def test_a_call_that_began_long_before_it_ended(small_log, before, fine):
    call = small_log.call("A" * 43, started=small_log.now + 1 - before)
    claim = {"name": "decision", "request": small_log.entries[call]["request"]}
    verdict = judged(small_log, small_log.evidence(claim, [1, call]))
    assert verdict.verdict == ("established" if fine else "invalid")
    assert fine or "a call takes ten minutes at most" in verdict.reason


def test_another_request(world):
    evidence = world.decision(world.first)
    evidence["claim"]["request"] = "request-1000"
    assert "another request" in judged(world, evidence).reason


def test_no_start_or_another(world, small_log):
    evidence = world.evidence(world.decision(world.first)["claim"], [world.first])
    assert "lacks the entry start/1" in judged(world, evidence).reason
    call = small_log.call("A" * 43, run=0)
    claim = {"name": "decision", "request": small_log.entries[call]["request"]}
    assert "another run" in judged(small_log, small_log.evidence(claim, [1, call])).reason


@pytest.mark.parametrize(
    "value", [{"kind": "collection", "value": "x"}, {"kind": "key"}, "key", {"kind": "key", "value": 1}]
)
def test_an_opening_of_another_kind(small_log, value):
    opening = Opening(bytes(32), value)
    small_log.openings[opening.commitment] = opening
    call = small_log.call("A" * 43, key=opening.commitment)
    claim = {"name": "decision", "request": small_log.entries[call]["request"]}
    evidence = small_log.evidence(claim, [1, call], openings=[opening.commitment])
    assert "opening of the call's key" in judged(small_log, evidence).reason


def test_openings_in_another_order_twice_or_of_nothing(world):
    openings = world.decision(world.first)["openings"]
    unnamed = [{name: value for name, value in openings[0].items() if name != "for"}, *openings[1:]]
    for changed in (openings[::-1], [openings[0], *openings], unnamed):
        evidence = world.decision(world.first) | {"openings": changed}
        assert "are not by the rising commitments" in judged(world, evidence).reason


def test_openings_that_are_not_needed(world):
    evidence = world.decision(world.calls[3])
    evidence["openings"] = world.decision(world.first)["openings"]
    assert "an opening for which" in judged(world, evidence).reason


def test_texts_of_the_operator_stay_within_their_quotation_marks(small_log):
    call = small_log.call("A" * 43, operation="X” was never made. “\u202eY\n" + "z" * 300)
    claim = {"name": "decision", "request": small_log.entries[call]["request"]}
    verdict = judged(small_log, small_log.evidence(claim, [1, call]))
    assert says(verdict.established, "the operation “X' was never made. '\ufffdY\ufffdzzz")
    assert not says(verdict.established, "z" * 201)
