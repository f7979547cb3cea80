"""Claims and the labels that they need."""

from __future__ import annotations

import pytest

from candid_verify.canonical import encode_bytes
from candid_verify.claims import CLAIMS, Claim, face_wanted, labels_wanted
from candid_verify.errors import FormatError, LabelError
from candid_verify.labels import country_label, lei_label, name_labels, registration_labels

WHO = encode_bytes(bytes(32))
LEI = "ABCDEFGHIJKLMNOPQR30"

GOOD = [
    {"name": "never-served", "subject": "A"},
    {"name": "never-served", "country": "NL", "to": 5},
    {"name": "usage", "customer": WHO},
    {"name": "usage", "customer": WHO, "from": 1, "to": 2},
    {"name": "not-used", "customer": WHO, "to": 0},
    {"name": "decision", "request": "r"},
    {"name": "erased", "face": "f"},
    {"name": "moratorium-kept", "policy": "p"},
]


@pytest.mark.parametrize("found", GOOD)
def test_reads_what_it_writes(found):
    claim = Claim.from_json(found)
    assert claim.as_json() == found
    assert claim.period == (found.get("from"), found.get("to"))


def test_every_claim_is_tried():
    assert {each["name"] for each in GOOD} == set(CLAIMS)


@pytest.mark.parametrize(
    "found",
    [
        None,
        [],
        "usage",
        {},
        {"name": 1},
        {"name": ["usage"]},
        {"name": "surprise"},
        {"name": "never-served"},
        {"name": "never-served", "to": 5},
        {"name": "never-served", "from": 1, "subject": "A"},
        {"name": "never-served", "country": "nl"},
        {"name": "never-served", "country": "NLD"},
        {"name": "never-served", "country": "UK"},
        {"name": "never-served", "country": "XX", "subject": "A"},
        {"name": "never-served", "country": 1},
        {"name": "never-served", "subject": "A" * 1001},
        {"name": "usage"},
        {"name": "usage", "customer": WHO, "from": 2, "to": 2},
        {"name": "usage", "customer": WHO, "from": True},
        {"name": "usage", "customer": WHO, "more": 1},
        {"name": "decision", "request": ""},
    ],
)
def test_what_is_no_claim(found):
    with pytest.raises(FormatError):
        Claim.from_json(found)


def wanted(**parameters):
    return labels_wanted(Claim("never-served", parameters))


@pytest.mark.parametrize(
    ("parameters", "labels"),
    [
        ({"subject": "Acme B.V."}, name_labels("Acme B.V.")),
        ({"subject": "Acme", "country": "NL"}, name_labels("Acme") + name_labels("Acme", "NL")),
        ({"registration": "007", "country": "NL"}, registration_labels("007", "NL")),
        ({"registration": "7"}, registration_labels("7", None)),
        ({"lei": LEI, "country": "NL"}, [lei_label(LEI)]),
        ({"country": "NL"}, [country_label("NL")]),
        (
            {"subject": "A", "registration": "7", "lei": LEI},
            [*name_labels("A"), *registration_labels("7", None), lei_label(LEI)],
        ),
    ],
)
def test_labels_wanted(parameters, labels):
    assert wanted(**parameters) == labels


@pytest.mark.parametrize("parameters", [{"subject": "--"}, {"registration": "--"}, {"lei": "X"}, {}])
def test_nothing_to_look_up(parameters):
    with pytest.raises(LabelError):
        wanted(**parameters)


def test_a_face_id_in_capitals_is_the_same():
    assert face_wanted(Claim("erased", {"face": "AB"})) == b"candid-face/1\nab"
