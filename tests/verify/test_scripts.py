"""Names with letters that are not what they look like."""

from __future__ import annotations

import pytest

from candid_verify.scripts import is_latin, odd_letters, two_spellings

ORDINARY = [
    "Acme Trading B.V.", "Иванов Пётр", "ООО «Ромашка»", "Ελλάδα ΑΕ", "北京公司", "株式会社カネカ", "ｆｕｌｌ", "7-77",
    "Север", "الشركة", "Nº 1ª", "Straße",
]  # fmt: skip
ODD = [
    ("Аcme", "scripts Cyrillic, Latin: U+0410 (CYRILLIC CAPITAL LETTER A)."),
    ("Acmе Ltd", "U+0435 (CYRILLIC SMALL LETTER IE)"),
    ("Αcme", "scripts Greek, Latin: U+0391 (GREEK CAPITAL LETTER ALPHA)"),
    ("Иванов Trading", "scripts Cyrillic, Latin: U+0418"),
    ("РАУРАВ", "only letters of the script Cyrillic that look like Latin ones: U+0420 (CYRILLIC CAPITAL LETTER ER)"),
    ("ΑΒΒ", "only letters of the script Greek"),
    ("ᎪᏟᎬ", "only letters of the script Cherokee"),
    ("Acme 北京", "scripts East Asian, Latin: U+5317"),
    ("AА", "U+0410"),
    ("abcdefghijk абвгдежзи", "and 1 more"),
]


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_names(name):
    assert odd_letters(name) is None


@pytest.mark.parametrize(("name", "words"), ODD)
def test_odd_names(name, words):
    said = odd_letters(name)
    assert said is not None
    assert words in said and "was not looked up" in " ".join(said.split())


@pytest.mark.parametrize(
    ("name", "two"),
    [
        ("Müller", True),
        ("Mu\u0308ller", True),
        ("MUELLER", True),
        ("Goethe", True),
        ("Müßig", True),
        ("Acme", False),
        ("Weiß", False),
    ],
)
def test_german_spellings(name, two):
    said = two_spellings(name)
    assert (said is not None) is two
    assert said is None or "different labels" in said


LATIN = [("acme 77", True), ("", True), ("łódź", True), ("acme 北京", False), ("ა", False)]


@pytest.mark.parametrize(("text", "latin"), LATIN)
def test_what_is_latin(text, latin):
    assert is_latin(text) is latin
