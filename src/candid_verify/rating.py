"""From entries to a bill: what was used in a month, and what it costs. Pure functions; integers only.

1. *Measuring.* The units of a `call/1` entry, which only a call with the outcome `ok` may have, count in the UTC month
   of its `time`; a `storage/1` entry counts in the month of its `day`, as `face-days` and `user-days`. Meters are names
   in the entries: a new one needs no change here.
2. *Which list.* A call is priced by the list in force at its `time`, a day's storage by that in force when the day
   began; only lists that stand before the entry count.
3. *Rating.* A customer's units of a meter are numbered from 1 in the order of the log, all month long. A unit costs
   what its number's tier costs in its list. So where prices change within a month, tiers go on counting.
4. *In time.* A day of storage that is entered after its deadline (see `candid_verify.deadlines`) is not billed, so
   that a month that is closed stays as it is. The bill names such entries.
5. *Rounding.* Each line (meter, list, tier) is rounded once to whole micro-units, halves to even. The total is the
   sum of the lines.

Units for which no list has a price stand in a line of their own and cost nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from candid_verify.deadlines import DAY, Deadlines
from candid_verify.errors import EntryError, FormatError
from candid_verify.prices import NEVER_CHARGED, LoggedPrices, MeterPrice, Opener, in_force, open_prices

FACE_DAYS, USER_DAYS = "face-days", "user-days"

_MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month in UTC, half-open: from `start` on, before `end`."""

    year: int
    month: int

    @classmethod
    def parse(cls, text: str) -> Month:
        """Read `YYYY-MM`.

        Raises:
            FormatError: it is none, or not from 1970 to 9998.
        """
        found = _MONTH.fullmatch(text)
        if found is None or not 1970 <= int(found[1]) <= 9998:
            raise FormatError(f"{text!r} is no month; write it like 2026-11")
        return cls(int(found[1]), int(found[2]))

    @classmethod
    def of(cls, time: int) -> Month:
        """The month of a time in milliseconds since the epoch."""
        moment = datetime.fromtimestamp(time // 1000, UTC)
        return cls(moment.year, moment.month)

    @property
    def next(self) -> Month:
        """The month after."""
        return Month(self.year + self.month // 12, self.month % 12 + 1)

    @property
    def start(self) -> int:
        """Its first millisecond."""
        return int(datetime(self.year, self.month, 1, tzinfo=UTC).timestamp()) * 1000

    @property
    def end(self) -> int:
        """The first millisecond of the next month."""
        return self.next.start

    @property
    def days(self) -> int:
        """How many days it has."""
        return (date(self.next.year, self.next.month, 1) - date(self.year, self.month, 1)).days

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"


@dataclass(frozen=True, slots=True)
class Quantity:
    """Units of one meter under one price list.

    Attributes:
        meter: such as `image-group-1`.
        prices: index of the entry of the list in force; None before the first.
        units: how many.
    """

    meter: str
    prices: int | None
    units: int


@dataclass(frozen=True, slots=True)
class Usage:
    """What a customer used in a month.

    Attributes:
        customer: the pseudonym.
        month: the month.
        quantities: by meter in alphabetical order, and for one meter in the order in which the lists were in force.
        calls: how many calls the customer made, of whatever outcome.
    """

    customer: str
    month: Month
    quantities: tuple[Quantity, ...]
    calls: int


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a bill.

    Attributes:
        meter: what was used.
        prices: index of the entry of the price list; None where none was in force.
        tier: 1 and on; 0 for what the free allowance covers; None where there is no price.
        first: the number of the line's first unit in the month, from 1 on.
        units: how many.
        unit: what is counted, by the list; the meter's name where there is no price.
        price: micro-units for `per` units; 0 in tier 0 and where there is no price.
        per: how many units `price` buys, in a monthly meter already by the month's days.
        amount: micro-units of the currency.
        currency: ISO 4217; None where there is no price.
    """

    meter: str
    prices: int | None
    tier: int | None
    first: int
    units: int
    unit: str
    price: int
    per: int
    amount: int
    currency: str | None

    def as_json(self) -> dict[str, int | str]:
        """The line in a bill's document; what is None is left out."""
        members = (
            ("meter", self.meter), ("prices", self.prices), ("tier", self.tier), ("first", self.first),
            ("units", self.units), ("unit", self.unit), ("price", self.price), ("per", self.per),
            ("amount", self.amount), ("currency", self.currency),
        )  # fmt: skip
        return {name: value for name, value in members if value is not None}


@dataclass(frozen=True, slots=True)
class Rating:
    """The lines of a bill and their sum.

    Attributes:
        lines: in the order of the usage's quantities, then of tiers.
        totals: micro-units by currency, in alphabetical order; all but always one.
    """

    lines: tuple[Line, ...]
    totals: Mapping[str, int]

    def as_json(self) -> dict[str, Any]:
        """`lines` and `totals` of a bill's document: what a verifier compares after it rated the usage itself."""
        return {"lines": [line.as_json() for line in self.lines], "totals": dict(self.totals)}


class Measuring:
    """Counts a month's usage of every customer, entry by entry in the order of the log. Not for several threads."""

    lists: list[LoggedPrices]  # those read so far, in the order of the log

    def __init__(self, month: Month, opener: Opener, *, customer: str | None = None) -> None:
        """Begin.

        Args:
            month: which month.
            opener: opens the notes of price lists; see `candid_verify.prices.Opener`.
            customer: count only this pseudonym; None for all.
        """
        self.month, self.lists, self._opener, self._customer = month, [], opener, customer
        self._counts: dict[str, dict[tuple[str, int | None], int]] = {}
        self._calls: dict[str, int] = {}
        self._stored: set[tuple[str, str]] = set()
        self._start, self._end = month.start, month.end
        self._current: int | None = None  # the list in force during [_known_from, _known_until)
        self._known_from, self._known_until = 0, 0
        self._latest = 0  # time of the entry before
        self._deadlines = Deadlines()
        self._late: dict[str, list[int]] = {}  # days of storage that came too late, by customer

    def add(self, index: int, entry: Mapping[str, Any]) -> None:
        """Count one entry, checked already to be of its kind.

        Raises:
            FormatError, ProofError: a price list is not what it must be; see `open_prices`.
            EntryError: a customer's day of storage stands in the log twice; a call has units though it was denied or
                failed; or an entry is of an earlier time than one before it (a list, or a call before prices rose,
                that was backdated).
            Exception: whatever the opener raises.
        """
        kind, time = entry["kind"], entry["time"]
        if time < self._latest:
            raise EntryError(f"entry {index} is of {time}, earlier than an entry before it ({self._latest}): backdated")
        if kind == "call/1":
            if self._start <= time < self._end:
                self._add_call(index, entry)
        elif kind == "storage/1":
            self._add_storage(index, entry)
        elif kind == "prices/1":
            self.lists.append(open_prices(index, entry, self._opener))
            self._known_from = self._known_until = 0
        self._latest = time
        self._deadlines.see(kind, time)

    @property
    def closed(self) -> bool:
        """Whether nothing can come to the month any more: the log is beyond the deadline of its last day's storage."""
        return self._deadlines.passed(self._end - DAY, self._latest)

    def late(self, customer: str) -> tuple[int, ...]:
        """The `storage/1` entries of a customer and this month that came after their deadline, and are not billed."""
        return tuple(self._late.get(customer, ()))

    def usages(self) -> dict[str, Usage]:
        """What each customer used, by pseudonym in alphabetical order."""
        known = self._counts.keys() | self._calls.keys() | self._late.keys()
        return {customer: self.usage(customer) for customer in sorted(known)}

    def usage(self, customer: str) -> Usage:
        """What one customer used, perhaps nothing."""
        # A dictionary keeps the order of the log, in which the lists came into force; the sort by meter is stable.
        counts = sorted(self._counts.get(customer, {}).items(), key=lambda each: each[0][0])
        quantities = tuple(Quantity(meter, prices, units) for (meter, prices), units in counts)
        return Usage(customer, self.month, quantities, self._calls.get(customer, 0))

    def _add_call(self, index: int, entry: Mapping[str, Any]) -> None:
        customer = entry["customer"]
        if self._customer is not None and customer != self._customer:
            return
        self._calls[customer] = self._calls.get(customer, 0) + 1
        if entry["units"]:
            if entry["outcome"] != "ok":
                raise EntryError(f"entry {index} bills a call that was not answered: its outcome is {entry['outcome']}")
            self._count(customer, entry["meter"], entry["time"], entry["units"])

    def _add_storage(self, index: int, entry: Mapping[str, Any]) -> None:
        customer, day = entry["customer"], entry["day"]
        start = _start_of(day, index)
        if not self._start <= start < self._end or (self._customer is not None and customer != self._customer):
            return
        if (customer, day) in self._stored:
            raise EntryError(f"entry {index} states a second time what a customer had stored on {day}")
        self._stored.add((customer, day))
        if self._deadlines.passed(start, entry["time"]):
            self._late.setdefault(customer, []).append(index)
            return
        for meter, units in ((FACE_DAYS, entry["faces"]), (USER_DAYS, entry["users"])):
            if units:
                self._count(customer, meter, start, units)

    def _count(self, customer: str, meter: str, time: int, units: int) -> None:
        if not self._known_from <= time < self._known_until:
            self._look_up(time)
        counts = self._counts.setdefault(customer, {})
        place = meter, self._current
        counts[place] = counts.get(place, 0) + units

    def _look_up(self, time: int) -> None:
        """Find the list in force at a time, and until when it will be."""
        found = in_force(self.lists, time)
        later = [each.prices.valid_from for each in self.lists if each.prices.valid_from > time]
        self._current = None if found is None else found.index
        self._known_from = 0 if found is None else found.prices.valid_from
        self._known_until = min([*later, self._end])


def measure(
    entries: Iterable[tuple[int, Mapping[str, Any]]], month: Month, opener: Opener, *, customer: str | None = None
) -> Measuring:
    """Count a month's usage.

    Args:
        entries: with their indexes, in the order of the log: all of them, or at least every `prices/1` entry and
            the `call/1` and `storage/1` entries of the customers in question. Whoever reads them checked them. Without
            the other customers' and `start/1`, some storage that is late may not be seen to be.
        month: which month.
        opener: opens the notes of price lists.
        customer: count only this pseudonym; None for all.

    Returns:
        What was counted: ask it for `usage(customer)` or `usages()`, and give its `lists` to `rate`.

    Raises:
        As `Measuring.add`.
    """
    found = Measuring(month, opener, customer=customer)
    for index, entry in entries:
        found.add(index, entry)
    return found


def rate(usage: Usage, lists: Iterable[LoggedPrices]) -> Rating:
    """What a customer's usage costs.

    Args:
        usage: of one customer and month.
        lists: the price lists of the log, as `Measuring.lists`; those that the usage names must be among them.

    Raises:
        FormatError: the usage names a list that is not among them.
    """
    by_index = {each.index: each for each in lists}
    lines: list[Line] = []
    meter, done = "", 0
    for each in usage.quantities:
        done = done if each.meter == meter else 0
        meter = each.meter
        if meter == NEVER_CHARGED:
            continue
        if each.prices is not None and each.prices not in by_index:
            raise FormatError(f"the usage is priced by entry {each.prices}, which is not among the price lists")
        found = None if each.prices is None else by_index[each.prices]
        lines += _lines(each, done, found, usage.month.days)
        done += each.units
    totals: dict[str, int] = {}
    for line in lines:
        if line.currency is not None:
            totals[line.currency] = totals.get(line.currency, 0) + line.amount
    return Rating(tuple(lines), dict(sorted(totals.items())))


def _lines(quantity: Quantity, done: int, found: LoggedPrices | None, days: int) -> Iterator[Line]:
    """The lines of units done + 1 … done + quantity.units."""
    price = None if found is None else found.prices.meters.get(quantity.meter)
    if found is None or price is None:
        meter = quantity.meter
        yield Line(meter, quantity.prices, None, done + 1, quantity.units, meter, 0, 1, 0, None)
        return
    last = done + quantity.units
    per = price.per * (days if price.monthly else 1)
    for tier, first, upto, micro in ranges(price, days):
        start, stop = max(first, done + 1), last if upto is None else min(upto, last)
        if start <= stop:
            units = stop - start + 1
            amount = half_even(units * micro, per)
            currency = found.prices.currency
            yield Line(quantity.meter, found.index, tier, start, units, price.unit, micro, per, amount, currency)


def ranges(price: MeterPrice, days: int) -> Iterator[tuple[int, int, int | None, int]]:
    """The ranges of a month's units: tier, first unit, last unit (None: no end), micro-units for `per` units.

    Args:
        price: of the meter.
        days: how many days the month has.
    """
    scale = days if price.monthly else 1
    free = price.free * scale
    if free:
        yield 0, 1, free, 0
    first = free + 1
    for number, tier in enumerate(price.tiers, 1):
        upto = None if tier.upto is None else tier.upto * scale
        if upto is None or upto >= first:
            yield number, first, upto, tier.price
            first = first if upto is None else upto + 1


def half_even(numerator: int, denominator: int) -> int:
    """The quotient rounded to an integer, a half to the even one: the one rounding of bills.

    Args:
        numerator: from 0 on.
        denominator: from 1 on.
    """
    whole, rest = divmod(numerator, denominator)
    return whole + (2 * rest > denominator or (2 * rest == denominator and whole % 2 == 1))


def _start_of(day: str, index: int) -> int:
    """The first millisecond of a UTC day."""
    try:
        return int(datetime.fromisoformat(f"{day}T00:00:00+00:00").timestamp()) * 1000
    except ValueError as error:
        raise EntryError(f"entry {index} is of the day {day}, which no month has") from error
