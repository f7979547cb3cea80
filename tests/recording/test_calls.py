"""What is entered of a call: every member, and what does not fit."""

from __future__ import annotations

import pytest
from tests.recording.conftest import Party

from candid.governance import Decision
from candid.ledger import SigningKey
from candid.recording import Outcome, vrf_key
from candid.recording.calls import MOST_TAGS, call_entries, face_tag, late_entries
from candid.recording.draft import Draft
from candid.recording.state import State
from candid_verify.commitments import pseudonym
from candid_verify.entries import parse_entry

VRF = vrf_key(SigningKey.generate("candid.local/test"))
DENIED = Decision(False, "customer_is_open", "this account has been closed")


class QuickVrf:
    """As many different outputs as are asked for; the real function is slow for thousands."""

    def output(self, label):
        return label.rjust(64, b"\0")[-64:][::-1]


def written(entries):
    """As they come out of the log."""
    draft = Draft(State(run=1, clean=False), now=1_900_000_000_000)
    draft.take(lambda draft: [draft.numbered(entries[0]), *entries[1:]])
    return [parse_entry(data) for data in draft.data]


def test_a_plain_call():
    party = Party(1)
    assert call_entries(party.facts(), secret=party.secret, vrf=VRF) == [
        {
            "kind": "call/1",
            "request": "00000000-0000-4000-8000-000000000000",
            "operation": "DetectFaces",
            "customer": party.pseudonym,
            "key": party.key,
            "decision": {"allowed": True, "rule": "open", "policy": "candid-rules/1"},
            "outcome": "ok",
            "meter": "image-group-2",
            "units": 1,
            "started": 1_800_000_000_000,
        }
    ]


def test_every_member():
    party = Party(1)
    facts = party.facts(
        operation="IndexFaces",
        collection="staff",
        counts={"found": 2, "enrolled": 1},
        stored={"faces": 1, "users": 0},
        enrolled=("face-1",),
        erased=("face-2",),
        engine={"detector": 1},
    )
    (entry,) = written(call_entries(facts, secret=party.secret, vrf=VRF))
    assert entry["collection"] == pseudonym("collection", "staff", secret=party.secret).commitment
    assert entry["counts"] == {"found": 2, "enrolled": 1}
    assert entry["stored"] == {"faces": 1}  # what did not change is not told
    assert entry["enrolled"] == [face_tag("face-1", VRF)]
    assert entry["erased"] == [face_tag("face-2", VRF)]
    assert entry["engine"] == {"detector": 1}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"outcome": Outcome.DENIED, "decision": DENIED}, {"outcome": "denied", "units": 0}),
        ({"outcome": Outcome.ERROR, "error": "InvalidImageFormatException"}, {"outcome": "error", "units": 0}),
        ({"key": ""}, {"outcome": "ok", "units": 1}),
    ],
)
def test_outcomes(changes, expected):
    party = Party(1)
    (entry,) = written(call_entries(party.facts(collection="c", **changes), secret=party.secret, vrf=VRF))
    assert {name: entry[name] for name in expected} == expected
    assert ("collection" in entry) == (expected["outcome"] == "ok")
    assert entry.get("error") == changes.get("error")
    assert ("key" in entry) == ("key" not in changes)


def test_an_erased_customer_has_no_pseudonym_for_its_collection():
    assert "collection" not in call_entries(Party(1).facts(collection="c"), secret=None, vrf=VRF)[0]


@pytest.mark.parametrize("count", [1, MOST_TAGS, MOST_TAGS + 1, 2 * MOST_TAGS, 2 * MOST_TAGS + 1])
def test_more_erased_faces_than_fit_are_carried_on(count):
    party = Party(1)
    ids = tuple(f"{number:036}" for number in range(count))
    entries = written(call_entries(party.facts(erased=ids), secret=None, vrf=QuickVrf()))
    assert [entry["kind"] for entry in entries] == ["call/1", *["erasure/1"] * (len(entries) - 1)]
    assert len(entries) == 1 + max(0, count - 1) // MOST_TAGS
    tags = entries[0]["erased"] + [tag for entry in entries[1:] for tag in entry["faces"]]
    assert tags == [face_tag(each, QuickVrf()) for each in ids]
    assert len(set(tags)) == count
    for entry in entries[1:]:
        assert (entry["request"], entry["customer"], entry["subject"]) == (
            entries[0]["request"],
            party.pseudonym,
            "face",
        )


@pytest.mark.parametrize(
    ("changes", "outcome", "error"),
    [
        ({}, "error", "InternalServerError"),
        ({"outcome": Outcome.ERROR, "error": "InvalidImageFormatException"}, "error", "InternalServerError"),
        (
            {"outcome": Outcome.DENIED, "decision": DENIED, "error": "AccessDeniedException"},
            "denied",
            "AccessDeniedException",
        ),
    ],
)
def test_a_call_that_is_entered_late(changes, outcome, error):
    """Its client got an error, so nothing is billed; what was computed and stored is told."""
    party = Party(1)
    ids = tuple(f"{number:036}" for number in range(MOST_TAGS + 1))
    told = {"engine": {"detector": 1}, "stored": {"faces": -1}, "erased": ids, "collection": "c"}
    before = call_entries(party.facts(**told, **changes), secret=party.secret, vrf=QuickVrf())
    entry, erasure = written(late_entries(before))
    assert (entry["outcome"], entry["error"], entry["units"]) == (outcome, error, 0)
    assert "collection" not in entry
    assert (entry["engine"], entry["stored"], len(entry["erased"])) == ({"detector": 1}, {"faces": -1}, MOST_TAGS)
    assert erasure["faces"] == before[1]["faces"]
