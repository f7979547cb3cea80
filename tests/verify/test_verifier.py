"""The verifier as a whole: every changed byte, foreign and cut files, other keys, witnesses, any input."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from candid.ledger import SigningKey
from candid_verify import InputError, verify
from candid_verify.canonical import canonical
from candid_verify.claims import CLAIMS
from candid_verify.evidence import MAX_FILE

OTHER = SigningKey.generate("candid.local/test", randomness=lambda size: bytes([8]) * size)


def says(sentences, words):
    return any(words in each for each in sentences)


def test_each_claim_can_be_established(world, all_evidence):
    for name, evidence in all_evidence.items():
        verdict = verify(world.seal(evidence), log_key=world.key)
        assert (verdict.verdict, verdict.reason, verdict.claim.name) == ("established", None, name)
        assert verdict.as_json()["claim"] == name
        assert json.loads(json.dumps(verdict.as_json()))["parameters"] == dict(verdict.claim.parameters)
    assert set(all_evidence) == set(CLAIMS) - {"moratorium-kept"}


def test_a_log_that_succeeds_another_says_nothing_of_it(world, tmp_path):
    made = type(world)(tmp_path)
    previous = {"origin": "candid.local/before", "key": str(OTHER.verifier), "size": 17, "root": "A" * 43}
    made.entries[0]["previous"] = previous
    claims = {
        True: [made.never_served(subject=name) for name in ("Nobody Ltd", "Acme Trading B.V.")] + [made.november()],
        False: [made.decision(made.first), made.erased("face-1", made.first, made.deleted)],
    }
    for expected, files in claims.items():
        for evidence in files:
            verdict = verify(made.seal(evidence), log_key=made.key)
            assert verdict.reason is None
            words = "it succeeds the log “candid.local/before” (key “candid.local/test+"
            assert says(verdict.not_established, words) is expected
            assert says(verdict.not_established, "at least 17 entries") is expected
    absent = verify(made.seal(claims[True][0]), log_key=made.key)
    assert (absent.verdict, says(absent.established, "all times of this log before")) == ("established", True)
    made.map.close()


def test_the_reserved_claim_is_never_established(world):
    verdict = verify(world.seal(world.evidence({"name": "moratorium-kept", "policy": "p"}, [])), log_key=world.key)
    assert (verdict.verdict, verdict.exit_code) == ("not-established", 1)
    assert says(verdict.not_established, "this version of the format")


@pytest.fixture(scope="module")
def small_file(world):
    return world.seal(world.erased("face-1", world.deleted))


def test_every_single_byte_flipped_is_found(world, small_file):
    """Each byte in its own way: all bits, the lowest, the one between capitals and small letters, and one by chance."""
    chance = random.Random(11)
    for place in range(len(small_file)):
        for change in {0xFF, 0x01, 0x20, chance.randrange(1, 256)}:
            changed = bytearray(small_file)
            changed[place] ^= change
            verdict = verify(bytes(changed), log_key=world.key)
            assert (verdict.verdict, verdict.exit_code) == ("invalid", 2), (place, change)
            assert verdict.reason


def test_every_truncation_and_addition_is_found(world, small_file):
    for size in range(len(small_file)):
        assert verify(small_file[:size], log_key=world.key).verdict == "invalid"
    for more in (b"\n", b" ", b"\0", small_file):
        assert verify(small_file + more, log_key=world.key).verdict == "invalid"
        assert verify(more + small_file, log_key=world.key).verdict == "invalid"


@pytest.mark.slow
def test_every_byte_of_every_value_is_found(world):
    file = world.seal(world.evidence({"name": "moratorium-kept", "policy": "p"}, []))
    for place in range(len(file)):
        for change in range(1, 256):
            changed = bytearray(file)
            changed[place] ^= change
            assert verify(bytes(changed), log_key=world.key).verdict == "invalid"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no evidence file"),
        (b"PK\x03\x04", "no evidence file"),
        (b"<html></html>", "no evidence file"),
        (b'{"a":1}\n', "no evidence file"),
        (b"null\n", "no evidence file"),
        (b'{"evidence":{', "cut off"),
        (b'{"evidence":{\n', "damaged"),
        (b'{"evidence":{}}\n', "damaged: lacks note"),
        (b'{"evidence":{},"note":1}\n', "damaged"),
        (b'{"evidence":{},"note":"x"}\n', "signed note"),
        (b'{"evidence":{},"note":"x","x":1}\n', "damaged"),
        (b'{"evidence":{}, "note":"x"}\n', "canonical"),
        (b'{"evidence":{"a":' + b"[" * 100_000 + b"\n", "damaged"),
        (b"x" * (MAX_FILE + 1), "at most 256 MiB"),
    ],
)
def test_broken_and_foreign_files_say_which(world, data, why):
    verdict = verify(data, log_key=world.key)
    assert (verdict.verdict, verdict.claim) == ("invalid", None)
    assert why in verdict.reason


def test_a_key_of_another_log_says_so(world, small_file):
    for key in (OTHER, SigningKey.generate("other.example", randomness=lambda size: bytes([7]) * size)):
        verdict = verify(small_file, log_key=f"{key.verifier}\n")
        assert verdict.verdict == "invalid"
        assert "not signed by the key given" in verdict.reason


@pytest.mark.parametrize("key", ["", "x", "a+b+c", "candid.local/test", "ключ+1+2"])
def test_a_key_that_is_none_is_wrong_use(small_file, key):
    with pytest.raises(InputError, match="no public key"):
        verify(small_file, log_key=key)


def test_forged_with_another_key(world, changed):
    evidence = changed("erased")
    assert "not signed by the key given" in verify(world.seal(evidence, OTHER), log_key=world.key).reason


def test_the_checkpoint_of_another_key_under_the_log_s_own_note(world, changed, tmp_path):
    evidence = changed("erased")
    mine = world.signer
    try:
        world.signer = OTHER
        evidence["checkpoint"] = world.checkpoint()
    finally:
        world.signer = mine
    assert "the checkpoint is not signed" in verify(world.seal(evidence), log_key=world.key).reason


def test_a_file_that_others_signed_too(world, changed, witness):
    from candid.ledger import Note, sign_note

    file = json.loads(world.seal(changed("erased")))
    text = Note.parse(file["note"].encode()).text
    file["note"] = bytes(sign_note(text, [world.signer, OTHER])).decode()
    assert "other signatures" in verify(canonical(file) + b"\n", log_key=world.key).reason


# Witnesses.


def policy_of(*keys, count):
    lines = [f"witness w{number} {key.verifier}" for number, key in enumerate(keys)]
    names = " ".join(f"w{number}" for number in range(len(keys)))
    return "\n".join([*lines, f"group all {count} {names}", "quorum all", ""])


def cosigned(world, changed, *witnesses):
    evidence = changed("erased")
    evidence["checkpoint"] = world.checkpoint(witnesses=witnesses, time=1_800_000_000)
    return world.seal(evidence)


def test_without_a_policy_nothing_is_said_of_witnesses(world, changed, witness):
    verdict = verify(cosigned(world, changed, witness), log_key=world.key)
    assert verdict.verdict == "established"
    assert says(verdict.not_established, "no policy of witnesses was given")
    assert says(verdict.not_established, "1 further signature under the checkpoint")


def test_cosigned(world, changed, witness):
    verdict = verify(cosigned(world, changed, witness), log_key=world.key, witness_policy=policy_of(witness, count=1))
    assert verdict.verdict == "established"
    assert says(
        verdict.established, "witness.example/w1 cosigned this state of the log at 15 January 2027, 08:00:00 UTC"
    )
    assert says(verdict.established, "As many witnesses cosigned as the policy given asks for")
    assert not says(verdict.not_established, "further signatures")


def test_a_stripped_witness(world, changed, witness):
    verdict = verify(cosigned(world, changed), log_key=world.key, witness_policy=policy_of(witness, count=1))
    assert (verdict.verdict, verdict.exit_code) == ("not-established", 1)
    assert says(verdict.not_established, "the policy asks for more than cosigned it (none of them)")


def test_a_false_cosignature(world, changed, witness):
    evidence = changed("erased")
    evidence["checkpoint"] = world.checkpoint(size=len(world.entries) - 1, witnesses=[witness], time=5)
    right = world.checkpoint()
    evidence["checkpoint"] = right + evidence["checkpoint"].split("\n\n")[1].split("\n")[1] + "\n"
    verdict = verify(world.seal(evidence), log_key=world.key, witness_policy=policy_of(witness, count=1))
    assert verdict.verdict == "invalid"
    assert "witness.example/w1 is false" in verdict.reason


def test_a_policy_that_demands_nobody(world, changed):
    verdict = verify(cosigned(world, changed), log_key=world.key, witness_policy="quorum none\n")
    assert says(verdict.not_established, "the policy given demands no witness")


@pytest.mark.parametrize("policy", ["", "nonsense", f"log {OTHER.verifier}\nquorum none\n"])
def test_a_policy_that_is_none_is_wrong_use(world, small_file, policy):
    with pytest.raises(InputError, match="witness policy"):
        verify(small_file, log_key=world.key, witness_policy=policy)


# The future.


@pytest.mark.parametrize(("late", "fine"), [(300_000, True), (300_001, False)])
def test_an_entry_that_is_later_than_the_verifier_s_clock(world, late, fine):
    """A server whose clock runs ahead states today a map of a time to come."""
    newest = world.entries[world.last_state]["time"]
    used = world.usage(world.other, [*world.others, world.other_statement])
    for evidence in (world.never_served(subject="Nobody Ltd"), used):
        last = json.loads(evidence["entries"][-1]["entry"])["time"]
        assert last in (newest, newest - 1)
        verdict = verify(world.seal(evidence), log_key=world.key, now=(last - late) / 1000)
        assert verdict.verdict == ("established" if fine else "invalid")
        assert fine or "it is from the future, or that clock is wrong" in verdict.reason


@pytest.mark.parametrize(("late", "fine"), [(299, True), (301, False)])
def test_an_entry_that_is_later_than_its_cosignature(world, witness, late, fine):
    evidence = world.never_served(subject="Nobody Ltd")
    seen = world.entries[world.last_state]["time"] // 1000 - late
    evidence["checkpoint"] = world.checkpoint(witnesses=[witness], time=seen)
    file = world.seal(evidence)
    verdict = verify(file, log_key=world.key, witness_policy=policy_of(witness, count=1))
    assert verdict.verdict == ("established" if fine else "invalid")
    assert fine or "the witness witness.example/w1 saw it" in verdict.reason
    assert verify(file, log_key=world.key).verdict == "established"  # whose cosignature it is was not given


# What never may happen: a traceback, or a claim established by changed evidence.


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes(world, data):
    for whole in (data, b'{"evidence":{' + data, b'{"evidence":{' + data + b"\n"):
        assert verify(whole, log_key=world.key).verdict == "invalid"


@settings(deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_any_key_and_policy(key, policy):
    with pytest.raises(InputError):
        verify(b"", log_key=key, witness_policy=policy)
