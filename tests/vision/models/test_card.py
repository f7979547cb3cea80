"""Cards: written and read strictly."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from candid.vision.errors import ModelError
from candid.vision.models import Card, Input, Kind
from candid.vision.models.building import card_of
from candid.vision.models.recipes import RECIPES

CARDS = [card_of(recipe, b"model", dim=192) for recipe in RECIPES.values()]


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_a_card_comes_back_as_it_was_written(card):
    assert Card.from_json(card.to_json()) == card


def test_a_card_without_a_source_comes_back():
    card = replace(CARDS[0], source=None, accuracy={"tar": "0.99"})
    assert Card.from_json(card.to_json()) == card


@given(data=st.data())
@settings(deadline=None, max_examples=200)
def test_a_card_with_another_value_anywhere_is_read_whole_or_refused(data):
    document = json.loads(data.draw(st.sampled_from(CARDS)).to_json())
    place = document
    while True:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else list(range(len(place)))))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = data.draw(st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.just({}))
    try:
        card = Card.from_json(json.dumps(document).encode())
    except ModelError:
        return
    assert Card.from_json(card.to_json()) == card


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"{}", b'{"format": 1}', b"\xff", b"[" * 100_000, CARDS[0].to_json()[:-9]]
)
def test_a_damaged_card_is_refused(content):
    with pytest.raises(ModelError, match="candid models pull"):
        Card.from_json(content)


def test_an_unknown_field_and_a_missing_one_are_refused():
    document = json.loads(CARDS[0].to_json())
    with pytest.raises(ModelError, match="damaged"):
        Card.from_json(json.dumps(document | {"more": 1}).encode())
    del document["licence"]
    with pytest.raises(ModelError, match="damaged"):
        Card.from_json(json.dumps(document).encode())


def test_an_embedder_has_a_contract_and_a_detector_has_none():
    card = card_of(RECIPES["mobilefacenet"], b"model", dim=192)
    contract = card.contract
    assert (contract.model, contract.version, contract.dim) == ("mobilefacenet", "10.0", 192)
    assert contract.preprocessing == "p1"
    # The weights' digest, not the conversion's: templates stay comparable when only the conversion changes.
    assert contract.digest == RECIPES["mobilefacenet"].members[0].digest
    assert card_of(RECIPES["mobilefacenet"], b"converted anew", dim=192).contract == contract
    with pytest.raises(ModelError, match="not an embedder"):
        _ = card_of(RECIPES["mtcnn-pnet"], b"model").contract


def test_an_input_is_free_where_it_says_zero():
    assert Input(height=0, width=0, low=0.0, high=1.0).batch == 0
    assert Kind("embedder") is Kind.EMBEDDER
