"""The VRF on RFC 9381's published vectors (appendix B.3), and against every change of key, input and proof."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from candid.ledger.edwards import IDENTITY, L, P
from candid.ledger.errors import VrfError
from candid.ledger.vrf import (
    OUTPUT_SIZE,
    PROOF_SIZE,
    VrfPublicKey,
    VrfSecretKey,
    _encode_to_curve,
    proof_output,
)

VECTORS = json.loads((Path(__file__).parent / "data" / "rfc9381.json").read_text())["vectors"]
SECRET = VrfSecretKey(bytes(range(32)))
PROOF = SECRET.prove(b"input")


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"alpha={vector['alpha'] or 'nothing'}")
def test_the_vectors_of_the_standard(vector):
    found = {name: bytes.fromhex(value) for name, value in vector.items()}
    secret = VrfSecretKey(found["sk"])
    assert secret.public.encoded == found["pk"]
    assert _encode_to_curve(found["pk"], found["alpha"]).encode() == found["h"]
    assert secret.prove(found["alpha"]) == found["pi"]
    assert secret.output(found["alpha"]) == found["beta"]
    assert proof_output(found["pi"]) == found["beta"]
    assert VrfPublicKey(found["pk"]).verify(found["alpha"], found["pi"]) == found["beta"]


def test_there_are_three_vectors_of_one_suite():
    assert len({vector["pi"] for vector in VECTORS}) == 3


@settings(max_examples=15, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200))
def test_what_is_proved_is_verified_and_is_the_output(seed, alpha):
    secret = VrfSecretKey(seed)
    proof, output = secret.prove(alpha), secret.output(alpha)
    assert (len(proof), len(output)) == (PROOF_SIZE, OUTPUT_SIZE)
    assert secret.public.verify(alpha, proof) == output == proof_output(proof)
    assert secret.prove(alpha) == proof  # nothing random in it, so an input has one proof
    assert secret.output(alpha + b"x") != output


def test_every_flipped_byte_of_a_proof_is_refused():
    for position in range(PROOF_SIZE):
        changed = bytearray(PROOF)
        changed[position] ^= 1
        with pytest.raises(VrfError):
            SECRET.public.verify(b"input", bytes(changed))


def test_a_proof_is_of_one_key_and_one_input():
    with pytest.raises(VrfError, match="of another key or another input, or was changed"):
        SECRET.public.verify(b"another", PROOF)
    with pytest.raises(VrfError, match="of another key or another input, or was changed"):
        VrfSecretKey(bytes(32)).public.verify(b"input", PROOF)


def test_an_output_has_one_proof_even_by_its_owner():
    """Another s by the group's order would be a second proof of the same; it is refused (section 5.4.4)."""
    s = int.from_bytes(PROOF[48:], "little") + L
    with pytest.raises(VrfError, match="no VRF proof"):
        SECRET.public.verify(b"input", PROOF[:48] + s.to_bytes(32, "little"))


@pytest.mark.parametrize("proof", [b"", PROOF[:-1], PROOF + b"\0", b"\xff" * 32 + PROOF[32:], bytes(79)])
def test_what_is_no_proof(proof):
    with pytest.raises(VrfError, match="no VRF proof"):
        SECRET.public.verify(b"input", proof)
    with pytest.raises(VrfError, match="no VRF proof"):
        proof_output(proof)


@given(st.binary(max_size=100))
def test_no_bytes_raise_anything_else(data):
    for proof in (data, PROOF[:32] + data, data + PROOF[len(data) :]):
        if proof == PROOF:
            continue
        with pytest.raises(VrfError):
            SECRET.public.verify(b"input", proof)


@pytest.mark.parametrize(
    "encoded",
    [
        b"",
        bytes(31),
        (2).to_bytes(32, "little"),
        IDENTITY.encode(),
        (P - 1).to_bytes(32, "little"),
        bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    ],
    ids=["nothing", "short", "no point", "the identity", "of order 2", "of order 8"],
)
def test_what_is_no_public_key(encoded):
    """Under a key of low order anything could be proved of anything."""
    with pytest.raises(VrfError, match="no VRF key"):
        VrfPublicKey(encoded).verify(b"input", PROOF)


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_secret_key_has_32_bytes(size):
    with pytest.raises(VrfError, match=f"a VRF key has 32 bytes, not {size}"):
        VrfSecretKey(bytes(size))


def test_a_key_is_made_of_the_randomness_given_and_does_not_show_itself():
    made = VrfSecretKey.generate(randomness=lambda size: bytes(range(size)))
    assert made.public == SECRET.public
    assert made.output(b"input") == SECRET.output(b"input")
    assert SECRET.seed.hex() not in repr(SECRET)
    assert VrfSecretKey.generate().public != VrfSecretKey.generate().public


def test_inputs_do_not_run_into_each_other():
    """Nothing of the input may move into what stands before or behind it in the hash."""
    outputs = {SECRET.output(alpha) for alpha in (b"", b"\0", b"\0\0", b"\1", b"\0\1")}
    assert len(outputs) == 5


def test_the_halves_of_two_proofs_are_no_proof():
    other = PROOF[:32] + SECRET.prove(b"other")[32:]
    with pytest.raises(VrfError):
        SECRET.public.verify(b"input", other)
