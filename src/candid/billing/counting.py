"""What each customer has used and owes in the current month, kept up with each entry in constant time.

The amounts are those of the bill, to the micro-unit: each of a bill's lines is kept, and its rounded amount is
replaced when it grows. `candid_verify.rating` is the plain way to the same figures; a test compares them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from candid_verify.deadlines import Deadlines
from candid_verify.prices import NEVER_CHARGED, LoggedPrices, MeterPrice, Opener, in_force, open_prices
from candid_verify.rating import FACE_DAYS, USER_DAYS, Month, half_even, ranges

_Range = tuple[int, int, int | None, int]


@dataclass(slots=True)
class Standing:
    """What one customer used in a month.

    Attributes:
        units: by meter.
        spent: micro-units by currency.
        lines: units by meter, entry of the price list and tier: the lines of the bill.
    """

    units: dict[str, int] = field(default_factory=dict)
    spent: dict[str, int] = field(default_factory=dict)
    lines: dict[tuple[str, int, int], int] = field(default_factory=dict)


class Counting:
    """Counts entries. Whoever calls it sees to it that one thread does so at a time."""

    _start: int  # of the month of the newest entry that was counted, in milliseconds; 0 before the first
    _end: int  # of that month
    _standings: dict[str, Standing]  # of that month; replaced whole when the next begins
    _known: LoggedPrices | None  # the list in force during [_known_from, _known_until)

    def __init__(self, opener: Opener) -> None:
        """Count from nothing.

        Args:
            opener: opens the notes of price lists.
        """
        self._opener, self._lists = opener, list[LoggedPrices]()
        self._start, self._end, self._standings = 0, 0, {}
        self._ranges: dict[tuple[str, int], tuple[list[_Range], int, str] | None] = {}
        self._known_from, self._known_until, self._known = 0, 0, None
        self._deadlines = Deadlines()

    def observe(self, index: int, entry: Mapping[str, Any]) -> None:
        """Count an entry, in the order of the log.

        Args:
            index: where it stands.
            entry: of any kind, checked already to be of it.

        Raises:
            VerifyError: a price list is not what it must be.
            Exception: whatever the opener raises.
        """
        kind = entry["kind"]
        if kind == "call/1":
            if entry["units"]:
                self._count(entry["customer"], entry["meter"], entry["time"], entry["units"])
        elif kind == "storage/1":
            day = Month.parse(entry["day"][:7]).start + (int(entry["day"][8:]) - 1) * 86_400_000
            late = self._deadlines.passed(day, entry["time"])
            for meter, units in ((FACE_DAYS, entry["faces"]), (USER_DAYS, entry["users"])):
                if units and not late:
                    self._count(entry["customer"], meter, day, units)
        elif kind == "prices/1":
            self._lists.append(open_prices(index, entry, self._opener))
            self._known_from = self._known_until = 0
        self._deadlines.see(kind, entry["time"])

    def standing(self, customer: str, time: int) -> Standing:
        """What a customer used in the month of a time; not to be changed."""
        if time >= self._end:
            return Standing()
        return self._standings.get(customer) or Standing()

    def price(self, customer: str, meter: str, time: int) -> tuple[int, int, str] | None:
        """The price of a customer's next unit: micro-units, for how many units, currency; None where there is none."""
        found = self._priced(meter, time)
        if found is None:
            return None
        table, per, currency = found[1]
        _, _, _, micro = _range_of(table, self.standing(customer, time).units.get(meter, 0) + 1)
        return micro, per, currency

    def _count(self, customer: str, meter: str, time: int, units: int) -> None:
        if time >= self._end:
            month = Month.of(time)
            self._start, self._end, self._standings, self._ranges = month.start, month.end, {}, {}
        elif time < self._start:
            return  # a day of storage of the month before, which is over
        standing = self._standings.setdefault(customer, Standing())
        done = standing.units.get(meter, 0)
        standing.units[meter] = done + units
        found = None if meter == NEVER_CHARGED else self._priced(meter, time)
        if found is None:
            return
        index, (table, per, currency) = found
        spent = standing.spent.get(currency, 0)
        while units:
            tier, _, upto, micro = _range_of(table, done + 1)
            part = units if upto is None else min(units, upto - done)
            place = meter, index, tier
            before = standing.lines.get(place, 0)
            standing.lines[place] = before + part
            spent += half_even((before + part) * micro, per) - half_even(before * micro, per)
            done, units = done + part, units - part
        standing.spent[currency] = spent

    def _priced(self, meter: str, time: int) -> tuple[int, tuple[list[_Range], int, str]] | None:
        """The list in force at a time, and its ranges of a meter; None where it has no price."""
        if not self._known_from <= time < self._known_until:
            self._look_up(time)
        if self._known is None:
            return None
        place = meter, self._known.index
        if place not in self._ranges:
            price = self._known.prices.meters.get(meter)
            self._ranges[place] = None if price is None else _table(price, self._known, Month.of(time).days)
        table = self._ranges[place]
        return None if table is None else (self._known.index, table)

    def _look_up(self, time: int) -> None:
        self._known = in_force(self._lists, time)
        later = [each.prices.valid_from for each in self._lists if each.prices.valid_from > time]
        self._known_from = 0 if self._known is None else self._known.prices.valid_from
        self._known_until = min(later, default=time + 1_000_000_000_000)


def _table(price: MeterPrice, found: LoggedPrices, days: int) -> tuple[list[_Range], int, str]:
    return list(ranges(price, days)), price.per * (days if price.monthly else 1), found.prices.currency


def _range_of(table: list[_Range], unit: int) -> _Range:
    """The range that a unit is in; a list has at most 65 of them, and its last has no end."""
    return next(each for each in table if each[2] is None or unit <= each[2])
