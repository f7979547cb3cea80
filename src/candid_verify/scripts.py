"""What may be odd about a name that is looked up: letters of several scripts, or of one that only look like Latin ones.

Such a name has other labels than the one that it looks like: it is absent from a map where the other stands. The
script of a letter is the first word of its Unicode name: Python's standard library has no other table.
"""

from __future__ import annotations

import unicodedata
from collections import Counter

from candid_verify.wording import quoted

_TOGETHER = {"CJK": "East Asian", "HIRAGANA": "East Asian", "KATAKANA": "East Asian", "HANGUL": "East Asian"}
_NO_SCRIPT = frozenset({"MODIFIER", "MASCULINE", "FEMININE"})
# Cyrillic, Greek, Armenian and Cherokee letters that are drawn as Latin ones: the usual ones of those in Unicode TR 39,
# chosen by hand. A hint hangs on it and nothing else.
_DRAWN_AS_LATIN = frozenset(
    "АВЕЅІЈКМНОРСТУХԌԚԜҮҺаеѕіјорсухһԁԛԝүгп"
    "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧαγικνορυ"
    "ԼՏՕՍհոսօցզ"
    "ᎠᎡᎢᎥᎩᎪᎫᎬᎳᎷᎻᏀᏂᏃᏆᏒᏔᏕᏙᏚᏞᏟᏢᏦᏮᏴ"
)
_SHOWN = 8


def odd_letters(name: str) -> str | None:
    """What is odd, in a sentence for whoever looked the name up; None where nothing is."""
    letters = [each for each in unicodedata.normalize("NFKC", name) if unicodedata.category(each)[0] == "L"]
    scripts = {each: script for each in letters if (script := _script(each)) is not None}
    if not scripts:
        return None
    counts = Counter(scripts[each] for each in letters if each in scripts)
    if len(counts) > 1:
        # The script of most letters is the name's own; of two with as many, Latin is.
        own = max(counts, key=lambda script: (counts[script], script == "Latin", script))
        others = [each for each in dict.fromkeys(letters) if each in scripts and scripts[each] != own]
        return (
            f"The name {quoted(name)} mixes letters of the scripts {', '.join(sorted(counts))}: {_listed(others)}. A "
            "name that looks the same and is written in one script is another label and was not looked up."
        )
    if "Latin" not in counts and _DRAWN_AS_LATIN.issuperset(letters):
        return (
            f"The name {quoted(name)} has only letters of the script {next(iter(counts))} that look like Latin ones: "
            f"{_listed(list(dict.fromkeys(letters)))}. The same in Latin letters is another label and was not looked "
            "up."
        )
    return None


def two_spellings(name: str) -> str | None:
    """That German umlauts have two spellings, where the name has one of them; None where it has none."""
    folded = unicodedata.normalize("NFC", name.casefold())
    if not any(each in folded for each in ("ä", "ö", "ü", "ae", "oe", "ue")):
        return None
    return (
        f"German names are written with ä, ö, ü or with ae, oe, ue, and the two are different labels: {quoted(name)} "
        "was looked up as it is written."
    )


def is_latin(text: str) -> bool:
    """Whether all its letters are Latin ones."""
    letters = (each for each in text if unicodedata.category(each)[0] == "L")
    return all(_script(each) in ("Latin", None) for each in letters)


def _script(letter: str) -> str | None:
    """The script of a letter; None for one that is of no particular script."""
    first = unicodedata.name(letter, "unnamed").split(" ")[0].split("-")[0]
    return None if first in _NO_SCRIPT else _TOGETHER.get(first, first.capitalize())


def _listed(letters: list[str]) -> str:
    shown = ", ".join(f"U+{ord(each):04X} ({unicodedata.name(each, 'unnamed')})" for each in letters[:_SHOWN])
    return shown + (f" and {len(letters) - _SHOWN} more" if len(letters) > _SHOWN else "")
