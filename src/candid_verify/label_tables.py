"""The tables of `candid-labels/1`: which characters are dropped, which letters are Latin ones, the legal forms.

`docs/labels.json` is these tables for programs. A change of any of them is another version of the labels.
"""

from __future__ import annotations

from typing import Any

from candid_verify.countries import COUNTRIES

DROPPED = frozenset(".'’‘`´\"“”„«»·‧・ʼ")
# Small Cyrillic (Russian, Ukrainian, Belarusian, Serbian, Macedonian) after marks are stripped, Greek, and Latin
# letters that NFKD leaves whole. Simplified from BGN/PCGN romanisation: one spelling each, no context.
LETTERS = str.maketrans(
    {
        "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ж": "zh", "з": "z", "и": "i", "к": "k",
        "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ф": "f",
        "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "", "ы": "y", "ь": "", "э": "e",
        "ю": "yu", "я": "ya", "і": "i", "є": "ye", "ґ": "g", "ђ": "dj", "ј": "j", "љ": "lj", "њ": "nj",
        "ћ": "c", "џ": "dz", "ѕ": "dz",
        "α": "a", "β": "v", "γ": "g", "δ": "d", "ε": "e", "ζ": "z", "η": "i", "θ": "th", "ι": "i", "κ": "k",
        "λ": "l", "μ": "m", "ν": "n", "ξ": "x", "ο": "o", "π": "p", "ρ": "r", "σ": "s", "ς": "s", "τ": "t",
        "υ": "y", "φ": "f", "χ": "ch", "ψ": "ps", "ω": "o",
        "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ħ": "h",
    }
)  # fmt: skip

LEGAL_FORMS: frozenset[tuple[str, ...]] = frozenset(
    tuple(form.split())
    for form in """ltd|limited|llc|l l c|llp|lp|plc|inc|incorporated|corp|corporation|co|company|co ltd|pty ltd|pte ltd
        |pty|pte|sdn bhd|bhd|pvt ltd|private limited|gmbh|gmbh co kg|mbh|ag|kg|kgaa|ohg|ug|ev|se|sa|s a|sas|sarl|srl
        |sa de cv|sl|slu|spa|s p a|snc|bv|b v|nv|n v|vof|cv|oy|oyj|ab|as|asa|a s|aps|hf|ehf|doo|d o o|ad|dd
        |dooel|ood|eood|sp z oo|sp z o o|spolka akcyjna|sro|s r o|kft|zrt|nyrt|bt|uab|oao|ooo|pao|zao|ao|aozt
        |tov|pat|prat|too|jsc|pjsc|ojsc|cjsc|kk|gk|fzco|fze|fzc|dmcc|wll|saoc|saog|psc|ltda|eireli|spa de cv
        |kabushiki kaisha|lda|obshchestvo s ogranichennoi otvetstvennostyu|aktsionernoe obshchestvo
        |publichnoe aktsionernoe obshchestvo|as sia|sia""".split("|")  # noqa: SIM905
)


def tables() -> dict[str, Any]:
    """What `docs/labels.json` holds, beside the version."""
    return {
        "dropped": "".join(sorted(DROPPED)),
        "letters": {chr(letter): latin for letter, latin in sorted(LETTERS.items())},
        "legal_forms": sorted(" ".join(form) for form in LEGAL_FORMS),
        "countries": sorted(COUNTRIES),
    }
