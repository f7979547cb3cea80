"""An entry against the receipt and the reply: each thing that can differ, one at a time."""

from __future__ import annotations

import pytest
from tests.client.conftest import NOW, Operator, call_entry, reply

from candid.client.errors import BrokenWord
from candid.client.promise import NEAR_MS, check_promise
from candid.ledger.receipt import Receipt
from candid.ledger.sequencer import Sequenced
from candid.ledger.tree import hash_leaf
from candid_verify.canonical import encode_bytes
from candid_verify.entries import write_entry

DENIAL = {"allowed": False, "rule": "customer_is_open", "policy": "candid-rules/1"}
QUOTA = DENIAL | {"rule": "quota"}
DENIED = {"status": 400, "error": "AccessDeniedException"}
FAILED = {"status": 400, "error": "InvalidParameterException"}
NOT_OK = {"outcome": "error", "units": 0, "error": "InvalidParameterException"}


def receipt_for(data: bytes, *, time: int = NOW * 1000) -> Receipt:
    return Receipt("candid.local/test", Sequenced(17, hash_leaf(data), time))


def promised(entry: dict, seen: dict, **options) -> dict:
    data = call_entry(1, **entry)
    return check_promise(data, receipt_for(data), reply(1, **seen), **options)


@pytest.mark.parametrize(
    ("entry", "seen"),
    [
        ({}, {}),
        ({"operation": "ListFaces", "meter": "free"}, {"operation": "ListFaces", "asked": None}),
        ({"operation": "Later", "meter": "minutes", "units": 7}, {"operation": "Later", "asked": None}),
        ({"outcome": "denied", "units": 0, "decision": DENIAL, "error": "AccessDeniedException"}, DENIED),
        ({"outcome": "denied", "units": 0, "decision": DENIAL}, DENIED),
        ({"outcome": "denied", "units": 0, "decision": QUOTA, "error": "AccessDeniedException"}, DENIED),
        (NOT_OK, FAILED),
        ({"time": NOW * 1000 - NEAR_MS, "started": NOW * 1000 - NEAR_MS}, {"time": NOW * 1000 - NEAR_MS}),
        ({"started": NOW * 1000 - NEAR_MS}, {}),
        ({"started": NOW * 1000}, {}),
        ({}, {"time": NOW * 1000 + NEAR_MS}),
    ],
)
def test_what_agrees(entry: dict, seen: dict) -> None:
    assert promised(entry, seen)["request"] == "request-1"


@pytest.mark.parametrize(
    ("entry", "seen", "reason"),
    [
        ({"request": "request-2"}, {}, "of request request-2: a receipt of another call"),
        ({}, {"request": None}, "a receipt of another call"),
        ({"operation": "CompareFaces"}, {}, "says that CompareFaces was called, not DetectFaces"),
        ({"outcome": "denied"}, {}, "contradicts itself: outcome denied, allowed true"),
        ({"decision": DENIAL}, {}, "contradicts itself: outcome ok, allowed false"),
        ({"outcome": "denied", "decision": DENIAL, "units": 0}, {}, "outcome denied, and the caller got an answer"),
        (NOT_OK, {}, "outcome error, and the caller got an answer"),
        ({}, FAILED, "outcome ok, and the caller got the error InvalidParameterException"),
        (NOT_OK, DENIED, "the caller was denied, and the entry has no denial"),
        (NOT_OK, FAILED | {"error": "ThrottlingException"}, "error InvalidParameterException, and the caller got Thr"),
        ({"meter": "image-group-1"}, {}, "metered as image-group-1, and the call was image-group-2"),
        ({"units": 2}, {}, "has 2 units, and 1 were asked for"),
        ({"units": 0}, {}, "has 0 units, and 1 were asked for"),
        (NOT_OK | {"units": 1}, FAILED, "has 1 units, and 0 were"),
        (NOT_OK | {"units": 1}, FAILED | {"asked": None}, "has 1 units, and 0 were"),
        ({}, {"time": NOW * 1000 + NEAR_MS + 1}, "the entry says 2027-01-15T08:00:00Z, and the reply came at"),
        ({"time": NOW * 1000 - NEAR_MS - 1}, {}, "and the receipt is of 2027-01-15T08:00:00Z"),
        ({"started": NOW * 1000 - NEAR_MS - 1}, {}, "took from 2027-01-15T07:49:59Z to 2027-01-15T08:00:00Z: too long"),
        ({"started": NOW * 1000 + 1}, {}, "the call began at 2027-01-15T08:00:00Z, after it ended at"),
        ({"time": 2**53 - 1}, {}, "the entry says 9999-12-31T23:59:59Z"),
    ],
)
def test_what_does_not(entry: dict, seen: dict, reason: str) -> None:
    with pytest.raises(BrokenWord) as caught:
        promised(entry, seen)
    assert reason in str(caught.value)


def test_another_entry_another_kind_and_none() -> None:
    data = call_entry(1)
    with pytest.raises(BrokenWord, match="shows another entry at index 17"):
        check_promise(call_entry(2), receipt_for(data), None)
    other = write_entry({"kind": "resumed/1", "time": NOW * 1000, "since": 1, "refused": 1})
    with pytest.raises(BrokenWord, match="no call but resumed/1"):
        check_promise(other, receipt_for(other), None)
    with pytest.raises(BrokenWord, match="entry 17 cannot be read"):
        check_promise(b"{}", receipt_for(b"{}"), None)


def test_a_receipt_alone_and_its_customer(operator: Operator) -> None:
    data = call_entry(1)
    own, other = encode_bytes(bytes(32)), encode_bytes(bytes([1]) * 32)
    assert check_promise(data, receipt_for(data), None, customer=own)["customer"] == own
    with pytest.raises(BrokenWord, match="of another customer"):
        check_promise(data, receipt_for(data), None, customer=other)
