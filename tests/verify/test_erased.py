"""The claim erased."""

from __future__ import annotations

import pytest

from candid_verify import verify

ESTABLISHED = [
    (lambda world: world.erased("face-1", world.deleted), "by its own tag"),
    (lambda world: world.erased("FACE-1", world.first, world.deleted), "the face was enrolled"),
    (lambda world: world.erased("face-2", world.erasure), "by its own tag"),
    (lambda world: world.erased("face-2", world.first, world.erasure, world.dropped), "by its own tag"),
    (lambda world: world.erased("face-3", world.first, world.dropped), "the collection that it had been enrolled in"),
    (lambda world: world.erased("face-3", world.first, world.gone), "customer that had enrolled it was erased"),
]
NOT_ESTABLISHED = [
    lambda world: world.erased("face-1", world.first),
    lambda world: world.erased("face-9"),
]
INVALID = [
    (lambda world: world.erased("face-9", world.deleted), "says nothing of this face"),
    (lambda world: world.erased("face-3", world.dropped), "says nothing of this face"),
    (lambda world: world.erased("face-3", world.gone), "says nothing of this face"),
    (lambda world: world.erased("face-3", world.first, world.calls[1]), "says nothing of this face"),
    (lambda world: world.erased("face-1", world.first, world.deleted, world.last_state), "has no place"),
    (lambda world: {**world.erased("face-1", world.deleted), "keys": []}, "other labels"),
    (lambda world: {**world.erased("face-1", world.deleted), "keys": world.erased("face-2")["keys"]}, "other labels"),
    (
        lambda world: {**world.erased("face-1", world.deleted), "claim": {"name": "erased", "face": "face-2"}},
        "other labels",
    ),
]


def judged(world, evidence):
    return verify(world.seal(evidence), log_key=world.key)


@pytest.mark.parametrize(("make", "words"), ESTABLISHED)
def test_erased(world, make, words):
    verdict = judged(world, make(world))
    assert verdict.verdict == "established", verdict
    assert any(words in each for each in verdict.established)
    assert any("disks and in backups" in each for each in verdict.not_established)


@pytest.mark.parametrize("make", NOT_ESTABLISHED)
def test_not_erased(world, make):
    assert judged(world, make(world)).verdict == "not-established"


@pytest.mark.parametrize(("make", "why"), INVALID)
def test_what_does_not_belong(world, make, why):
    verdict = judged(world, make(world))
    assert verdict.verdict == "invalid"
    assert why in verdict.reason


def test_enrolled_again(small_log):
    tag = small_log.tag("f")
    first = small_log.call("A" * 43, enrolled=[tag])
    gone = small_log.call("A" * 43, erased=[tag])
    again = small_log.call("A" * 43, enrolled=[tag])
    assert judged(small_log, small_log.erased("f", first, gone)).verdict == "established"
    assert judged(small_log, small_log.erased("f", first, gone, again)).verdict == "not-established"


@pytest.mark.parametrize(
    "change",
    [
        {"collection": "B" * 43},
        {"customer": "B" * 43},
        {"operation": "DescribeCollection"},
        {"outcome": "denied"},
        {"outcome": "error"},
    ],
)
def test_only_the_collection_itself_and_only_if_it_was_deleted(small_log, change):
    collection = "C" * 42 + "A"
    one = small_log.call("A" * 43, enrolled=[small_log.tag("f")], collection=collection)
    change = {key: value.replace("B" * 43, "B" * 42 + "A") for key, value in change.items()}
    customer = change.pop("customer", "A" * 43)
    other = small_log.call(customer, **{"operation": "DeleteCollection", "collection": collection, **change})
    assert judged(small_log, small_log.erased("f", one, other)).verdict == "invalid"


@pytest.mark.parametrize("removed", [None, {}, {"faces": 0}, {"users": 3}])
def test_a_customer_erased_without_faces(small_log, removed):
    one = small_log.call("A" * 43, enrolled=[small_log.tag("f")])
    more = {} if removed is None else {"removed": removed}
    gone = small_log.add("erasure/1", subject="customer", customer="A" * 43, **more)
    assert judged(small_log, small_log.erased("f", one, gone)).verdict == "invalid"
