from __future__ import annotations

import sys
import unicodedata

import pytest

from candid.wire.patterns import translate


def test_every_pattern_of_the_model_is_translated(wire):
    texts = {shape.pattern_text for shape in wire.MODEL.shapes.values()} - {None}
    assert len(texts) > 20
    for text in texts:
        translate(text)


def test_tags_take_exactly_letters_numbers_and_separators_of_every_script():
    pattern = translate(r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$")
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        wanted = unicodedata.category(character)[0] in "LZN" or character in "_.:/=+-@"
        assert (pattern.fullmatch(character) is not None) is wanted, hex(code)


@pytest.mark.parametrize(
    ("pattern", "value", "matches"),
    [
        (r"[a-zA-Z0-9_.\-]+", "a.b-C_9", True),
        (r"[a-zA-Z0-9_.\-]+", "a b", False),
        (r"[a-zA-Z0-9_.\-]+", "a\n", False),
        (r"^[0-9]+$", "12\n", False),
        (r"\d+", "١٢", False),
        (r"\S*", "a\u00a0b", True),
        (r"^(?!aws:)[\p{L}\p{Z}\p{N}_.:/=+\-@]*$", "aws:x", False),
        (r"^(?!aws:)[\p{L}\p{Z}\p{N}_.:/=+\-@]*$", "Größe 大", True),
    ],
)
def test_a_pattern_matches_as_in_java(pattern, value, matches):
    assert (translate(pattern).fullmatch(value) is not None) is matches


def test_a_property_that_is_not_known_is_an_error():
    with pytest.raises(ValueError, match="not translated"):
        translate(r"\p{Lu}+")
