"""Price lists: one form each, signed, and never valid from before they were logged."""

import json
from pathlib import Path

import pytest

import candid.billing
from candid_verify.canonical import canonical
from candid_verify.errors import FormatError, ProofError
from candid_verify.prices import HEADER, LoggedPrices, PriceList, in_force, open_prices

GOOD = {
    "currency": "EUR",
    "valid_from": 1000,
    "title": "Prices of winter",
    "meters": {
        "image-group-1": {
            "unit": "image",
            "monthly": False,
            "per": 1000,
            "free": 5,
            "tiers": [{"upto": 10, "price": 3}, {"upto": 20, "price": 2}, {"price": 0}],
        }
    },
}


def changed(path, value):
    """A copy in which the member at a path is another; of None it is gone."""
    document = json.loads(json.dumps(GOOD))
    *before, last = path
    place = document
    for step in before:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return document


METER = ("meters", "image-group-1")
TIERS = (*METER, "tiers")
BAD = [
    (("currency",), None, "lacks currency"),
    (("currency",), "usd", "currency that is not one of ISO 4217"),
    (("currency",), "USDX", "currency that is not one of ISO 4217"),
    (("valid_from",), -1, "valid_from is no number"),
    (("valid_from",), True, "valid_from is no number"),
    (("surcharge",), 1, "has surcharge, which this kind does not know"),
    (("title",), "", "title is no text"),
    (("meters",), [], "meters that are no object"),
    (("meters", "Images"), {}, "a meter 'Images'"),
    (("meters", "a" * 65), {}, "a meter is named like image-group-1"),
    (("meters", "free"), {}, "a price for free, which is never charged"),
    (("meters", "video"), [], "meter video that is no object"),
    ((*METER, "per"), 0, "image-group-1 that per is 0"),
    ((*METER, "per"), None, "lacks per"),
    ((*METER, "free"), -1, "free is no number"),
    ((*METER, "monthly"), 0, "monthly is neither true nor false"),
    ((*METER, "unit"), 1, "unit is no text"),
    (TIERS, {}, "has not 1–64 tiers"),
    (TIERS, [], "has not 1–64 tiers"),
    (TIERS, [{"upto": n, "price": 1} for n in range(1, 65)] + [{"price": 1}], "has not 1–64 tiers"),
    (TIERS, [{"price": 1}, {"price": 1}], "upto in every tier but the last"),
    (TIERS, [{"upto": 5, "price": 1}], "upto in every tier but the last"),
    (TIERS, [{"upto": 5, "price": 1}, {"upto": 5, "price": 1}, {"price": 1}], "tiers that do not rise"),
    (TIERS, [{"upto": 0, "price": 1}, {"price": 1}], "tiers that do not rise"),
    ((*TIERS, 1), {"upto": 20, "price": -1}, "has a tier 2 that price is no number"),
    ((*TIERS, 1), 7, "has a tier 2 that is no object"),
]


def test_a_list_is_read_and_written_as_it_was():
    found = PriceList.from_json(GOOD)
    assert found.as_json() == GOOD
    assert found.text == b"candid-prices/1\n" + canonical(GOOD) + b"\n"
    untitled = changed(("title",), None)
    assert PriceList.from_json(untitled).as_json() == untitled


def test_the_shipped_list_is_one():
    path = Path(candid.billing.__file__).with_name("default_prices.json")
    document = json.loads(path.read_bytes()) | {"valid_from": 0}
    assert PriceList.from_json(document).as_json() == document


@pytest.mark.parametrize(("path", "value", "message"), BAD)
def test_what_is_no_list(path, value, message):
    with pytest.raises(FormatError, match="^the price list .*" + message):
        PriceList.from_json(changed(path, value))


def test_a_list_is_no_list_but_an_object():
    with pytest.raises(FormatError, match="the price list is no object"):
        PriceList.from_json([GOOD])


def entry(text, time=1000):
    return {"kind": "prices/1", "time": time, "note": text.decode()}


def test_a_logged_list_is_opened():
    listed = PriceList.from_json(GOOD)
    seen = []

    def opener(note):
        seen.append(note)
        return listed.text

    assert open_prices(7, entry(b"signed"), opener) == LoggedPrices(7, 1000, listed)
    assert seen == [b"signed"]


@pytest.mark.parametrize(
    ("text", "time", "error", "message"),
    [
        (b"candid-receipt/v1\n{}\n", 0, FormatError, "entry 7 is no price list"),
        (HEADER + canonical(GOOD), 0, FormatError, "entry 7 is no price list"),
        (HEADER + json.dumps(GOOD).encode() + b"\n", 0, FormatError, "not in its canonical spelling"),
        (HEADER + canonical(GOOD) + b"\n\n", 0, FormatError, "not in its canonical spelling"),
        (HEADER + canonical({}) + b"\n", 0, FormatError, "lacks currency"),
        (HEADER + canonical(GOOD) + b"\n", 1001, ProofError, "valid from 1000, before it was logged at 1001"),
    ],
)
def test_what_is_not_opened(text, time, error, message):
    with pytest.raises(error, match=message):
        open_prices(7, entry(text, time), lambda note: note)


def test_an_openers_refusal_passes_through():
    def refuse(note):
        raise PermissionError("not signed")

    with pytest.raises(PermissionError):
        open_prices(7, entry(b"x"), refuse)


def test_which_list_is_in_force():
    lists = [
        LoggedPrices(index, 0, PriceList.from_json(changed(("valid_from",), valid_from)))
        for index, valid_from in ((3, 10), (5, 30), (6, 20), (9, 30))
    ]
    for time, index in ((9, None), (10, 3), (19, 3), (20, 6), (29, 6), (30, 9), (99, 9)):
        found = in_force(lists, time)
        assert (None if found is None else found.index) == index
