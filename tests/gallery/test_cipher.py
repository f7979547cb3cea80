"""Encryption: what is bound to what, and what each change does."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from candid.gallery.cipher import REMEMBERED, KeyRing, bind
from candid.gallery.errors import GalleryDamaged, WrongKey


@dataclass(frozen=True)
class Named:
    account: str = "a"
    id: str = "c"
    salt: bytes = bytes(32)


class Counter:
    """Randomness that never repeats."""

    def __init__(self):
        self.count = 0

    def __call__(self, size):
        self.count += 1
        return self.count.to_bytes(size, "big")


@pytest.fixture
def ring():
    return KeyRing(bytes(range(32)), Counter())


@given(st.lists(st.one_of(st.binary(max_size=6), st.text(max_size=4))), st.lists(st.binary(max_size=6)))
def test_binding_is_unambiguous(one, other):
    raw = [field.encode() if isinstance(field, str) else field for field in one]
    assert (bind(*one) == bind(*other)) == (raw == other)


def test_vectors_come_back(ring):
    cipher = ring.cipher(Named(), "template")
    vectors = np.random.default_rng(0).standard_normal((3, 5)).astype(np.float32)
    rows = [(b"%d" % i, cipher.seal_vector(vectors[i], owner=b"%d" % i, contract="m")) for i in range(3)]
    assert np.array_equal(cipher.open_vectors(rows, contract="m", dimension=5), vectors)
    assert cipher.open_vectors([], contract="m", dimension=5).shape == (0, 5)
    with pytest.raises(GalleryDamaged, match="dimension"):
        cipher.open_vectors(rows, contract="m", dimension=4)


def test_the_same_twice_looks_unrelated(ring):
    cipher = ring.cipher(Named(), "template")
    one, other = (cipher.seal(b"data", owner=b"o", contract="m") for _ in range(2))
    assert one[12:] != other[12:]


@pytest.mark.parametrize(
    "change",
    [
        {"owner": b"p"},
        {"contract": "m2"},
        {"named": Named(account="b")},
        {"named": Named(id="d")},
        {"named": Named(salt=bytes(31) + b"1")},
        {"purpose": "crop"},
        {"key": bytes(32)},
    ],
)
def test_what_belongs_elsewhere_cannot_be_opened(ring, change):
    sealed = ring.cipher(Named(), "template").seal(b"data", owner=b"o", contract="m")
    other = KeyRing(change.get("key", bytes(range(32))), Counter())
    cipher = other.cipher(change.get("named", Named()), change.get("purpose", "template"))
    owner, contract = change.get("owner", b"o"), change.get("contract", "m")
    with pytest.raises(GalleryDamaged):
        cipher.open(sealed, owner=owner, contract=contract)
    with pytest.raises(GalleryDamaged):
        cipher.open_vectors([(owner, sealed)], contract=contract, dimension=1)


@given(st.data())
def test_any_changed_byte_is_noticed(data):
    cipher = KeyRing(bytes(32), Counter()).cipher(Named(), "template")
    sealed = bytearray(cipher.seal(b"some data", owner=b"o", contract="m"))
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(GalleryDamaged):
        cipher.open(bytes(sealed), owner=b"o", contract="m")


@pytest.mark.parametrize("size", [0, 1, 12, 27])
def test_what_is_too_short(ring, size):
    with pytest.raises(GalleryDamaged):
        ring.cipher(Named(), "template").open(bytes(size), owner=b"o", contract="m")


def test_the_ring_forgets(ring):
    cipher = ring.cipher(Named(), "template")
    assert ring.cipher(Named(), "template") is cipher
    ring.forget(Named())
    assert ring.cipher(Named(), "template") is not cipher
    for number in range(REMEMBERED + 3):
        ring.cipher(Named(salt=b"%32d" % number), "template")
    assert len(ring._ciphers) == REMEMBERED


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_keys_of_another_length(size):
    with pytest.raises(WrongKey, match="32 bytes"):
        KeyRing(bytes(size), Counter())
