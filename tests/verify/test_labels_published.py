"""docs/labels.json and the words of docs/evidence-format.md are enough: the labels made once more from them alone."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from candid_verify.errors import LabelError
from candid_verify.labels import name_labels, registration_labels

TABLES = json.loads((Path(__file__).parents[2] / "docs" / "labels.json").read_text("utf-8"))
FORMS = {tuple(each.split(" ")) for each in TABLES["legal_forms"]}


def nfkc(text):
    return unicodedata.normalize("NFKC", text)


def category(letter):
    return unicodedata.category(letter)[0]


def forms(name):
    plain = ""
    for each in nfkc(nfkc(name).casefold()):
        if each not in TABLES["dropped"]:
            plain += each if category(each) in "LMN" else " "
    plain = " ".join(plain.split())
    bare = "".join(each for each in unicodedata.normalize("NFKD", plain) if category(each) != "M")
    latin = " ".join(nfkc("".join(TABLES["letters"].get(each, each) for each in bare)).split())
    words = latin.split()
    while True:
        fits = [
            (len(form), at_end)
            for form in FORMS
            for at_end, part in ((1, words[-len(form) :]), (0, words[: len(form)]))
            if tuple(part) == form and len(form) < len(words)
        ]
        if not fits:
            break
        count, at_end = max(fits)
        words = words[:-count] if at_end else words[count:]
    return plain, latin, " ".join(words), " ".join(sorted(words))


def labels(name):
    kinds = ("name-plain", "name-latin", "name-core", "name-sorted")
    return [f"candid-label/1\n{kind}\n{value}".encode() for kind, value in zip(kinds, forms(name), strict=True)]


NAMES = [
    "Acme Trading B.V.", "ООО «Ромашка»", "Co Ltd", "GmbH & Co. KG", "Ltd Acme Co Ltd", "Société Générale S.A.",
    "Straße", "Sp. z o.o. Łódź", "北京公司", "The S A Co", "AS SIA SIA", "Müller", "Ｗide",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_names(name):
    assert name_labels(name) == labels(name)


KNOWN = [*TABLES["legal_forms"], *TABLES["letters"]]
WORDS = st.sampled_from(KNOWN) | st.text(max_size=6)


@settings(deadline=None, max_examples=300)
@given(st.lists(WORDS, max_size=6).map(" ".join))
def test_any_name(name):
    try:
        made = name_labels(name)
    except LabelError:
        assert "" in forms(name)[:2]
        return
    assert made == labels(name)


@settings(deadline=None)
@given(st.text(max_size=12))
def test_any_number(number):
    capitals = nfkc(number).upper()
    kept = [each for each in capitals if category(each) == "L" or unicodedata.numeric(each, None) is not None]
    try:
        made = registration_labels(number, None)
    except LabelError:
        assert not kept
        return
    values = dict.fromkeys(("".join(kept), "".join(kept).lstrip("0") or "0"))
    assert made == [f"candid-label/1\nregistration\n{value}".encode() for value in values]
