"""The VRF and its curve, beside the vectors of RFC 9381 and the log's own implementation."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from candid.ledger import edwards
from candid.ledger.vrf import VrfSecretKey
from candid_verify import curve
from candid_verify.errors import ProofError
from candid_verify.vrf import VrfKey

VECTORS = json.loads((Path(__file__).parents[1] / "ledger" / "data" / "rfc9381.json").read_text())["vectors"]
SECRET = VrfSecretKey(bytes([5]) * 32)
KEY = VrfKey(SECRET.public.encoded)
PROOF = SECRET.prove(b"label")
LOW_ORDER = [bytes([1]) + bytes(31), bytes([0xEC]) + b"\xff" * 30 + b"\x7f", bytes(32)]


@pytest.mark.parametrize("vector", VECTORS)
def test_vectors_of_the_rfc(vector):
    output = VrfKey(bytes.fromhex(vector["pk"])).output(bytes.fromhex(vector["alpha"]), bytes.fromhex(vector["pi"]))
    assert output.hex() == vector["beta"]


@settings(deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=100))
def test_same_output_as_the_log(seed, label):
    secret = VrfSecretKey(seed)
    assert VrfKey(secret.public.encoded).output(label, secret.prove(label)) == secret.output(label)


@settings(deadline=None)
@given(st.integers(0, 639), st.booleans())
def test_every_changed_bit_of_a_proof_is_found(bit, same_label):
    changed = (int.from_bytes(PROOF, "little") ^ 1 << bit).to_bytes(80, "little")
    with pytest.raises(ProofError):
        KEY.output(b"label" if same_label else b"other", changed)


@pytest.mark.parametrize(
    ("label", "proof"),
    [
        (b"other", PROOF),
        (b"label", PROOF[:-1]),
        (b"label", PROOF + b"\0"),
        (b"label", b""),
        (b"label", PROOF[:48] + (int.from_bytes(PROOF[48:], "little") + curve.L).to_bytes(32, "little")),
    ],
)
def test_a_proof_of_something_else(label, proof):
    with pytest.raises(ProofError, match="VRF proof"):
        KEY.output(label, proof)


@pytest.mark.parametrize("encoded", [*LOW_ORDER, b"\xff" * 32, b"", bytes(31), bytes([2]) + bytes(31)])
def test_what_is_no_key(encoded):
    with pytest.raises(ProofError, match="that is none"):
        VrfKey(encoded)


@settings(deadline=None)
@given(st.binary(min_size=32, max_size=32))
def test_decodes_the_same_points(data):
    ours, theirs = curve.decode(data), edwards.Point.decode(data)
    assert (ours is None) == (theirs is None)
    if ours is not None and theirs is not None:
        assert ours[:2] == (theirs.X, theirs.Y)
        assert curve.encode(ours) == data


def test_minus_zero_is_no_point():
    assert curve.decode((1 | 1 << 255).to_bytes(32, "little")) is None


@settings(deadline=None)
@given(st.lists(st.integers(0, 2**260), min_size=1, max_size=3))
def test_sum_of_multiples(scalars):
    points = [edwards.multiply(number + 2, edwards.BASE) for number in range(len(scalars))]
    tables = [curve.odd_multiples((each.X, each.Y, each.Z, each.T)) for each in points]
    wanted = edwards.IDENTITY
    for scalar, point in zip(scalars, points, strict=True):
        wanted = wanted.add(edwards.multiply(scalar, point))
    assert curve.encode(curve.sum_of(list(zip(scalars, tables, strict=True)))) == wanted.encode()


def test_the_sum_of_nothing():
    assert curve.is_identity(curve.sum_of([]))
