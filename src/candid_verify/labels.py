"""Identity labels, `candid-labels/1`: under which keys a company or person stands in the verifiable map.

A label is the UTF-8 text `candid-label/1`, its type, its value and, for names of one country, the country,
each on a line of its own. For each customer that is opened, and each owner known of it, all labels of its
name, registration numbers, LEI and country go into the map; whoever asks makes the same labels from what
they know.

Names have four forms, each made from the one before:

* `plain`: NFKC, case folded, full stops, apostrophes and quotation marks dropped, every other character
  that is neither letter, mark nor digit a space, spaces single;
* `latin`: decomposed (NFKD) without marks, Cyrillic and Greek letters and those of `LETTERS` in Latin ones;
* `core`: without the words of legal forms (`LEGAL_FORMS`) at the beginning and the end, unless nothing is left;
* `sorted`: the words of `core` in alphabetical order.

Chinese, Arabic and other scripts are kept as they are: two spellings in two scripts are two names. Similar
names (a letter exchanged, a word left out) are other labels; finding those is screening's affair.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from candid_verify.countries import COUNTRIES
from candid_verify.errors import LabelError
from candid_verify.label_tables import DROPPED, LEGAL_FORMS, LETTERS

VERSION = "candid-labels/1"
FORMS = ("plain", "latin", "core", "sorted")

_LEI = re.compile(r"[0-9A-Z]{18}[0-9]{2}", re.ASCII)  # ISO 17442
_LONGEST_FORM = max(map(len, LEGAL_FORMS))


@dataclass(frozen=True, slots=True)
class Party:
    """A company or person, as far as it is known.

    Attributes:
        name: as it is written; None where only the others are asked for.
        country: ISO 3166-1 alpha-2, or None.
        registrations: pairs of country (or None) and number, of a company register or another one.
        lei: ISO 17442, or None.
    """

    name: str | None
    country: str | None = None
    registrations: tuple[tuple[str | None, str], ...] = ()
    lei: str | None = None


def name_forms(name: str) -> dict[str, str]:
    """The four forms of a name, by their names in `FORMS`.

    Raises:
        LabelError: the name has neither letters nor digits.
    """
    plain = _plain(name)
    latin = " ".join(_latin(plain).split())
    if not plain or not latin:
        raise LabelError(f"{name!r} has no letters or digits, so it cannot be looked up")
    core = _without_legal_forms(latin.split())
    return {"plain": plain, "latin": latin, "core": " ".join(core), "sorted": " ".join(sorted(core))}


def name_labels(name: str, country: str | None = None) -> list[bytes]:
    """One label for each form of a name, of any country or of one.

    Raises:
        LabelError: nothing can be made of name or country.
    """
    tail = () if country is None else (check_country(country),)
    return [_label(f"name-{form}", value, *tail) for form, value in name_forms(name).items()]


def registration_labels(number: str, country: str | None) -> list[bytes]:
    """The labels of a registration number: as letters and digits, and without leading zeroes; with and without country.

    Raises:
        LabelError: nothing can be made of number or country.
    """
    kept = "".join(each for each in unicodedata.normalize("NFKC", number).upper() if each.isalnum())
    if not kept:
        raise LabelError(f"{number!r} is no registration number: it has neither letters nor digits")
    values = dict.fromkeys((kept, kept.lstrip("0") or "0"))
    countries = (None,) if country is None else (None, check_country(country))
    return [
        _label("registration", value, *(() if each is None else (each,))) for value in values for each in countries
    ]


def lei_label(lei: str) -> bytes:
    """The label of a legal entity identifier.

    Raises:
        LabelError: it is not of ISO 17442's form, or its check digits are of another one.
    """
    kept = "".join(lei.split()).upper()
    if _LEI.fullmatch(kept) is None:
        raise LabelError(f"{lei!r} is no LEI: twenty letters and digits, the last two digits")
    # ISO 7064, MOD 97-10, as ISO 17442 demands: each letter is its two digits, A 10 to Z 35.
    if int("".join(str(int(each, 36)) for each in kept)) % 97 != 1 or kept[18:] in ("00", "01", "99"):
        raise LabelError(f"{lei!r} is no LEI: its last two digits, which check the others, do not fit; read it again")
    return _label("lei", kept)


def country_label(country: str) -> bytes:
    """The label of a country: in the map as soon as one customer or owner is of it.

    Raises:
        LabelError: it is none of ISO 3166-1 alpha-2.
    """
    return _label("country", check_country(country))


def labels_of(party: Party) -> list[bytes]:
    """Every label of a party, each once: what goes into the map.

    Raises:
        LabelError: nothing can be made of one of its facts.
    """
    found: list[bytes] = []
    if party.name is not None:
        found += name_labels(party.name)
        if party.country is not None:
            found += name_labels(party.name, party.country)
    for country, number in party.registrations:
        found += registration_labels(number, country)
    if party.lei is not None:
        found.append(lei_label(party.lei))
    if party.country is not None:
        found.append(country_label(party.country))
    return list(dict.fromkeys(found))


def face_label(face_id: str) -> bytes:
    """What a face id's tag is the VRF output of."""
    return f"candid-face/1\n{face_id.lower()}".encode()


def check_country(country: str) -> str:
    """An ISO 3166-1 alpha-2 code in capitals.

    Raises:
        LabelError: it is none that is assigned.
    """
    code = country.strip().upper()
    if not country.isascii() or code not in COUNTRIES:  # the German ß in capitals is SS, South Sudan
        raise LabelError(f"{country!r} is no country code of ISO 3166-1; it has two letters, such as NL, or GB, not UK")
    return code


def _label(kind: str, value: str, *tail: str) -> bytes:
    return "\n".join(("candid-label/1", kind, value, *tail)).encode()


def _plain(name: str) -> str:
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return " ".join("".join(_kept(each) for each in folded).split())


def _kept(character: str) -> str:
    if character in DROPPED:
        return ""
    return character if unicodedata.category(character)[0] in "LMN" else " "


def _latin(plain: str) -> str:
    stripped = "".join(
        each for each in unicodedata.normalize("NFKD", plain) if unicodedata.category(each)[0] != "M"
    )
    return unicodedata.normalize("NFKC", stripped.translate(LETTERS))


def _without_legal_forms(words: list[str]) -> list[str]:
    while (shorter := _one_form_less(words)) is not None:
        words = shorter
    return words


def _one_form_less(words: list[str]) -> list[str] | None:
    """The words without one legal form at the end, or else at the beginning; None where there is none to drop."""
    for length in range(min(_LONGEST_FORM, len(words) - 1), 0, -1):
        if tuple(words[-length:]) in LEGAL_FORMS:
            return words[:-length]
        if tuple(words[:length]) in LEGAL_FORMS:
            return words[length:]
    return None


def parties(found: Iterable[Party]) -> list[bytes]:
    """The labels of several parties, each once."""
    return list(dict.fromkeys(label for party in found for label in labels_of(party)))


def label_value(old: bytes | None, leaf_hash: bytes) -> bytes:
    """The value that a label has in the map once the `customer/1` entry with this leaf hash has added it.

    Args:
        old: the label's value before, 32 bytes; None where it was not in the map.
        leaf_hash: 32 bytes.
    """
    return sha256(b"candid-map-value/1\n" + (bytes(32) if old is None else old) + leaf_hash).digest()
