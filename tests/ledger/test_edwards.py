"""Two multiplications beside each other: the plain one, and the one for secrets through X25519."""

from hashlib import sha512

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from candid.ledger.edwards import BASE, IDENTITY, L, P, Point, SecretScalar, multiply
from candid.ledger.errors import VrfError

scalars = st.integers(0, L - 1)
# A point of order 8 and one of order 2: what a full check of a key must refuse (RFC 9381, section 5.4.5).
ORDER_8 = bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")
ORDER_2 = (P - 1).to_bytes(32, "little")


def affine(point):
    """x and y, by which points are compared here: their other coordinates may differ."""
    inverse = pow(point.Z, -1, P)
    return point.X * inverse % P, point.Y * inverse % P


def slowly(scalar, point):
    """A multiple by nothing but addition: the plainest reference."""
    total = IDENTITY
    for _ in range(scalar):
        total = total.add(point)
    return total


def test_the_base_point_is_that_of_the_standard():
    assert BASE.encode().hex() == "58" + 31 * "66"  # RFC 8032, section 5.1: y = 4/5
    assert multiply(L, BASE).is_identity
    assert not BASE.is_identity


@pytest.mark.parametrize("scalar", range(40))
def test_small_multiples_are_sums(scalar):
    assert affine(multiply(scalar, BASE)) == affine(slowly(scalar, BASE))


@settings(max_examples=30, deadline=None)
@given(scalars, scalars)
def test_the_group_laws_hold(a, b):
    p, q = multiply(a, BASE), multiply(b, BASE)
    assert affine(p.add(q)) == affine(q.add(p)) == affine(multiply((a + b) % L, BASE))
    assert affine(p.double()) == affine(p.add(p))
    assert p.add(p.negate()).is_identity
    assert affine(p.times_cofactor()) == affine(multiply(8, p))
    assert affine(p.add(IDENTITY)) == affine(p)


@settings(max_examples=30, deadline=None)
@given(scalars)
def test_a_point_is_read_back(scalar):
    point = multiply(scalar, BASE)
    decoded = Point.decode(point.encode())
    assert decoded is not None
    assert affine(decoded) == affine(point)
    assert decoded.T == decoded.X * decoded.Y % P


@settings(max_examples=50, deadline=None)
@given(st.binary(min_size=32, max_size=32))
def test_what_can_be_read_has_one_spelling_and_lies_on_the_curve(data):
    point = Point.decode(data)
    if point is not None:
        assert point.encode() == data
        x, y = affine(point)
        assert (-x * x + y * y - 1 + 121665 * pow(121666, -1, P) * x * x * y * y) % P == 0


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(31),
        bytes(33),
        P.to_bytes(32, "little"),  # y = 0, spelt as P
        (P + 1).to_bytes(32, "little"),
        (2**255 - 1).to_bytes(32, "little"),
        (2).to_bytes(32, "little"),  # y = 2 has no x
        (1 | 1 << 255).to_bytes(32, "little"),  # x = 0 with a sign
        (P - 1 | 1 << 255).to_bytes(32, "little"),
    ],
    ids=["nothing", "short", "long", "P", "P+1", "all", "no x", "-0", "-0 of order 2"],
)
def test_what_is_no_point(data):
    assert Point.decode(data) is None


@pytest.mark.parametrize("data", [ORDER_8, ORDER_2, IDENTITY.encode()])
def test_points_of_low_order_vanish_under_the_cofactor(data):
    point = Point.decode(data)
    assert point is not None
    assert point.times_cofactor().is_identity


@settings(max_examples=40, deadline=None)
@given(scalars, st.integers(1, L - 1))
def test_the_secret_way_gives_the_same_point(secret, where):
    """The translation to X25519 and back, with either sign, for points that are not the base point."""
    point = multiply(where, BASE)
    try:
        found = SecretScalar(secret).multiply(point)
    except VrfError:
        # Scalars with an eighth that is nearly 0 or nearly L are the ones that have no translation.
        eighth = secret * pow(8, -1, L) % L
        assert min(eighth, L - eighth) <= L - 2**252 + 1
        return
    assert found.encode() == multiply(secret, point).encode()


def test_both_signs_are_used():
    assert {SecretScalar(number)._opposite for number in range(1, 8)} == {True, False}


@pytest.mark.parametrize("secret", [0, 8, L - 8, 8 * 2**120])
def test_a_scalar_that_cannot_be_translated_is_refused(secret):
    with pytest.raises(VrfError, match="choose another key"):
        SecretScalar(secret)


@settings(max_examples=20, deadline=None)
@given(st.binary(min_size=32, max_size=32))
def test_public_keys_are_those_of_openssl(seed):
    """Ed25519 of another library is the same multiple of the same base point."""
    digest = bytearray(sha512(seed).digest()[:32])
    digest[0] &= 248
    digest[31] = digest[31] & 127 | 64
    expected = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    scalar = int.from_bytes(digest, "little")
    assert multiply(scalar, BASE).encode() == expected
    assert SecretScalar(scalar).multiply(BASE).encode() == expected
