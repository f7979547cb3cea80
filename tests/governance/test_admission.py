from __future__ import annotations

import string

from hypothesis import given, settings
from hypothesis import strategies as st

from candid.governance.admission import check_account, check_country, check_name
from candid.governance.countries import COUNTRIES
from candid.governance.errors import InvalidCustomer


def test_the_codes_are_pairs_of_capitals():
    assert len(COUNTRIES) == 249
    assert all(len(code) == 2 and set(code) <= set(string.ascii_uppercase) for code in COUNTRIES)


@settings(deadline=None)
@given(st.text(max_size=300))
def test_a_name_is_taken_whole_or_refused(text):
    try:
        name = check_name(text)
    except InvalidCustomer:
        return
    assert name == text.strip()
    assert 1 <= len(name) <= 200


@settings(deadline=None)
@given(st.one_of(st.from_regex(r"\d{12}"), st.text(max_size=13)))
def test_an_account_is_twelve_ascii_digits(text):
    good = len(text) == 12 and set(text) <= set(string.digits)
    try:
        assert check_account(text) == text
    except InvalidCustomer:
        assert not good
    else:
        assert good


@settings(deadline=None)
@given(st.text(max_size=3))
def test_a_country_is_a_listed_code(text):
    try:
        assert check_country(text) in COUNTRIES
    except InvalidCustomer:
        assert text.upper() not in COUNTRIES
