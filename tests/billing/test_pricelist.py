"""Price lists as people write them in files, and what is refused before it stands in the log."""

import json

import pytest
from tests.billing.logs import KEY, NOVEMBER, SIGNER, call, who

from candid.billing import InvalidPrices, check_act, default_prices, logged_prices, parse_prices, prices_act
from candid.ledger import SigningKey
from candid_verify.errors import ProofError

LISTED = default_prices(NOVEMBER)


def written(**changes):
    document = LISTED.as_json() | changes
    return json.dumps({name: value for name, value in document.items() if value is not None}, indent=4).encode()


@pytest.mark.parametrize(
    ("valid_from", "expected"),
    [
        (NOVEMBER, NOVEMBER),
        ("2026-11-01", NOVEMBER),
        ("2026-11-01T00:00:01Z", NOVEMBER + 1000),
        (None, 17),
    ],
)
def test_when_a_list_begins(valid_from, expected):
    assert parse_prices(written(valid_from=valid_from), otherwise=17) == default_prices(expected)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{", "no JSON of integers and texts"),
        (b"\xff", "no JSON of integers and texts"),
        (b"[" * 100_000, "no JSON of integers and texts"),
        (b"[]", "is a JSON object"),
        (written(valid_from="tomorrow"), "write 2026-12-01 or"),
        (written(valid_from="2026-11-01T00:00:00+02:00"), "write 2026-12-01 or"),
        (written(valid_from="2026-02-30"), "which no calendar has"),
        (written(valid_from=True), "valid_from is no number"),
        (written(currency="dollars"), "currency that is not one"),
        (written(valid_from=2**53), "outside"),
        (b'{"currency":"USD","currency":"EUR"}', "twice"),
        (b'{"valid_from":1.5}', "1.5 is no integer"),
        (b'{"valid_from":NaN}', "NaN is no integer"),
    ],
)
def test_files_that_are_no_list(data, message):
    with pytest.raises(InvalidPrices, match=message):
        parse_prices(data, otherwise=0)


def test_an_act_is_what_the_log_takes():
    act = prices_act(LISTED, SIGNER) | {"time": NOVEMBER}
    assert check_act(act, KEY) == LISTED
    (found,) = logged_prices([(4, call(who("a"), 0)), (5, act)], KEY)
    assert (found.index, found.time, found.prices) == (5, NOVEMBER, LISTED)


def test_what_would_spoil_the_log_is_refused_before():
    act = prices_act(LISTED, SIGNER)
    with pytest.raises(InvalidPrices, match=r"is not logged: .* changed backwards"):
        check_act(act | {"time": NOVEMBER + 1}, KEY)
    with pytest.raises(InvalidPrices, match="not signed by the key given"):
        check_act(prices_act(LISTED, SigningKey.generate("other.example/log")) | {"time": 0}, KEY)
    with pytest.raises(InvalidPrices, match="is not logged"):
        check_act(act | {"time": 0, "note": "no note"}, KEY)
    with pytest.raises(ProofError):
        logged_prices([(5, act | {"time": NOVEMBER + 1})], KEY)
