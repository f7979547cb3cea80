"""Notes and keys: the examples of the specification, the log's own reader, and what must be refused."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from candid.ledger import Algorithm, SigningKey, sign_note
from candid.ledger import Note as LedgerNote
from candid.ledger import VerifierKey as LedgerKey
from candid.ledger.errors import LedgerError
from candid_verify.errors import FormatError, InputError, ProofError, VerifyError, WrongKeyError
from candid_verify.notes import COSIGNATURE, Key, Note, decimal, open_note, standard_base64

DATA = json.loads((Path(__file__).parents[1] / "ledger" / "data" / "notes.json").read_text())
LOG = SigningKey.generate("log.example", randomness=lambda size: bytes([1]) * size)
WITNESS = SigningKey.generate("w.example", Algorithm.COSIGNATURE, randomness=lambda size: bytes([2]) * size)
KEY, WITNESS_KEY = Key.parse(str(LOG.verifier)), Key.parse(str(WITNESS.verifier), algorithm=COSIGNATURE)
NOTE = bytes(sign_note(b"a\n\nb\n", [LOG, WITNESS], time=1_800_000_000)).decode()
KEY_ID = b64encode(LOG.verifier.key_id + bytes(64)).decode()


@pytest.mark.parametrize("example", DATA["notes"])
def test_examples_of_the_specification(example):
    key = Key.parse(example["vkey"], algorithm=LedgerKey.parse(example["vkey"]).algorithm)
    assert open_note(example["note"], key, "a note").text


@pytest.mark.parametrize("text", [*DATA["unparsable_keys"], "log.example+", "\ud800+1+1", "a b" + str(LOG.verifier)])
def test_what_is_no_key(text):
    with pytest.raises(InputError, match=r"no public key|another type"):
        Key.parse(text)


def test_a_key_is_of_its_kind():
    assert str(KEY) == str(LOG.verifier)
    with pytest.raises(InputError, match="another type than a log's"):
        Key.parse(str(WITNESS.verifier))
    with pytest.raises(InputError, match="another type than a witness's"):
        Key.parse(str(LOG.verifier), algorithm=COSIGNATURE)


def test_a_note_of_log_and_witness():
    note = open_note(NOTE, KEY, "the note")
    assert note.text == "a\n\nb\n"
    assert note.signed_by(KEY) == [None]
    assert note.signed_by(WITNESS_KEY) == [1_800_000_000]


def test_another_key_says_so():
    other = SigningKey.generate("log.example", randomness=lambda size: bytes([9]) * size)
    with pytest.raises(WrongKeyError, match="not signed by the key given"):
        open_note(NOTE, Key.parse(str(other.verifier)), "the note")


def test_an_impossible_time():
    payload = WITNESS.verifier.key_id + bytes(72)
    note = Note.parse(f"a\n\n— w.example {b64encode(payload).decode()}\n")
    with pytest.raises(ProofError, match="impossible time"):
        note.signed_by(WITNESS_KEY)


def test_false_signature():
    with pytest.raises(ProofError, match="false"):
        open_note(f"a\n\n— log.example {KEY_ID}\n", KEY, "the note")


@pytest.mark.parametrize(
    "whole",
    [
        "",
        "a\n",
        "a\n\n",
        NOTE[:-1],
        "a\r\n\n— log.example AAAAAAAA\n",
        "a\n\n- log.example AAAAAAAA\n",
        "a\n\n— log.example AAAA\n",
        "a\n\n— log.example AAAAAAAA=\n",
        "a\n\n— lo+g AAAAAAAA\n",
        "a\n\n—  AAAAAAAA\n",
        "a\n\n" + "— x AAAAAAAA\n" * 65,
        "a" * (1 << 20) + "\n\n— x AAAAAAAA\n",
    ],
)
def test_what_is_no_note(whole):
    with pytest.raises(FormatError):
        Note.parse(whole)


@settings(deadline=None)
@given(st.integers(0, len(NOTE.encode()) - 1), st.integers(1, 255))
def test_reads_as_the_log_does(place, change):
    data = bytearray(NOTE.encode())
    data[place] ^= change
    try:
        theirs = [(each.name, each.key_id, each.payload) for each in LedgerNote.parse(bytes(data)).signatures]
    except LedgerError:
        theirs = None
    try:
        ours = [(each.name, each.key_id, each.payload) for each in Note.parse(data.decode()).signatures]
    except (VerifyError, UnicodeDecodeError):
        ours = None
    assert ours == theirs


@pytest.mark.parametrize("text", ["", "01", "+1", "1_0", "-1", " 1", "1\n", "٣", "9223372036854775808", "9" * 30])
def test_no_decimal(text):
    with pytest.raises(FormatError):
        decimal(text)


def test_decimal():
    assert [decimal(text) for text in ("0", "10", "9223372036854775807")] == [0, 10, 2**63 - 1]


@pytest.mark.parametrize("text", ["AAA", "AAB=", "AA A", "AAAA\n", "AA-_", "é", "A"])
def test_no_base64(text):
    with pytest.raises(FormatError):
        standard_base64(text)
