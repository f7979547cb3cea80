"""The quick spelling is the canonical one, byte for byte, and refuses the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from candid.recording import Outcome
from candid.recording.spelling import spell
from candid_verify.canonical import encode_bytes
from candid_verify.entries import KINDS, parse_entry, write_entry
from candid_verify.errors import VerifyError

HASH = st.binary(min_size=32, max_size=32).map(encode_bytes)
TEXT = st.text(st.characters(exclude_categories=()), min_size=1, max_size=30) | st.text(
    st.characters(min_codepoint=0, max_codepoint=127), min_size=1, max_size=30
)
NUMBER = st.integers(0, 2**53 - 1) | st.integers(0, 2**70)
TABLE = st.dictionaries(TEXT, NUMBER, max_size=4)

CALL = st.fixed_dictionaries(
    {
        "kind": st.just("call/1"),
        "time": NUMBER,
        "started": NUMBER,
        "run": NUMBER,
        "request": TEXT,
        "operation": TEXT,
        "customer": HASH,
        "number": NUMBER,
        "decision": st.fixed_dictionaries({"allowed": st.booleans(), "rule": TEXT, "policy": TEXT}),
        "outcome": st.sampled_from(["ok", "denied", "error", Outcome.OK]),
        "meter": TEXT,
        "units": NUMBER,
    },
    optional={
        "error": TEXT,
        "key": HASH,
        "counts": TABLE,
        "stored": st.dictionaries(TEXT, st.integers(-(2**54), 2**54), max_size=4),
        "enrolled": st.lists(HASH, max_size=4),
        "engine": TABLE,
    },
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


def outcome(write, entry):
    """The bytes, or which error."""
    try:
        return write(entry)
    except VerifyError as error:
        return type(error), str(error)


@given(CALL)
def test_calls(entry):
    assert outcome(spell, entry) == outcome(write_entry, entry)


@given(st.sampled_from(sorted(KINDS)), st.dictionaries(TEXT | st.sampled_from(["time", "note", "counts"]), ANYTHING))
def test_whatever_is_handed_in(kind, members):
    entry = {"kind": kind} | members
    assert outcome(spell, entry) == outcome(write_entry, entry)


@given(st.text(st.characters(max_codepoint=0x2100), min_size=1))
def test_every_escape(text):
    entry = {"kind": "prices/1", "time": 1, "note": text}
    assert outcome(spell, entry) == outcome(write_entry, entry)


@pytest.mark.parametrize("note", [chr(code) for code in range(128)] + ["\u2028", "é", "\U0001f600", "\ud800"])
def test_each_character(note):
    entry = {"kind": "prices/1", "time": 1, "note": note}
    assert outcome(spell, entry) == outcome(write_entry, entry)


@pytest.mark.parametrize("length", [65_480, 65_510, 65_600])
def test_the_longest(length):
    entry = {"kind": "prices/1", "time": 1, "note": "x" * length}
    found = outcome(spell, entry)
    assert found == outcome(write_entry, entry)
    if isinstance(found, bytes):
        assert parse_entry(found) == entry
