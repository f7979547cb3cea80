import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from candid.ledger.errors import KeyFormatError, SignatureError
from candid.ledger.keys import Algorithm, SigningKey, VerifierKey, valid_name

VECTORS = json.loads((Path(__file__).parent / "data" / "notes.json").read_text())
NAMES = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=30).filter(valid_name)


@pytest.mark.parametrize("case", VECTORS["private"], ids=lambda case: case["vkey"])
def test_recorded_private_keys(case):
    key = SigningKey.parse(case["skey"])
    assert str(key.verifier) == case["vkey"]
    assert key.export() == case["skey"]


@pytest.mark.parametrize("text", VECTORS["unparsable_keys"])
def test_what_is_no_key(text):
    with pytest.raises(KeyFormatError):
        VerifierKey.parse(text)


@given(NAMES, st.binary(min_size=32, max_size=32), st.sampled_from(Algorithm))
def test_keys_are_read_back(name, seed, algorithm):
    key = SigningKey.generate(name, algorithm, randomness=lambda _: seed)
    assert SigningKey.parse(key.export()) == key
    assert VerifierKey.parse(str(key.verifier)) == key.verifier


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b", "a\u2003b", "a\nb", "a\x01b", "a\u0085b"])
def test_names_without_spaces_and_plus(name):
    with pytest.raises(KeyFormatError, match="cannot name a key"):
        SigningKey.generate(name)


@pytest.mark.parametrize(
    "change", [lambda s: s[8:], lambda s: s.replace("33d7b496", "33d7b497"), lambda s: s + "A"]
)
def test_a_changed_private_key_is_refused(change):
    with pytest.raises(KeyFormatError):
        SigningKey.parse(change(VECTORS["private"][1]["skey"]))


def test_a_private_key_does_not_show_itself(signer):
    shown = repr(signer) + str(signer)
    assert "candid.local/test" in shown
    assert repr(signer.seed) not in shown
    assert signer.export() not in shown


def test_two_new_keys_differ():
    assert SigningKey.generate("a") != SigningKey.generate("a")


def test_a_signature_is_checked(signer):
    payload = signer.sign(b"text\n")
    assert signer.verifier.verify(b"text\n", payload) is None
    for text, wrong in (
        (b"test\n", payload),
        (b"text\n", payload[:-1]),
        (b"text\n", bytes(64)),
        (b"text\n", b""),
    ):
        with pytest.raises(SignatureError, match=r"signature of candid.local/test is false"):
            signer.verifier.verify(text, wrong)


def test_a_cosignature_states_its_time():
    key = SigningKey.generate("w.example", Algorithm.COSIGNATURE)
    payload = key.sign(b"text\n", time=1679315147)
    assert payload[:8] == (1679315147).to_bytes(8, "big")
    assert key.verifier.verify(b"text\n", payload) == 1679315147
    with pytest.raises(SignatureError, match="false"):
        key.verifier.verify(b"text\n", (1679315148).to_bytes(8, "big") + payload[8:])


@pytest.mark.parametrize("time", [0, 1 << 63, (1 << 64) - 1])
def test_a_cosignature_of_an_impossible_time_is_refused(time):
    key = SigningKey.generate("w.example", Algorithm.COSIGNATURE)
    with pytest.raises(SignatureError, match="impossible time"):
        key.verifier.verify(b"text\n", time.to_bytes(8, "big") + bytes(64))
    with pytest.raises(SignatureError, match="needs the time"):
        key.sign(b"text\n", time=time)
    with pytest.raises(SignatureError, match="needs the time"):
        key.sign(b"text\n")
