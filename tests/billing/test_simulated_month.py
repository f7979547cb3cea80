"""A month as customers' programs would make it, written into a real log, and billed to the micro-unit.

The independent sum takes no part of Candid: it goes through the requests as they were sent, one by one, and adds
up what each costs by the price table written here.
"""

import random
import time
from collections import Counter
from fractions import Fraction

import pytest
from tests.billing.logs import DAY, KEY, NOVEMBER, call, prices, storage, who, write_log

from candid.billing import make_bills
from candid_verify.rating import Month

GROUPS = {
    "SearchFacesByImage": "image-group-1",
    "IndexFaces": "image-group-1",
    "CompareFaces": "image-group-1",
    "DetectFaces": "image-group-2",
    "ListFaces": None,
}
DAYS = 30


def request(chance):
    """One request as a program sends it: who, when, what, and how it ended."""
    # A few customers send most: so some pass every border of the tiers.
    number = min(int(chance.paretovariate(0.6)) - 1, 49)
    operation = chance.choices(list(GROUPS), (60, 10, 5, 20, 5))[0]
    outcome = chance.choices(("ok", "denied", "error"), (94, 3, 3))[0]
    return {
        "customer": f"customer {number}",
        "time": NOVEMBER - DAY // 2 + chance.randrange((DAYS + 1) * DAY),  # half a day of the months around it, too
        "operation": operation,
        "outcome": outcome,
    }


def price_table(borders, by_tier):
    """Prices in micro-dollars by tier; the last has no border."""
    tiers = [{"upto": upto, "price": price} for upto, price in zip(borders, by_tier, strict=False)]
    return [*tiers, {"price": by_tier[-1]}]


def price_list(valid_from, borders, by_tier, *, free, face):
    meter = {"unit": "image", "monthly": False, "per": 1, "free": free, "tiers": price_table(borders, by_tier)}
    faces = {"unit": "face-day", "monthly": True, "per": 1, "free": 0, "tiers": [{"price": face}]}
    meters = {"image-group-1": meter, "image-group-2": meter, "face-days": faces}
    return {"currency": "USD", "valid_from": valid_from, "meters": meters}


def simulate(count, scale):
    """The requests of a month in order of time, the stored faces by day, and when prices change."""
    chance = random.Random(20261101)  # this seed passes every border on both sides of the change
    requests = sorted((request(chance) for _ in range(count)), key=lambda each: each["time"])
    stored = {(day, number): chance.randrange(2_000_000) for day in range(DAYS) for number in range(50)}
    change = NOVEMBER + 17 * DAY + 12_345_678
    borders = [200 * scale, 800 * scale, 3000 * scale]  # Rekognition's are for larger customers; the rule is the same
    return requests, stored, change, borders


def entries_of(requests, stored, change, borders):
    """What a server would write: price lists, calls, days of storage."""
    yield prices(NOVEMBER - 2 * DAY, price_list(NOVEMBER - DAY, borders, (1000, 800, 600, 400), free=100, face=10))
    yield prices(NOVEMBER - 2 * DAY, price_list(change, borders, (1100, 870, 650, 430), free=50, face=13))
    midnights = iter(range(DAYS))
    day = next(midnights)
    for number, each in enumerate(requests):
        while day is not None and each["time"] >= NOVEMBER + (day + 1) * DAY:
            yield from stored_entries(stored, day)
            day = next(midnights, None)
        meter = GROUPS[each["operation"]]
        yield call(
            who(each["customer"]),
            each["time"],
            operation=each["operation"],
            number=number,
            meter=meter or "free",
            units=int(each["outcome"] == "ok"),
            **({} if each["outcome"] == "ok" else outcome_of(each)),
        )
    while day is not None:
        yield from stored_entries(stored, day)
        day = next(midnights, None)


def outcome_of(each):
    error = {"error": "InvalidImageFormatException"} if each["outcome"] == "error" else {}
    return {"outcome": each["outcome"], **error}


def stored_entries(stored, day):
    for number in range(50):
        yield storage(
            who(f"customer {number}"), NOVEMBER + (day + 1) * DAY, f"2026-11-{day + 1:02}", faces=stored[day, number]
        )


def expected_totals(requests, stored, change, borders):
    """The independent sum, in micro-dollars by customer."""
    old, new = (1000, 800, 600, 400), (1100, 870, 650, 430)
    images, owed = Counter(), Counter()
    for each in requests:
        in_november = NOVEMBER <= each["time"] < NOVEMBER + DAYS * DAY
        group = GROUPS[each["operation"]]
        if not in_november or each["outcome"] != "ok" or group is None:
            continue
        later = each["time"] >= change
        images[each["customer"], group] += 1
        nth = images[each["customer"], group]
        if nth <= (50 if later else 100):
            continue
        tier = sum(nth > border for border in borders)
        owed[each["customer"]] += (new if later else old)[tier]
    for number in range(50):
        # A month has two lines of stored faces, one for each list; each is rounded, halves to even, as round() does.
        before = sum(stored[day, number] for day in range(DAYS) if NOVEMBER + day * DAY < change)
        after = sum(stored[day, number] for day in range(DAYS) if NOVEMBER + day * DAY >= change)
        owed[f"customer {number}"] += round(Fraction(before * 10, 30)) + round(Fraction(after * 13, 30))
    return dict(owed)


def billed_totals(reader):
    bills = make_bills(reader, KEY, Month(2026, 11))
    return {bill.usage.customer: bill.rating.totals["USD"] for bill in bills}, bills


def test_a_small_month(tmp_path):
    month = simulate(20_000, 1)
    billed, bills = billed_totals(write_log(tmp_path / "ledger", entries_of(*month)))
    assert billed == {who(name): owed for name, owed in expected_totals(*month).items()}
    # The month is what it claims to be: all customers, every tier, and both lists.
    assert len(billed) == 50
    lines = [line for bill in bills for line in bill.rating.lines if line.meter == "image-group-1"]
    assert {line.tier for line in lines} == {0, 1, 2, 3, 4}
    assert {line.prices for line in lines} == {0, 1}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_month_of_a_million_calls(tmp_path, capsys):
    month = simulate(1_000_000, 50)
    reader = write_log(tmp_path / "ledger", entries_of(*month))
    started = time.perf_counter()
    billed, bills = billed_totals(reader)
    seconds = time.perf_counter() - started
    with capsys.disabled():
        print(f"\nbilled {reader.size:,} entries of {len(bills)} customers in {seconds:.1f} s")
    assert billed == {who(name): owed for name, owed in expected_totals(*month).items()}
    assert len(billed) == 50
    assert {line.tier for bill in bills for line in bill.rating.lines} == {0, 1, 2, 3, 4}
