"""How texts that others wrote stand in sentences."""

from __future__ import annotations

import unicodedata


def quoted(text: str) -> str:
    """A text that the operator or a customer wrote, so that it cannot pass for a part of the sentence it stands in.

    Quotation marks become apostrophes, and control and invisible characters (which may turn the direction of writing)
    become U+FFFD; after 200 characters it is cut.
    """
    shown = "".join(
        "'" if each in _QUOTES else "\ufffd" if unicodedata.category(each)[0] in "CZ" and each != " " else each
        for each in text[:_LONGEST]
    )
    return f"“{shown}…”" if len(text) > _LONGEST else f"“{shown}”"


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """A number of things: 1 label, 2 labels."""
    return f"{count} {noun if count == 1 else plural or noun + 's'}"


_LONGEST = 200
_QUOTES = frozenset("\"“”„‟«»")
