"""Quotas: counted from entries, refused beyond, in constant time, and the same after a restart."""

import logging
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.billing.logs import DAY, KEY, NOVEMBER, call, prices, storage, who

from candid.billing.counting import Counting
from candid.billing.errors import InvalidQuota, QuotaExceeded
from candid.billing.quotas import Quotas
from candid.billing.quotasettings import Budget, CustomerQuota, Limit, change_settings, parse_settings, read_settings
from candid.billing.reading import note_opener
from candid_verify.rating import Month, measure, rate

DECEMBER = Month(2026, 12).start
A, B = who("a"), who("b")
OPENER = note_opener(KEY)


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def listed(valid_from, *tiers, per=1, free=0, currency="USD", time=None):
    rows = [{"upto": tier[0], "price": tier[1]} if isinstance(tier, tuple) else {"price": tier} for tier in tiers]
    meter = {"unit": "image", "monthly": False, "per": per, "free": free, "tiers": rows}
    faces = {"unit": "face-day", "monthly": True, "per": 1, "free": 0, "tiers": [{"price": 7}]}
    meters = {"image-group-1": meter, "face-days": faces}
    return prices(
        valid_from if time is None else time, {"currency": currency, "valid_from": valid_from, "meters": meters}
    )


@pytest.fixture
def path(tmp_path):
    return tmp_path / "billing" / "quotas.json"


def limited(path, customer=A, **quota):
    budget = quota.pop("budget", None)
    meters = {name.replace("_", "-"): limit for name, limit in quota.items()}
    return change_settings(path, customer, lambda _: CustomerQuota(meters, budget))


def quotas(path, *entries, clock=None):
    found = Quotas(path, OPENER, clock=clock or Clock())
    found.replay(enumerate(entries))
    return found


def test_units_up_to_the_limit_and_none_beyond(path):
    limited(path, image_group_1=Limit(hard=3))
    found = quotas(path, call(A, NOVEMBER), call(A, NOVEMBER))
    assert found.check(A, "image-group-1", NOVEMBER) == ()
    with pytest.raises(QuotaExceeded) as refused:
        found.check(A, "image-group-1", NOVEMBER, units=2)
    assert str(refused.value) == (
        "the monthly limit of 3 units of image-group-1 is used up; it is reset on 2026-12-01 at 00:00 UTC"
    )
    found.observe(2, call(A, NOVEMBER + 1))
    with pytest.raises(QuotaExceeded):
        found.check(A, "image-group-1", NOVEMBER + 1)
    # Other meters, other customers and the next month are free.
    assert found.check(A, "image-group-2", NOVEMBER + 1) == ()
    assert found.check(B, "image-group-1", NOVEMBER + 1) == ()
    assert found.check(A, "image-group-1", DECEMBER) == ()
    assert found.used(A, NOVEMBER) == ({"image-group-1": 3}, {})
    assert found.used(A, DECEMBER) == ({}, {})


def test_what_failed_or_cost_nothing_is_not_counted(path):
    limited(path, image_group_1=Limit(hard=1), budget=Budget(Limit(hard=5), "USD"))
    failed = call(A, NOVEMBER, units=0, outcome="error", error="InvalidImageFormatException")
    found = quotas(path, listed(NOVEMBER, 5), failed, call(A, NOVEMBER, meter="free"))
    assert found.check(A, "image-group-1", NOVEMBER) == ()
    assert found.used(A, NOVEMBER) == ({"free": 1}, {})


def test_a_soft_limit_warns_once_a_month(path):
    limited(path, image_group_1=Limit(soft=1, hard=9))
    found = quotas(path, call(A, NOVEMBER))
    said = "the soft limit of 1 units of image-group-1 is passed in 2026-11"
    assert [found.check(A, "image-group-1", NOVEMBER) for _ in range(3)] == [(said,), (), ()]
    found.observe(1, call(A, DECEMBER, units=2))
    assert [found.check(A, "image-group-1", DECEMBER) for _ in range(2)] == [(said.replace("11", "12"),), ()]


def test_a_budget_is_of_the_bill(path):
    limited(path, budget=Budget(Limit(soft=2_000_000, hard=2_500_000), "USD"))
    found = quotas(path, listed(NOVEMBER, (2, 1_000_000), 250_000), call(A, NOVEMBER), call(A, NOVEMBER))
    assert found.used(A, NOVEMBER)[1] == {"USD": 2_000_000}
    warned = ("the soft limit of 2.000000 USD is passed in 2026-11",)
    assert found.check(A, "image-group-1", NOVEMBER) == warned
    found.replay([(3, call(A, NOVEMBER)), (4, call(A, NOVEMBER))])
    with pytest.raises(QuotaExceeded, match=r"monthly limit of 2\.500000 USD is used up; it is reset on 2026-12-01"):
        found.check(A, "image-group-1", NOVEMBER)
    # What costs nothing goes on: free operations, and meters without a price.
    assert found.check(A, "free", NOVEMBER) == ()
    assert found.check(A, "image-group-2", NOVEMBER) == ()


def test_a_budget_in_another_currency_counts_nothing(path):
    limited(path, budget=Budget(Limit(hard=1), "EUR"))
    assert quotas(path, listed(NOVEMBER, 5)).check(A, "image-group-1", NOVEMBER) == ()


def test_the_price_of_less_than_a_micro_unit_is_rounded_up_for_a_budget(path):
    limited(path, budget=Budget(Limit(hard=0), "USD"))
    with pytest.raises(QuotaExceeded):
        quotas(path, listed(NOVEMBER, 1, per=1000)).check(A, "image-group-1", NOVEMBER)
    assert quotas(path, listed(NOVEMBER, 0)).check(A, "image-group-1", NOVEMBER) == ()


def test_calls_in_flight_count(path):
    limited(path, image_group_1=Limit(hard=2), budget=Budget(Limit(hard=20), "USD"))
    found = quotas(path, listed(NOVEMBER, 10))
    with found.admit(A, "image-group-1", NOVEMBER) as warnings, found.admit(A, "image-group-1", NOVEMBER):
        assert warnings == ()
        with pytest.raises(QuotaExceeded, match="units"), found.admit(A, "image-group-1", NOVEMBER):
            pass
    limited(path, budget=Budget(Limit(hard=20), "USD"))
    found = quotas(path, listed(NOVEMBER, 10))
    with found.admit(A, "image-group-1", NOVEMBER, units=2), pytest.raises(QuotaExceeded, match="USD"):
        found.check(A, "image-group-1", NOVEMBER)
    assert found.check(A, "image-group-1", NOVEMBER) == ()


def test_many_threads_do_not_pass_a_hard_limit(path):
    limited(path, image_group_1=Limit(hard=100))
    found = quotas(path)
    index, admitted, refused = iter(range(10_000)), [], []
    lock = threading.Lock()

    def work():
        for _ in range(50):
            try:
                with found.admit(A, "image-group-1", NOVEMBER), lock:
                    found.observe(next(index), call(A, NOVEMBER))
                admitted.append(1)
            except QuotaExceeded:
                refused.append(1)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (len(admitted), len(refused)) == (100, 300)


def test_a_changed_file_is_seen_within_a_second_and_a_damaged_one_changes_nothing(path, caplog):
    clock = Clock()
    found = quotas(path, clock=clock)
    assert found.check(A, "image-group-1", NOVEMBER) == ()
    limited(path, image_group_1=Limit(hard=0))
    assert found.check(A, "image-group-1", NOVEMBER) == ()  # looked a moment ago
    clock.now = 1.0
    with pytest.raises(QuotaExceeded):
        found.check(A, "image-group-1", NOVEMBER)
    path.write_text("{")
    clock.now = 2.0
    with caplog.at_level(logging.ERROR), pytest.raises(QuotaExceeded):
        found.check(A, "image-group-1", NOVEMBER)
    assert "The quotas stay as they were" in caplog.text
    path.unlink()
    clock.now = 3.0
    assert found.check(A, "image-group-1", NOVEMBER) == ()
    clock.now = 4.0
    assert found.check(A, "image-group-1", NOVEMBER) == ()


def test_storage_of_a_month_that_is_over_is_not_counted_in_the_next():
    counting = Counting(OPENER)
    counting.observe(0, listed(NOVEMBER, 5))
    counting.observe(1, storage(A, DECEMBER, "2026-11-30", faces=60))
    assert counting.standing(A, NOVEMBER).spent == {"USD": 14}
    counting.observe(2, call(A, DECEMBER))
    counting.observe(3, storage(A, DECEMBER + 1, "2026-11-30", faces=60))
    assert counting.standing(A, DECEMBER).units == {"image-group-1": 1}
    counting.observe(4, {"kind": "map/1", "time": DECEMBER + 2})
    assert counting.price(A, "image-group-1", DECEMBER) == (5, 1, "USD")
    assert counting.price(A, "unknown", DECEMBER) is None


tables = st.tuples(
    st.sets(st.integers(1, 30), max_size=3), st.lists(st.integers(0, 9999), min_size=4, max_size=4), st.integers(1, 9)
)


@given(
    st.lists(tables, max_size=3),
    st.lists(
        st.tuples(st.integers(0, 29), st.sampled_from([A, B]), st.integers(0, 12), st.booleans(), st.integers(1, 9)),
        max_size=40,
    ),
)
def test_what_is_counted_is_the_bill(listings, events):
    """The quick way comes to what the plain way does, for every customer."""
    entries = []
    for nth, (borders, costs, per) in enumerate(listings):
        table = [*zip(sorted(borders), costs, strict=False), costs[3]]
        entries.append(listed(NOVEMBER + nth * 9 * DAY, *table, per=per, time=NOVEMBER))
    stored = set()
    for day, customer, units, faces, before in sorted(events):
        about = day - before  # some days are entered too late, and count nowhere
        if faces and about >= 0 and (about, customer) not in stored:
            stored.add((about, customer))
            entries.append(storage(customer, NOVEMBER + day * DAY, f"2026-11-{about + 1:02}", faces=units))
        else:
            entries.append(call(customer, NOVEMBER + day * DAY, units=units))
    counting = Counting(OPENER)
    for index, entry in enumerate(entries):
        counting.observe(index, entry)
    measured = measure(enumerate(entries), Month(2026, 11), OPENER)
    for customer in (A, B):
        usage = measured.usage(customer)
        standing = counting.standing(customer, NOVEMBER)
        assert standing.spent == rate(usage, measured.lists).totals
        units = {}
        for each in usage.quantities:
            units[each.meter] = units.get(each.meter, 0) + each.units
        assert standing.units == units


def test_settings_are_kept(path):
    assert read_settings(path) == {}
    both = CustomerQuota({"image-group-1": Limit(1, 2)}, Budget(Limit(soft=3), "EUR"))
    assert change_settings(path, A, lambda _: both) == both
    change_settings(path, B, lambda _: CustomerQuota({"x": Limit(hard=0)}))
    assert read_settings(path) == {A: both, B: CustomerQuota({"x": Limit(hard=0)})}
    change_settings(path, A, lambda found: CustomerQuota({}, found.budget))
    assert read_settings(path)[A] == CustomerQuota({}, both.budget)
    change_settings(path, A, lambda _: CustomerQuota())
    assert list(read_settings(path)) == [B]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is no JSON"),
        ("[]", "is no object"),
        ('{"version": 1}', "lacks customers"),
        ('{"version": 2, "customers": {}}', "has version 2"),
        ('{"version": 1, "customers": {"a": {"meters": {}}}}', "base64url"),
        ('{"version": 1, "customers": {"WHO": {}}}', "lacks meters"),
        ('{"version": 1, "customers": {"WHO": {"meters": {"m": {}}}}}', "neither soft nor hard"),
        ('{"version": 1, "customers": {"WHO": {"meters": {"m": {"hard": -1}}}}}', "hard is no number"),
        ('{"version": 1, "customers": {"WHO": {"meters": {"m": {"soft": 2, "hard": 1}}}}}', "soft limit above"),
        ('{"version": 1, "customers": {"WHO": {"meters": {}, "budget": {"hard": 1}}}}', "lacks currency"),
        (
            '{"version": 1, "customers": {"WHO": {"meters": {}, "budget": {"hard": 1, "currency": "usd"}}}}',
            "no currency of ISO 4217",
        ),
    ],
)
def test_a_damaged_file(path, text, message):
    text = text.replace("WHO", A)
    with pytest.raises(InvalidQuota, match=message):
        parse_settings(text.encode())
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(InvalidQuota):
        Quotas(path, OPENER)


def test_settings_that_cannot_be_read_or_written(path):
    path.mkdir(parents=True)
    with pytest.raises(InvalidQuota, match="cannot be read"):
        read_settings(path)
    path.rmdir()
    path.parent.rmdir()
    path.parent.write_text("no folder")
    with pytest.raises(InvalidQuota, match="cannot be"):
        limited(path, m=Limit(1))
    folder = path.parents[1] / "folder"
    (folder / ".quotas.json.tmp").mkdir(parents=True)
    with pytest.raises(InvalidQuota, match="cannot be written"):
        limited(folder / "quotas.json", m=Limit(1))
    with pytest.raises(InvalidQuota, match="neither soft nor hard"):
        limited(path.parents[1] / "other.json", m=Limit())
