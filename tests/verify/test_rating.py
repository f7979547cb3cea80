"""From entries to amounts: months, which list prices what, tiers, rounding; properties against a plain way."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from candid_verify.errors import EntryError, FormatError, ProofError
from candid_verify.prices import PriceList
from candid_verify.rating import Month, Quantity, Usage, half_even, measure, rate

DAY = 86_400_000
NOVEMBER = Month(2026, 11)
A, B = "A" * 43, "B" * 42 + "A"


def meter(*tiers, per=1, free=0, monthly=False, unit="image"):
    """A meter's price; each tier but the last is (upto, price)."""
    listed = [{"upto": tier[0], "price": tier[1]} if isinstance(tier, tuple) else {"price": tier} for tier in tiers]
    return {"unit": unit, "monthly": monthly, "per": per, "free": free, "tiers": listed}


def price_list(valid_from=0, currency="USD", **meters):
    named = {name.replace("_", "-"): value for name, value in meters.items()}
    return PriceList.from_json({"currency": currency, "valid_from": valid_from, "meters": named})


def logged(index, listed, time=0):
    """A `prices/1` entry whose note is the text itself: here nobody signs."""
    return index, {"kind": "prices/1", "time": time, "note": listed.text.decode()}


def opened(note):
    return note


def call(index, time, customer=A, meter="images", units=1):
    return index, {
        "kind": "call/1",
        "time": time,
        "customer": customer,
        "meter": meter,
        "units": units,
        "outcome": "ok",
    }


def stored(index, day, faces=0, users=0, customer=A):
    time = Month.parse(day[:7]).start + int(day[8:]) * DAY
    return index, {"kind": "storage/1", "time": time, "customer": customer, "day": day, "faces": faces, "users": users}


def bill(entries, month=NOVEMBER, customer=A):
    found = measure(entries, month, opened)
    return rate(found.usage(customer), found.lists)


def amounts(entries, **more):
    return [(line.tier, line.first, line.units, line.amount) for line in bill(entries, **more).lines]


@pytest.mark.parametrize(
    ("text", "days", "following"),
    [("2026-11", 30, "2026-12"), ("2026-12", 31, "2027-01"), ("2028-02", 29, "2028-03"), ("2100-02", 28, "2100-03")],
)
def test_months(text, days, following):
    month = Month.parse(text)
    assert (str(month), month.days, str(month.next)) == (text, days, following)
    assert month.end - month.start == days * DAY
    assert Month.of(month.start) == month == Month.of(month.end - 1)
    assert Month.of(month.end) == month.next


@pytest.mark.parametrize(
    "text", ["2026-13", "2026-00", "2026-1", "26-01", "2026-011", "٢٠٢٦-11", "1969-12", "9999-01", ""]
)
def test_what_is_no_month(text):
    with pytest.raises(FormatError, match="is no month"):
        Month.parse(text)


def test_periods_are_half_open():
    entries = [
        logged(0, price_list(images=meter(10))),
        call(1, NOVEMBER.start - 1),
        call(2, NOVEMBER.start),
        call(3, NOVEMBER.end - 1),
        call(4, NOVEMBER.end),
    ]
    assert amounts(entries) == [(1, 1, 2, 20)]
    assert amounts(entries, month=Month(2026, 10)) == [(1, 1, 1, 10)]
    assert amounts(entries, month=Month(2026, 12)) == [(1, 1, 1, 10)]


@pytest.mark.parametrize(
    ("units", "expected"),
    [
        (0, []),
        (1, [(0, 1, 1, 0)]),
        (2, [(0, 1, 2, 0)]),
        (3, [(0, 1, 2, 0), (1, 3, 1, 100)]),
        (10, [(0, 1, 2, 0), (1, 3, 8, 800)]),
        (11, [(0, 1, 2, 0), (1, 3, 8, 800), (2, 11, 1, 50)]),
        (21, [(0, 1, 2, 0), (1, 3, 8, 800), (2, 11, 10, 500), (3, 21, 1, 7)]),
    ],
)
def test_tiers_and_the_free_allowance(units, expected):
    entries = [
        logged(0, price_list(images=meter((10, 100), (20, 50), 7, free=2))),
        call(1, NOVEMBER.start, units=units),
    ]
    assert amounts(entries) == expected


def test_an_allowance_beyond_the_first_tiers_swallows_them():
    entries = [logged(0, price_list(images=meter((10, 100), (20, 50), 7, free=20)))]
    assert amounts([*entries, call(1, NOVEMBER.start, units=25)]) == [(0, 1, 20, 0), (3, 21, 5, 35)]


def test_prices_that_change_within_the_month_go_on_counting_tiers():
    change = NOVEMBER.start + 10
    old, new = price_list(images=meter((3, 100), 10)), price_list(change, images=meter((4, 200), 20))
    entries = [logged(0, old), logged(1, new, time=5)]
    entries += [call(2 + nth, NOVEMBER.start + 8 + nth) for nth in range(5)]  # 8, 9: old; 10, 11, 12: new
    lines = bill(entries).lines
    assert [(each.prices, each.tier, each.first, each.units, each.amount) for each in lines] == [
        (0, 1, 1, 2, 200),
        (1, 1, 3, 2, 400),
        (1, 2, 5, 1, 20),
    ]
    assert bill(entries).totals == {"USD": 620}


def test_of_two_lists_that_hold_the_later_valid_wins_and_then_the_later_logged():
    first, second = (price_list(10, images=meter(price)) for price in (1, 2))
    older = price_list(5, images=meter(9))
    entries = [logged(0, first), logged(1, second), logged(2, older), call(3, NOVEMBER.start)]
    assert bill(entries).lines[0].prices == 1
    # One that is logged after a call says nothing of it, be it of the same millisecond.
    assert bill([*entries, logged(4, price_list(NOVEMBER.start, images=meter(3)), NOVEMBER.start)]).lines[0].prices == 1
    entries.append(logged(4, price_list(NOVEMBER.start, images=meter(3)), NOVEMBER.start))
    assert [line.prices for line in bill([*entries, call(5, NOVEMBER.start)]).lines] == [1, 4]


def test_without_a_price_nothing_is_charged_and_it_is_said():
    entries = [call(0, NOVEMBER.start), logged(1, price_list(NOVEMBER.start, other=meter(1)), NOVEMBER.start)]
    entries += [call(2, NOVEMBER.start + 1), call(3, NOVEMBER.start + 1, meter="free")]
    found = bill(entries)
    assert [(line.meter, line.prices, line.tier, line.units, line.amount, line.currency) for line in found.lines] == [
        ("images", None, None, 1, 0, None),
        ("images", 1, None, 1, 0, None),
    ]
    assert found.totals == {}
    nothing = {"meter": "images", "units": 1, "unit": "images", "price": 0, "per": 1, "amount": 0}
    assert found.as_json() == {
        "lines": [
            {**nothing, "first": 1},
            {**nothing, "first": 2, "prices": 1},
        ],
        "totals": {},
    }


def test_storage_is_of_its_day_and_priced_by_the_month():
    faces = meter((2, 30), 3, monthly=True, unit="face-day", free=1)
    entries = [
        logged(0, price_list(face_days=faces, user_days=meter(31, monthly=True, unit="user-day"))),
        stored(1, "2026-10-31", faces=1000),
        stored(2, "2026-11-01", faces=40),
        stored(3, "2026-11-30", faces=50, users=10),
        stored(4, "2026-12-01", faces=1000),
    ]
    # Free: 30 face-days. Tier 1 to 60 face-days at 30/30 each, the rest at 3/30. Users: 10 × 31/30 = 10.33….
    assert amounts(entries) == [(0, 1, 30, 0), (1, 31, 30, 30), (2, 61, 30, 3), (1, 1, 10, 10)]


def test_a_day_of_storage_counts_by_the_list_of_its_beginning():
    change = NOVEMBER.start + DAY + 1  # within the second day
    new = price_list(change, face_days=meter(300, monthly=True))
    entries = [logged(0, price_list(face_days=meter(30, monthly=True))), logged(1, new)]
    entries += [stored(nth + 2, f"2026-11-0{nth + 1}", faces=1) for nth in range(3)]
    assert [(line.prices, line.units, line.amount) for line in bill(entries).lines] == [(0, 2, 2), (1, 1, 10)]


def test_each_customer_has_its_own_tiers_and_month():
    entries = [logged(0, price_list(images=meter((2, 10), 1))), *(call(i, NOVEMBER.start, A) for i in (1, 2, 3))]
    entries += [
        call(4, NOVEMBER.start, B, units=0),
        call(5, NOVEMBER.end, B),
        stored(6, "2026-12-01", faces=4, customer=B),
    ]
    found = measure(entries, NOVEMBER, opened)
    assert {who: usage.calls for who, usage in found.usages().items()} == {A: 3, B: 1}
    assert rate(found.usage(A), found.lists).totals == {"USD": 21}
    assert rate(found.usage(B), found.lists).lines == ()
    assert found.usage("C" * 43) == Usage("C" * 43, NOVEMBER, (), 0)
    only = measure(entries, NOVEMBER, opened, customer=A)
    assert only.usages() == {A: found.usage(A)}
    december = measure(entries, Month(2026, 12), opened, customer=A)
    assert december.usages() == {}
    # Kinds that are not billed are passed over.
    assert (
        measure([*entries, (7, {"kind": "map/1", "time": NOVEMBER.end + 2 * DAY})], NOVEMBER, opened).lists
        == found.lists
    )


def test_two_currencies_have_two_totals():
    change = NOVEMBER.start + 5
    entries = [logged(0, price_list(images=meter(3))), logged(1, price_list(change, "EUR", images=meter(4)))]
    entries += [call(2, change - 1), call(3, change)]
    assert bill(entries).totals == {"EUR": 4, "USD": 3}


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([stored(1, "2026-11-01", faces=1), stored(2, "2026-11-01", faces=1)], "a second time"),
        ([stored(1, "2026-11-30", faces=1), (2, {**stored(2, "2026-11-01")[1], "day": "2026-02-30"})], "backdated"),
        ([(1, {**stored(1, "2026-11-01")[1], "day": "2026-02-30"})], "which no month has"),
        ([call(1, NOVEMBER.start + 1), call(2, NOVEMBER.start)], "backdated"),
        ([(1, {**call(1, NOVEMBER.start)[1], "outcome": "denied"})], "entry 1 bills a call that was not answered"),
    ],
)
def test_entries_that_cannot_be(entries, message):
    with pytest.raises(EntryError, match=message):
        measure(entries, NOVEMBER, opened)


def test_prices_changed_backwards_are_found():
    entries = [
        call(0, NOVEMBER.start + 10),
        logged(1, price_list(NOVEMBER.start, images=meter(1)), NOVEMBER.start + 11),
    ]
    with pytest.raises(ProofError, match="prices were changed backwards"):
        measure(entries, NOVEMBER, opened)
    # Nor does it help to backdate the entry.
    backdated = logged(1, price_list(NOVEMBER.start, images=meter(1)), NOVEMBER.start)
    with pytest.raises(EntryError, match="backdated"):
        measure([entries[0], backdated], NOVEMBER, opened)


def test_a_usage_of_a_list_that_is_not_there():
    with pytest.raises(FormatError, match="priced by entry 7, which is not among the price lists"):
        rate(Usage(A, NOVEMBER, (Quantity("images", 7, 1),), 1), [])


@given(st.integers(0, 10**20), st.integers(1, 10**10))
def test_rounding_is_half_to_even(numerator, denominator):
    assert half_even(numerator, denominator) == round(Fraction(numerator, denominator))


price_lists = st.builds(
    lambda borders, prices, per, free: meter(
        *zip(sorted(borders), prices, strict=False), prices[-1], per=per, free=free
    ),
    st.sets(st.integers(1, 60), max_size=3),
    st.lists(st.integers(0, 10**6), min_size=4, max_size=4),
    st.integers(1, 7),
    st.integers(0, 70),
)


@given(
    st.lists(price_lists, min_size=1, max_size=3),
    st.lists(st.tuples(st.integers(0, 29), st.integers(0, 9)), max_size=30),
)
def test_the_sum_of_single_units(listed, calls):
    """The bill is what comes out if each unit is looked at alone."""
    lists = [price_list(NOVEMBER.start + nth * 10 * DAY, images=each) for nth, each in enumerate(listed)]
    entries = [logged(nth, each) for nth, each in enumerate(lists)]
    calls = sorted(calls)
    entries += [
        call(nth, NOVEMBER.start + day * DAY, units=units) for nth, (day, units) in enumerate(calls, len(lists))
    ]
    lines = {}
    unit = 0
    for day, units in calls:
        for _ in range(units):
            unit += 1
            nth = min(day // 10, len(lists) - 1)
            price = lists[nth].meters["images"]
            free = unit <= price.free
            tier = (
                0
                if free
                else next(place for place, each in enumerate(price.tiers, 1) if each.upto is None or unit <= each.upto)
            )
            cost = 0 if free else Fraction(price.tiers[tier - 1].price, price.per)
            lines[nth, tier] = lines.get((nth, tier), 0) + cost
    found = bill(entries)
    assert {(line.prices, line.tier): line.amount for line in found.lines} == {
        place: round(cost) for place, cost in lines.items()
    }
    assert sum(line.units for line in found.lines) == unit
    assert found.totals == ({"USD": sum(map(round, lines.values()))} if lines else {})


@given(st.integers(0, 40), st.integers(0, 40))
def test_customers_do_not_touch_each_other(mine, other):
    listed = logged(0, price_list(images=meter((5, 10), 1)))
    alone = [listed, *(call(nth, NOVEMBER.start, A) for nth in range(1, mine + 1))]
    both = [*alone, *(call(nth, NOVEMBER.start, B) for nth in range(mine + 1, mine + other + 1))]
    assert bill(alone) == bill(both)
