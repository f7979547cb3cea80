"""The operator, who has the log's key, changes evidence and signs it anew: never is a false claim established."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from candid_verify import verify
from candid_verify.canonical import canonical, encode_bytes

NAMES = ["never-served", "usage", "not-used", "decision", "erased"]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of each value inside."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, each in inner for found in places(each, (*path, key)))]


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


def put(evidence: Any, path: tuple[Any, ...], value: Any) -> None:
    at(evidence, path[:-1])[path[-1]] = value


OTHER_VALUES = st.one_of(
    st.integers(-5, 2**53 - 1), st.booleans(), st.text(st.characters(exclude_categories=["Cs"]), max_size=9),
    st.binary(min_size=32, max_size=32).map(encode_bytes), st.just([]), st.just({}), st.just([1]), st.just({"a": 1}),
)  # fmt: skip
# What only says what the claim is, or when the file was made, may change without the claim becoming false.
FREE = {("made",), ("claim", "to"), ("claim", "from"), ("claim",), ("claim", "subject"), ("claim", "country")}


def exchange(evidence: Any, name: str, data: Any) -> bool:
    """Any value exchanged for another."""
    path = data.draw(st.sampled_from([each for each in places(evidence) if each and each not in FREE]))
    value = data.draw(OTHER_VALUES)
    # Who the customer is may be left out; then nothing is said of it.
    if canonical(at(evidence, path)) == canonical(value) or (path[0] in ("keys", "openings") and value == []):
        return False
    put(evidence, path, copy.deepcopy(value))
    return True


def rearrange(evidence: Any, name: str, data: Any) -> bool:
    """Any member or item left out, doubled or moved."""
    path = data.draw(st.sampled_from([each for each in places(evidence) if each and each not in FREE]))
    parent, what = at(evidence, path[:-1]), data.draw(st.sampled_from(["out", "double", "move"]))
    # Openings in a decision may be left out; then nothing is said of what they open.
    if path[0] == "openings" and name == "decision" and len(path) == 2 and what == "out":
        return False
    if isinstance(parent, dict) or what == "out":
        del parent[path[-1]]
    elif what == "double":
        parent.insert(data.draw(st.integers(0, len(parent))), copy.deepcopy(parent[path[-1]]))
    else:
        before = copy.deepcopy(parent)
        parent.insert(data.draw(st.integers(0, len(parent) - 1)), parent.pop(path[-1]))
        return parent != before
    return True


def rewrite(evidence: Any, name: str, data: Any) -> bool:
    """An entry whose text is canonical, but not what is in the log."""
    each = data.draw(st.sampled_from(evidence["entries"]))
    entry = json.loads(each["entry"])
    path = data.draw(st.sampled_from([path for path in places(entry) if path]))
    near = at(entry, path) + 1 if type(at(entry, path)) is int else 0
    value = data.draw(OTHER_VALUES | st.just(near))
    if canonical(at(entry, path)) == canonical(value):
        return False
    put(entry, path, value)
    each["entry"] = canonical(entry).decode()
    return True


def attack(world, all_evidence, name: str, change: Callable[[Any, str, Any], bool], data: Any) -> None:
    evidence = copy.deepcopy(all_evidence[name])
    if change(evidence, name, data):
        assert verify(world.seal(evidence), log_key=world.key).verdict == "invalid"


CHANGES = st.sampled_from([exchange, rearrange, rewrite])


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(NAMES), CHANGES, st.data())
def test_any_change_is_found(world, all_evidence, name, change, data):
    attack(world, all_evidence, name, change, data)


@pytest.mark.slow
@settings(deadline=None, max_examples=6_000, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(NAMES), CHANGES, st.data())
def test_any_of_many_changes_is_found(world, all_evidence, name, change, data):
    attack(world, all_evidence, name, change, data)


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(NAMES), st.sets(st.integers(0, 26), max_size=26), st.booleans())
def test_any_other_choice_of_true_entries(world, all_evidence, name, chosen, exactly):
    """With a proof that is right: only what the claim needs, no more and no less, establishes it."""
    right = all_evidence[name]
    own = {each["index"] for each in right["entries"]}
    indexes = chosen if exactly else own ^ chosen
    made = world.evidence(right["claim"], sorted(indexes))
    evidence = {**copy.deepcopy(right), "entries": made["entries"], "tree": made["tree"]}
    verdict = verify(world.seal(evidence), log_key=world.key).verdict
    if verdict == "established":
        assert allowed(world, name, {0, *indexes}, own)


def allowed(world, name: str, indexes: set[int], own: set[int]) -> bool:
    """Other choices that do establish the claim, by the rules of the format."""
    if name == "erased":
        return (
            world.deleted in indexes or {world.first, world.dropped} <= indexes or {world.first, world.gone} <= indexes
        )
    # A statement closes a period where the next call does not, if it is not earlier than the period's end.
    return indexes in (own, own - {world.december} | {world.acme_statement})


@pytest.mark.parametrize("name", NAMES)
def test_a_proof_of_a_tree_of_another_size(world, all_evidence, name):
    for size in range(1, len(world.entries)):
        evidence = copy.deepcopy(all_evidence[name])
        evidence["checkpoint"] = world.checkpoint(size=size)
        assert verify(world.seal(evidence), log_key=world.key).verdict == "invalid"
        indexes = [each["index"] for each in evidence["entries"]]
        if indexes[-1] < size:
            evidence["tree"] = world.tree(indexes, size=size)
            assert verify(world.seal(evidence), log_key=world.key).verdict == "established"


@pytest.mark.parametrize("name", NAMES)
def test_the_file_of_another_log_with_the_same_key(world, small_log, all_evidence, name):
    evidence = copy.deepcopy(all_evidence[name])
    evidence["checkpoint"] = small_log.checkpoint()
    assert verify(world.seal(evidence), log_key=world.key).verdict == "invalid"


def test_a_call_with_another_number(world, small_log):
    """A number is altered between two others."""
    customer = "A" * 43
    for _ in range(3):
        small_log.call(customer)
    small_log.entries[3]["number"] = 7
    small_log.statement(customer)
    indexes = small_log.of_kind("call/1", "statement/1")
    evidence = small_log.usage(customer, indexes)
    assert "are missing" in verify(small_log.seal(evidence), log_key=small_log.key).reason


def test_entries_backdated_in_the_log(small_log):
    small_log.call("A" * 43)
    small_log.statement("A" * 43, time=small_log.now - 10)
    evidence = small_log.usage("A" * 43, small_log.of_kind("call/1", "statement/1"))
    assert "is earlier than one before it" in verify(small_log.seal(evidence), log_key=small_log.key).reason


def test_impossible_times(small_log):
    small_log.statement("A" * 43, time=2**53 - 1)
    evidence = small_log.usage("A" * 43, [2])
    assert "impossible" in verify(small_log.seal(evidence), log_key=small_log.key).reason
    for member in ("from", "to"):
        small_log.entries[2]["time"] = small_log.entries[1]["time"]
        evidence = small_log.usage("A" * 43, [2], **{member: 2**53 - 1})
        assert verify(small_log.seal(evidence), log_key=small_log.key).verdict in ("not-established", "established")


def test_a_log_that_begins_as_another(small_log):
    small_log.entries[0]["origin"] = "other.example"
    evidence = small_log.evidence({"name": "decision", "request": "x"}, [])
    assert "begins as the log of other.example" in verify(small_log.seal(evidence), log_key=small_log.key).reason


def test_without_the_first_entry(world):
    evidence = world.erased("face-1", world.deleted)
    evidence["entries"] = evidence["entries"][1:]
    evidence["tree"] = world.tree([world.deleted])
    assert "first entry of the log" in verify(world.seal(evidence), log_key=world.key).reason


def test_a_format_that_is_not_known(world, all_evidence):
    evidence = {**all_evidence["erased"], "format": "candid-evidence/2"}
    assert "another format" in verify(world.seal(evidence), log_key=world.key).reason
