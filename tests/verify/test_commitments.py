"""Commitments and pseudonyms."""

from __future__ import annotations

from hashlib import sha256

import pytest

from candid_verify.canonical import encode_bytes
from candid_verify.commitments import Opening, pseudonym
from candid_verify.errors import FormatError, ProofError

SALT = bytes(range(32))


def test_opens_its_own_commitment_and_no_other():
    opening = Opening(SALT, {"a": 1})
    assert opening.commitment == encode_bytes(sha256(b"candid-commitment/1\n" + SALT + b'{"a":1}').digest())
    opening.check(opening.commitment)
    assert Opening.from_json(opening.as_json()) == opening
    for other in (Opening(bytes(32), {"a": 1}), Opening(SALT, {"a": 2})):
        with pytest.raises(ProofError, match="does not fit"):
            other.check(opening.commitment)
    with pytest.raises(ProofError):
        opening.check("é")


@pytest.mark.parametrize(
    "found",
    [
        None,
        [],
        {},
        {"salt": "AA", "value": 1},
        {"salt": encode_bytes(SALT)},
        {"salt": encode_bytes(SALT), "value": 1, "x": 1},
    ],
)
def test_no_opening(found):
    with pytest.raises(FormatError):
        Opening.from_json(found)


def test_pseudonyms_differ_by_kind_value_and_secret():
    found = {
        pseudonym(kind, value, secret=secret).commitment
        for kind in ("key", "collection") for value in ("a", "b") for secret in (b"1", b"2")
    }  # fmt: skip
    assert len(found) == 8
    assert pseudonym("key", "a", secret=b"1").value == {"kind": "key", "value": "a"}
