"""Canonical JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from candid_verify.canonical import canonical, decode_bytes, encode_bytes, parse
from candid_verify.errors import FormatError

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(max_codepoint=127), max_size=4), inner)
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(VALUES)
def test_reads_what_it_writes(value):
    assert parse(canonical(value)) == value


@settings(deadline=None)
@given(VALUES)
def test_any_other_spelling_is_refused(value):
    for other in (json.dumps(value, indent=1).encode(), canonical(value) + b"\n", b" " + canonical(value)):
        if other != canonical(value):
            with pytest.raises(FormatError):
                parse(other)


def test_escapes_as_the_rfc_says():
    # RFC 8785, section 3.2.2.2
    assert canonical("\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"\u007f/") == (
        '"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"\u007f/"'.encode()
    )
    assert canonical({"b": 1, "a": [True, -0]}) == b'{"a":[true,0],"b":1}'


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b"\xff", b"null", b"1.0", b"1e2", b"-0", b"NaN", b"Infinity", b"9007199254740992",
        b'{"a":1,"a":1}', b'{"b":1,"a":1}', b'{"\xc3\xa9":1}', b'"\\u0041"', b'"\\ud800"', b'"\\/"', b"\xef\xbb\xbf1",
        b"[" * 18 + b"]" * 18, b"[" * 100_000, b"1" * 5000, b'{"a":null}', b"01", b"[1,]", b"1 ",
    ],
)  # fmt: skip
def test_refused(data):
    with pytest.raises(FormatError):
        parse(data)


@pytest.mark.parametrize("value", [None, 1.0, b"x", {1: 2}, {"é": 1}, "\ud800", 2**53, {1, 2}])
def test_what_entries_may_not_hold(value):
    with pytest.raises(FormatError):
        canonical(value)


@settings(deadline=None)
@given(st.binary(max_size=40))
def test_bytes(data):
    text = encode_bytes(data)
    assert decode_bytes(text) == decode_bytes(text, len(data)) == data
    with pytest.raises(FormatError):
        decode_bytes(text, len(data) + 1)


@pytest.mark.parametrize("text", [None, 1, "A", "AB", "AA=", "AA==", "A A", "AA\n", "é", "+/+/", "\ud800"])
def test_no_bytes(text):
    with pytest.raises(FormatError):
        decode_bytes(text)
