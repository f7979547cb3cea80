"""Texts of others in sentences."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from candid_verify.wording import quoted


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Acme B.V.", "“Acme B.V.”"),
        ("北京 Ёлка é", "“北京 Ёлка é”"),
        ('a”b“c"d«e»', "“a'b'c'd'e'”"),
        ("a\nb\u202ec\u00a0d\u2028e\x00", "“a\ufffdb\ufffdc\ufffdd\ufffde\ufffd”"),
        ("x" * 200, f"“{'x' * 200}”"),
        ("x" * 201, f"“{'x' * 200}…”"),
    ],
)
def test_quoted(text, shown):
    assert quoted(text) == shown


@settings(deadline=None)
@given(st.text())
def test_nothing_gets_out_of_its_quotation_marks(text):
    shown = quoted(text)
    assert shown[0] == "“"
    assert shown[-1] == "”"
    assert not set(shown[1:-1]) & set('“”"\n\r\u202e\u2066')
