"""Witness policies, beside the log library's reader."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from candid.ledger import Algorithm, Policy, SigningKey, sign_note
from candid.ledger.errors import LedgerError
from candid_verify.errors import InputError, ProofError
from candid_verify.notes import Key, Note
from candid_verify.witnesses import Policy as Ours
from candid_verify.witnesses import Seen

LOG = SigningKey.generate("log.example", randomness=lambda size: bytes([9]) * size)
WITNESSES = [
    SigningKey.generate(
        f"w{number}.example", Algorithm.COSIGNATURE, randomness=lambda size, n=number: bytes([n]) * size
    )
    for number in (1, 2, 3)
]
LINES = [f"witness w{number} {key.verifier} https://w{number}.example" for number, key in enumerate(WITNESSES, 1)]
BOTH = "\n".join([f"log {LOG.verifier} https://log.example", *LINES, "group two 2 w1 w2 w3", "quorum two", ""])


def cosigned(*numbers):
    signers = [WITNESSES[number - 1] for number in numbers]
    return Note.parse(bytes(sign_note(b"x\n1\n2\n", [LOG, *signers], time=1_800_000_000)).decode())


def test_two_of_three():
    policy = Ours.parse_for(BOTH, Key.parse(str(LOG.verifier)))
    for count in range(4):
        for numbers in combinations((1, 2, 3), count):
            seen = policy.seen_by(cosigned(*numbers))
            assert seen == [Seen(f"w{number}", f"w{number}.example", 1_800_000_000) for number in numbers]
            assert policy.is_satisfied_by(seen) == (count >= 2)


def test_a_witness_twice_counts_once():
    note = sign_note(b"x\n1\n2\n", [LOG, WITNESSES[0]], time=5)
    again = sign_note(b"x\n1\n2\n", [WITNESSES[0]], time=9)
    both = bytes(note).decode() + bytes(again).decode().split("\n\n")[1]
    policy = Ours.parse(BOTH)
    assert policy.seen_by(Note.parse(both)) == [Seen("w1", "w1.example", 5)]
    assert not policy.is_satisfied_by(policy.seen_by(Note.parse(both)))


def test_a_false_cosignature():
    note = cosigned(1)
    changed = Note("y\n1\n2\n", note.signatures)
    with pytest.raises(ProofError, match=r"w1\.example is false"):
        Ours.parse(BOTH).seen_by(changed)


def test_a_policy_of_another_log():
    other = SigningKey.generate("log.example", randomness=lambda size: bytes([8]) * size)
    with pytest.raises(InputError, match="for other logs"):
        Ours.parse_for(BOTH, Key.parse(str(other.verifier)))
    nobody = "\n".join([*LINES, "quorum none"])
    assert Ours.parse_for(nobody, Key.parse(str(other.verifier))).is_satisfied_by([])


def test_groups_of_groups():
    text = "\n".join([*LINES, "group a any w1 w2", "group b all a w3", "quorum b"])
    policy = Ours.parse(text)
    satisfied = {
        numbers: policy.is_satisfied_by(policy.seen_by(cosigned(*numbers))) for numbers in [(1, 2), (2, 3), (3,)]
    }
    assert satisfied == {(1, 2): False, (2, 3): True, (3,): False}


BAD = [
    "",
    "quorum w1\n",
    "quorum none\nquorum none\n",
    f"{LINES[0]}\n{LINES[0]}\nquorum none\n",
    f"{LINES[0]}\n{LINES[0].replace('witness w1', 'witness x')}\nquorum none\n",
    f"{LINES[0].replace('witness w1', 'witness none')}\nquorum none\n",
    f"log {LOG.verifier}\nlog {LOG.verifier}\nquorum none\n",
    f"log {WITNESSES[0].verifier}\nquorum none\n",
    f"witness w1 {LOG.verifier}\nquorum none\n",
    "witness w1 nonsense\nquorum none\n",
    "witness w1\nquorum none\n",
    f"{LINES[0]} more\nquorum none\n",
    f"{LINES[0]}\ngroup g 2 w1\nquorum g\n",
    f"{LINES[0]}\ngroup g 0 w1\nquorum g\n",
    f"{LINES[0]}\ngroup g +1 w1\nquorum g\n",
    f"{LINES[0]}\ngroup g any\nquorum g\n",
    f"{LINES[0]}\ngroup g any w2\nquorum g\n",
    f"{LINES[0]}\ngroup g any w1 w1\nquorum g\n",
    f"{LINES[0]}\ngroup g any w1\ngroup h any w1\nquorum g\n",
    f"{LINES[0]}\ngroup w1 any w1\nquorum none\n",
    "quorum none\r\n",
    "surprise\nquorum none\n",
    "# x\n" * 70_000,
    "".join(f"group g{number} any w{number}\n" for number in range(3)),
]


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_policy(text):
    with pytest.raises(InputError, match="policy"):
        Ours.parse(text)
    with pytest.raises(LedgerError):
        Policy.parse(text.encode())


def test_too_many_definitions():
    keys = [
        SigningKey.generate(
            "w", Algorithm.COSIGNATURE, randomness=lambda size, n=number: n.to_bytes(size, "big")
        ).verifier
        for number in range(1025)
    ]
    text = "".join(f"witness w{number} {key}\n" for number, key in enumerate(keys)) + "quorum none\n"
    with pytest.raises(InputError, match="more than 1024"):
        Ours.parse(text)


WORDS = st.sampled_from(
    ["log", "witness", "group", "quorum", "none", "w1", "w2", "g", "any", "all", "1", "2", "#", "\t"]
)
PIECES = WORDS | st.sampled_from([str(LOG.verifier), *(str(key.verifier) for key in WITNESSES)])


@settings(deadline=None)
@given(st.lists(st.lists(PIECES, max_size=5).map(" ".join) | st.sampled_from(LINES), max_size=6).map("\n".join))
def test_reads_as_the_log_does(text):
    try:
        theirs = Policy.parse(text.encode())
    except LedgerError:
        theirs = None
    try:
        ours = Ours.parse(text)
    except InputError:
        ours = None
    assert (ours is None) == (theirs is None)
    if ours is not None and theirs is not None:
        for numbers in [(), (1,), (2,), (1, 2), (1, 2, 3)]:
            seen = ours.seen_by(cosigned(*numbers))
            assert ours.is_satisfied_by(seen) == theirs.satisfied_by(each.witness.encode() for each in seen)
