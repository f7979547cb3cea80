"""Proofs of the map, beside the log library's own."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from candid.ledger.errors import LedgerError
from candid.ledger.map import MapProof, VerifiableMap, map_root
from candid_verify.errors import FormatError, ProofError, VerifyError
from candid_verify.mapproof import EMPTY, check_map_proof


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A map of 60 entries with some long shared ways, and proofs of what is and is not in it."""
    chance = random.Random(3)
    keys = [chance.randbytes(32) for _ in range(50)]
    keys += [keys[0][:size] + chance.randbytes(32 - size) for size in (1, 4, 9, 31)]
    entries = {key: chance.randbytes(32) for key in keys}
    absent = [chance.randbytes(32) for _ in range(30)] + [keys[0][:20] + bytes(12)]
    with VerifiableMap(tmp_path_factory.mktemp("map")) as found:
        root = found.insert(entries).root
        return root, entries, {key: bytes(found.prove(key)) for key in [*keys, *absent]}


def test_present_and_absent(made):
    root, entries, proofs = made
    assert root == map_root(entries)
    for key, proof in proofs.items():
        assert check_map_proof(key, proof, root) == entries.get(key)
    assert {proof[0] for proof in proofs.values()} == {0, 1, 2}


def test_an_empty_map():
    assert check_map_proof(bytes([1]) * 32, bytes(3), EMPTY) is None


@settings(deadline=None)
@given(st.data())
def test_a_changed_proof_proves_nothing(made, data):
    root, _, proofs = made
    key = data.draw(st.sampled_from(sorted(proofs)))
    proof = bytearray(proofs[key])
    proof[data.draw(st.integers(0, len(proof) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(VerifyError):
        check_map_proof(key, bytes(proof), root)


@settings(deadline=None)
@given(st.data())
def test_no_other_key_no_other_root_no_other_length(made, data):
    root, _, proofs = made
    key, other = data.draw(st.lists(st.sampled_from(sorted(proofs)), min_size=2, max_size=2, unique=True))
    proof = proofs[key]
    with pytest.raises(ProofError):
        check_map_proof(key, proof, bytes([1]) * 32)
    with pytest.raises(FormatError):
        check_map_proof(key, proof[: data.draw(st.integers(0, len(proof) - 1))], root)
    with pytest.raises(FormatError):
        check_map_proof(key, proof + b"\0", root)
    if proof[0] == 1 or proofs[other][0] == 1:
        with pytest.raises(VerifyError):
            check_map_proof(other, proof, root)


@settings(deadline=None)
@given(st.binary(max_size=150))
def test_judges_bytes_as_the_log_does(data):
    key, root = bytes(32), bytes([7]) * 32
    try:
        MapProof.decode(data)
        readable = True
    except LedgerError:
        readable = False
    with pytest.raises(ProofError if readable else FormatError):
        check_map_proof(key, data, root)


def test_a_leaf_that_is_not_in_the_way_is_refused():
    key = bytes(32)
    for other in (bytes([0x80]) + bytes(31), key):
        proof = bytes([2]) + (1).to_bytes(2, "big") + b"\x80" + bytes([5]) * 32 + other + bytes(32)
        with pytest.raises(ProofError, match="does not stand where"):
            check_map_proof(key, proof, bytes(32))


def test_spelled_in_one_way():
    flags_beyond_the_path = bytes([0]) + (1).to_bytes(2, "big") + b"\xc0" + bytes([5]) * 64
    empty_sibling_written = bytes([0]) + (1).to_bytes(2, "big") + b"\x80" + bytes(32)
    for proof in (flags_beyond_the_path, empty_sibling_written):
        with pytest.raises(FormatError, match="one spelling"):
            check_map_proof(bytes(32), proof, bytes(32))
