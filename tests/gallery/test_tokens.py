"""Page tokens are read back by the listing they continue, and by nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from candid.gallery.cipher import KeyRing
from candid.gallery.errors import InvalidPageToken
from candid.gallery.tokens import PageTokens

KEY = KeyRing(bytes(32), bytes).tokens


def tokens(now=1000.0):
    return PageTokens(KEY, clock=lambda: now, lifetime=100)


@given(st.integers(0, 2**64 - 1), st.lists(st.text(max_size=5), max_size=4))
def test_there_and_back(position, query):
    token = tokens().issue(position, *query)
    assert len(token) == 44
    assert tokens().read(token, *query) == position
    with pytest.raises(InvalidPageToken):
        tokens().read(token, *query, "more")


def test_no_token_is_the_beginning():
    assert tokens().read(None, "any") == 0


@pytest.mark.parametrize(("now", "valid"), [(1000, True), (1099, True), (1100, False), (10_000, False)])
def test_tokens_expire(now, valid):
    token = tokens().issue(7, "q")
    if valid:
        assert tokens(now).read(token, "q") == 7
    else:
        with pytest.raises(InvalidPageToken, match="expired"):
            tokens(now).read(token, "q")


@given(st.integers(0, 43), st.sampled_from("ABCabc019-_=+/ .ä"))
def test_one_text_a_position(place, character):
    token = tokens().issue(7, "q")
    other = token[:place] + character + token[place + 1 :]
    if other == token:
        assert tokens().read(other, "q") == 7
    else:
        with pytest.raises(InvalidPageToken):
            tokens().read(other, "q")


@pytest.mark.parametrize("token", ["", "a", "A" * 44, "A" * 43, "A" * 400, "\x00" * 44, "=" * 44])
def test_garbage(token):
    with pytest.raises(InvalidPageToken):
        tokens().read(token, "q")
