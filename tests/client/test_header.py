"""The header: one receipt, two spellings."""

from __future__ import annotations

from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.client.conftest import SIGNER, Operator

from candid.client.header import MOST_RECEIPT, decode_receipt, open_receipt
from candid.ledger import LedgerError, SigningKey
from candid.ledger.errors import FormatError, UnknownKeyError


@given(st.binary(max_size=80))
def test_with_and_without_padding(data: bytes) -> None:
    padded = urlsafe_b64encode(data).decode()
    assert decode_receipt(padded) == decode_receipt(padded.rstrip("=")) == data


@pytest.mark.parametrize(
    "text", ["YQ=", "YQ===", "YR", "Y", "YQ\n", " YQ", "Y=Q", "YWJj=", "a+/b", "é", "YQ==YQ==", "="]
)
def test_nothing_else(text: str) -> None:
    with pytest.raises(FormatError):
        decode_receipt(text)


def test_a_receipt_is_verified(operator: Operator) -> None:
    placed = operator.enter()
    assert open_receipt(operator.promise(placed), SIGNER.verifier).entry == placed
    with pytest.raises(UnknownKeyError):
        open_receipt(operator.promise(placed), SigningKey.generate(SIGNER.name).verifier)


def test_no_character_of_a_receipt_can_change(operator: Operator) -> None:
    text = operator.promise(operator.enter())
    for at, character in enumerate(text):
        other = "A" if character != "A" else "B"
        with pytest.raises(LedgerError):
            open_receipt(text[:at] + other + text[at + 1 :], SIGNER.verifier)


def test_the_longest_receipt_is_kept(operators) -> None:
    name = "ä" * 500  # a key name has no limit of its own; no operator's is near this
    operator = operators(SigningKey.generate(name))
    assert len(operator.promise(operator.enter())) < MOST_RECEIPT
