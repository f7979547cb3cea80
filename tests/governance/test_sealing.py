from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from candid.governance.errors import GovernanceDamaged, WrongKey
from candid.governance.sealing import Sealer

SEALER = Sealer(bytes(range(32)), os.urandom)
OTHER = Sealer(bytes(32), os.urandom)


@settings(deadline=None)
@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=60),
    st.text("ABC", max_size=4),
    st.text("ab", max_size=4),
)
def test_what_is_sealed_opens_for_its_own_row_alone(secret, key_id, customer):
    sealed = SEALER.seal(secret, purpose=key_id, customer=customer)
    assert SEALER.open(sealed, purpose=key_id, customer=customer) == secret
    for sealer, k, c in ((SEALER, key_id + "A", customer), (SEALER, key_id, customer + "a"), (OTHER, key_id, customer)):
        with pytest.raises(GovernanceDamaged):
            sealer.open(sealed, purpose=k, customer=c)


@settings(deadline=None)
@given(st.integers(0, 67), st.integers(1, 255))
def test_any_changed_byte_is_noticed(at, change):
    sealed = bytearray(SEALER.seal("s" * 40, purpose="A", customer="a"))
    sealed[at] ^= change
    with pytest.raises(GovernanceDamaged):
        SEALER.open(bytes(sealed), purpose="A", customer="a")


@pytest.mark.parametrize("length", [0, 11, 12, 27])
def test_what_is_too_short_is_noticed(length):
    with pytest.raises(GovernanceDamaged):
        SEALER.open(bytes(length), purpose="A", customer="a")


def test_fields_are_not_run_together():
    sealed = SEALER.seal("s", purpose="AB", customer="C")
    with pytest.raises(GovernanceDamaged):
        SEALER.open(sealed, purpose="A", customer="BC")


def test_equal_secrets_are_sealed_differently():
    assert SEALER.seal("s", purpose="A", customer="a") != SEALER.seal("s", purpose="A", customer="a")


def test_a_key_of_another_length():
    with pytest.raises(WrongKey, match="32 bytes"):
        Sealer(bytes(16), os.urandom)


def test_a_fingerprint_tells_keys_apart_and_is_not_the_key():
    assert SEALER.matches(SEALER.fingerprint)
    assert not SEALER.matches(OTHER.fingerprint)
    assert SEALER.fingerprint not in bytes(range(32))
