"""One key of the log gives one key of the VRF, and no other log the same."""

from __future__ import annotations

import hmac

from candid.ledger import SigningKey
from candid.ledger.vrf import VrfSecretKey
from candid.recording import vrf_key


def test_a_recorded_key():
    """HKDF-SHA256 (RFC 5869) of the seed, computed apart from the code."""
    signer = SigningKey.generate("candid.local/test", randomness=lambda _: bytes(range(32)))
    extracted = hmac.digest(bytes(32), signer.seed, "sha256")
    seed = hmac.digest(extracted, b"candid vrf 1: candid.local/test\x01", "sha256")
    assert vrf_key(signer).public.encoded == VrfSecretKey(seed).public.encoded


def test_names_and_seeds_give_different_keys():
    def key(name, seed):
        return vrf_key(SigningKey.generate(name, randomness=lambda _: seed)).public.encoded

    found = {key(name, bytes([seed]) * 32) for name in ("a", "b") for seed in (1, 2)}
    assert len(found) == 4
    assert key("a", bytes([1]) * 32) in found
