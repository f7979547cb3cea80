"""Identity labels: forms of names, numbers, and that each label is found again by whoever makes it anew."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from candid_verify import labels
from candid_verify.errors import LabelError
from candid_verify.label_tables import tables
from candid_verify.labels import (
    Party,
    check_country,
    country_label,
    label_value,
    labels_of,
    lei_label,
    name_forms,
    name_labels,
    parties,
    registration_labels,
)

FORMS = [
    ("Acme Trading B.V.", "acme trading bv", "acme trading bv", "acme trading", "acme trading"),
    ("ACME  TRADING, bv", "acme trading bv", "acme trading bv", "acme trading", "acme trading"),
    ("Société Générale S.A.", "société générale sa", "societe generale sa", "societe generale", "generale societe"),
    ("ООО «Ромашка»", "ооо ромашка", "ooo romashka", "romashka", "romashka"),
    (
        "Straße & Söhne GmbH & Co. KG",
        "strasse söhne gmbh co kg",
        "strasse sohne gmbh co kg",
        "strasse sohne",
        "sohne strasse",
    ),
    ("O’Neill", "oneill", "oneill", "oneill", "oneill"),
    ("Ｆｕｌｌ　Ｗｉｄｔｈ", "full width", "full width", "full width", "full width"),
    ("Limited", "limited", "limited", "limited", "limited"),
    ("北京公司", "北京公司", "北京公司", "北京公司", "北京公司"),
    ("Ελλάδα ΑΕ", "ελλάδα αε", "ellada ae", "ellada ae", "ae ellada"),
]


@pytest.mark.parametrize(("name", "plain", "latin", "core", "in_order"), FORMS)
def test_forms(name, plain, latin, core, in_order):
    assert name_forms(name) == {"plain": plain, "latin": latin, "core": core, "sorted": in_order}


@settings(deadline=None)
@given(st.text(max_size=30))
def test_forms_of_anything_are_stable(name):
    try:
        forms = name_forms(name)
    except LabelError:
        return
    assert tuple(forms) == labels.FORMS
    assert all(value == " ".join(value.split()) and value for value in forms.values())
    assert name_forms(forms["core"])["core"] == forms["core"]
    assert name_forms(name.upper())["latin"] == name_forms(name.upper().lower())["latin"]


@pytest.mark.parametrize("name", ["", " ", "--", "«»", "\n", "\u0301"])
def test_a_name_without_letters(name):
    with pytest.raises(LabelError, match="cannot be looked up"):
        name_forms(name)


def test_numbers_with_and_without_zeroes_and_country():
    made = set(registration_labels("00-12.3x", "nl"))
    wanted = {f"candid-label/1\nregistration\n{each}".encode() for each in ("00123X", "123X", "00123X\nNL", "123X\nNL")}
    assert made == wanted
    assert registration_labels("000", None) == [
        b"candid-label/1\nregistration\n000",
        b"candid-label/1\nregistration\n0",
    ]
    with pytest.raises(LabelError):
        registration_labels("-", None)


def test_lei_and_country():
    assert lei_label("abcdefghijklmnopqr 30") == b"candid-label/1\nlei\nABCDEFGHIJKLMNOPQR30"
    assert country_label(" nl ") == b"candid-label/1\ncountry\nNL"
    for bad in ("NLD", "N1", "", "ñl"):
        with pytest.raises(LabelError):
            check_country(bad)
    with pytest.raises(LabelError):
        lei_label("ABCDEFGHIJKLMNOPQRST")


LEIS = ["5493001KJTIIGC8Y1R12", "5299000J2N45DDNE4Y28", "529900T8BM49AURSDO55"]


@pytest.mark.parametrize("lei", LEIS)
def test_a_lei_with_a_wrong_character_is_none(lei):
    assert lei_label(lei)
    for place in range(20):
        for other in "0123456789" if lei[place].isdigit() else "ABCDEFGHIJKLMNOPQRSTUVWXYZ":
            changed = lei[:place] + other + lei[place + 1 :]
            if changed != lei:
                with pytest.raises(LabelError, match="is no LEI"):
                    lei_label(changed)


@pytest.mark.parametrize("digits", ["00", "01", "99"])
def test_check_digits_that_are_never_given(digits):
    """ISO 7064's are 02 to 98; others have the same remainder as one of those."""
    made = [f"{number:018}{digits}" for number in range(1000)]
    assert any(int(each) % 97 == 1 for each in made)
    for each in made:
        with pytest.raises(LabelError):
            lei_label(each)


@pytest.mark.parametrize("country", ["UK", "XX", "EU", "ß", "SU", "AA"])
def test_a_country_that_is_not_assigned(country):
    with pytest.raises(LabelError, match="is no country code of ISO 3166-1"):
        check_country(country)
    with pytest.raises(LabelError):
        labels_of(Party("Acme", None, ((country, "12"),)))


def test_the_tables_for_other_programs_are_ours():
    published = json.loads((Path(__file__).parents[2] / "docs" / "labels.json").read_text("utf-8"))
    assert published == {"version": labels.VERSION, **tables()}


def test_labels_of_parties_are_each_there_once():
    party = Party("Acme", "NL", (("NL", "12"), (None, "12")), "ABCDEFGHIJKLMNOPQR30")
    made = labels_of(party)
    assert len(made) == len(set(made)) == 4 + 4 + 2 + 1 + 1
    assert set(name_labels("Acme") + name_labels("Acme", "NL") + [country_label("NL")]) < set(made)
    assert labels_of(Party(None)) == []
    assert parties([party, Party("Acme"), Party("Other")]) == [*made, *name_labels("Other")]


def test_no_two_facts_share_a_label():
    """What one line of a label says cannot be said by another fact of other lines."""
    assert name_labels("12", "NL")[0] != name_labels("12\nNL")[0]
    assert all(label.count(b"\n") == 2 for label in name_labels("a\nb\nc"))


def test_values_chain():
    first = label_value(None, bytes(32))
    assert label_value(bytes(32), bytes(32)) == first
    assert len({first, label_value(first, bytes(32)), label_value(first, bytes([1]) * 32)}) == 3
