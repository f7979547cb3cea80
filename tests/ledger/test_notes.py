import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from candid.ledger.errors import LedgerError, NoteError, SignatureError, UnknownKeyError
from candid.ledger.keys import Algorithm, SigningKey, VerifierKey
from candid.ledger.notes import MAX_NOTE, Note, sign_note, verify_note

VECTORS = json.loads((Path(__file__).parent / "data" / "notes.json").read_text())
ALICE, BOB, EVE = (
    SigningKey(name, Algorithm.ED25519, bytes([n]) * 32) for n, name in enumerate(("alice", "bob", "eve"))
)
WRONG_NOTES = {
    "nothing": b"",
    "no signature": b"text\n",
    "an empty signature block": b"text\n\n",
    "no newline at the end": b"text\n\n\xe2\x80\x94 a QUJDREU=",
    "no blank line": b"text\n\xe2\x80\x94 a QUJDREU=\n",
    "a hyphen": b"text\n\n- a QUJDREU=\n",
    "no name": b"text\n\n\xe2\x80\x94  QUJDREU=\n",
    "a name with a plus": b"text\n\n\xe2\x80\x94 a+b QUJDREU=\n",
    "no signature behind the name": b"text\n\n\xe2\x80\x94 a\n",
    "two spaces": b"text\n\n\xe2\x80\x94 a  QUJDREU=\n",
    "loose base64": b"text\n\n\xe2\x80\x94 a QUJDREV=\n",
    "only a key id": b"text\n\n\xe2\x80\x94 a QUJDRA==\n",
    "a carriage return": b"text\r\n\n\xe2\x80\x94 a QUJDREU=\n",
    "a tab": b"te\txt\n\n\xe2\x80\x94 a QUJDREU=\n",
    "a zero": b"te\0xt\n\n\xe2\x80\x94 a QUJDREU=\n",
    "no UTF-8": b"te\xffxt\n\n\xe2\x80\x94 a QUJDREU=\n",
    "a surrogate": b"te\xed\xa0\x80xt\n\n\xe2\x80\x94 a QUJDREU=\n",
    "an empty line among the signatures": b"text\n\n\xe2\x80\x94 a QUJDREU=\n\n",
    "too many signatures": b"text\n\n" + 65 * b"\xe2\x80\x94 a QUJDREU=\n",
    "too large": b"text\n" + bytes(MAX_NOTE),
}


@pytest.mark.parametrize("case", VECTORS["notes"], ids=lambda case: case["vkey"])
def test_recorded_notes(case):
    note = Note.parse(case["note"].encode())
    assert bytes(note) == case["note"].encode()
    assert verify_note(note, [VerifierKey.parse(case["vkey"])])[0].signature == note.signatures[0]


@pytest.mark.parametrize("name", WRONG_NOTES)
def test_what_is_no_note(name):
    with pytest.raises(NoteError):
        Note.parse(WRONG_NOTES[name])


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(data):
    for candidate in (data, b"text\n\n\xe2\x80\x94 " + data, data + b"\n\n\xe2\x80\x94 a QUJDREU=\n"):
        try:
            assert bytes(Note.parse(candidate)) == candidate
        except NoteError:
            continue


def test_the_text_goes_to_the_last_empty_line():
    note = sign_note(b"one\n\ntwo\n\n\n", [ALICE])
    assert Note.parse(bytes(note)).text == b"one\n\ntwo\n\n\n"


def test_sixteen_signatures_are_read():
    assert len(Note.parse(b"text\n\n" + 64 * b"\xe2\x80\x94 a QUJDREU=\n").signatures) == 64


def test_signatures_of_unknown_keys_are_ignored():
    note = sign_note(b"text\n", [ALICE, EVE])
    assert [found.key for found in verify_note(note, [BOB.verifier, ALICE.verifier])] == [ALICE.verifier]


def test_a_key_is_known_by_name_and_id():
    note = sign_note(b"text\n", [ALICE])
    namesake = SigningKey("alice", Algorithm.ED25519, bytes([9]) * 32).verifier
    with pytest.raises(UnknownKeyError, match=r"key given \(alice\); its signatures are of alice"):
        verify_note(note, [namesake])
    with pytest.raises(UnknownKeyError, match="nobody"):
        verify_note(note, [])


def test_a_false_signature_of_a_known_key_refuses_the_note():
    true, false = sign_note(b"text\n", [ALICE]), sign_note(b"test\n", [BOB])
    mixed = Note(b"text\n", (*true.signatures, *false.signatures))
    assert verify_note(mixed, [ALICE.verifier])
    with pytest.raises(SignatureError, match="signature of bob is false"):
        verify_note(mixed, [ALICE.verifier, BOB.verifier])


def test_each_key_counts_once_but_all_its_signatures_must_be_true():
    good = sign_note(b"text\n", [ALICE]).signatures[0]
    bad = sign_note(b"test\n", [ALICE]).signatures[0]
    assert len(verify_note(Note(b"text\n", (good, good)), [ALICE.verifier])) == 1
    with pytest.raises(SignatureError):
        verify_note(Note(b"text\n", (good, bad)), [ALICE.verifier])


@pytest.mark.parametrize("text", [b"", b"text", b"te\x01xt\n", b"te\xffxt\n"])
def test_what_cannot_be_signed(text):
    with pytest.raises(NoteError):
        sign_note(text, [ALICE])
    with pytest.raises(NoteError):
        sign_note(b"text\n", [])


def test_every_flipped_bit_is_refused():
    data = bytes(sign_note("tèxt\n".encode(), [ALICE]))
    for position in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[position] ^= 1 << bit
            with pytest.raises(LedgerError):
                verify_note(Note.parse(bytes(changed)), [ALICE.verifier])
