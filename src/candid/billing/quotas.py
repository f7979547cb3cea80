"""Quotas and budgets: whether a customer may use more this month.

Units and money are counted from the log's entries alone, so that after a restart `replay` finds the same figures.
A quota is of units of one meter, a budget of micro-units of one currency, both for a calendar month in UTC. A
*soft* limit warns once, a *hard* one refuses. A call is refused if what it may use would go beyond; calls in flight
count as if they were done, so that concurrent calls do not pass a hard limit either.

A refused call should get an error that the service model has for every operation and that no SDK tries again, since
each attempt is an entry of the log: `AccessDeniedException`, whose message says which limit and when it is reset.
`ProvisionedThroughputExceededException`, `ThrottlingException` and `LimitExceededException` are tried again, and
`ServiceQuotaExceededException` is in the model of five operations only.
"""

from __future__ import annotations

import logging
import threading
import time as clocks
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from candid.billing.counting import Counting
from candid.billing.errors import InvalidQuota, QuotaExceeded
from candid.billing.money import grouped
from candid.billing.quotasettings import Limit, Settings, read_settings
from candid_verify.prices import NEVER_CHARGED, Opener
from candid_verify.rating import Month
from candid_verify.times import day_of

LOOK_EVERY = 1.0  # seconds between two looks whether the file of quotas changed

_log = logging.getLogger("candid.quotas")


class Quotas:
    """Counts what customers use, and refuses what goes beyond. For many threads; constant time a call."""

    _settings: Settings  # guarded by _lock; replaced whole when the file changed
    _counting: Counting  # guarded by _lock
    _units: dict[tuple[str, str], int]  # guarded by _lock; units in flight, by customer and meter
    _money: dict[tuple[str, str], int]  # guarded by _lock; micro-units in flight, by customer and currency
    _warned: set[tuple[Month, str, str]]  # guarded by _lock; soft limits that were passed, each warned of once

    def __init__(self, path: Path, opener: Opener, *, clock: Callable[[], float] = clocks.monotonic) -> None:
        """Read the quotas; nothing is counted yet.

        Args:
            path: the file of quotas; see `candid.billing.quotasettings`. It may be missing.
            opener: opens the notes of price lists; see `candid.billing.note_opener`.
            clock: seconds, never going back; only says when to look at the file again.

        Raises:
            InvalidQuota: the file is damaged.
        """
        self._path, self._clock, self._lock = path, clock, threading.Lock()
        self._mark, self._looked = _mark(path), clock()
        self._settings = read_settings(path)
        self._counting = Counting(opener)
        self._units, self._money, self._warned = {}, {}, set()

    def replay(self, entries: Iterable[tuple[int, Mapping[str, Any]]]) -> None:
        """Count entries that stand in the log already: every price list, and at least the current month.

        Args:
            entries: with their indexes, in the order of the log; `candid.billing.billed_entries` gives them.

        Raises:
            VerifyError, LedgerError: what is wrong with a price list or the log.
        """
        for index, entry in entries:
            self.observe(index, entry)

    def observe(self, index: int, entry: Mapping[str, Any]) -> None:
        """Count an entry that is in the log now. Every entry, in order, once.

        Raises:
            VerifyError, LedgerError: a price list is not what it must be.
        """
        with self._lock:
            self._counting.observe(index, entry)

    def check(self, customer: str, meter: str, time: int, *, units: int = 1) -> tuple[str, ...]:
        """Whether a customer may use so much more of a meter.

        Args:
            customer: the pseudonym.
            meter: such as `image-group-1`.
            time: now, in milliseconds since the epoch.
            units: at most how many the call will use.

        Returns:
            What to warn of: sentences on soft limits that are passed now and were not before, seldom any.

        Raises:
            QuotaExceeded: no. The message says which limit, and when it is reset; it may be shown to the customer.
        """
        with self._lock:
            return self._check(customer, meter, time, units)

    @contextmanager
    def admit(self, customer: str, meter: str, time: int, *, units: int = 1) -> Iterator[tuple[str, ...]]:
        """As `check`; until the block ends the units are held, so that calls at the same time see them.

        The entry must be observed before the block ends.

        Raises:
            QuotaExceeded: as `check`.
        """
        with self._lock:
            warnings = self._check(customer, meter, time, units)
            # Nothing is held for customers without quotas, who are most; one set meanwhile misses these calls.
            held = units if customer in self._settings else 0
            cost, currency = self._cost(customer, meter, time, held) if held else (0, "")
            _add(self._units, (customer, meter), held)
            _add(self._money, (customer, currency), cost)
        try:
            yield warnings
        finally:
            with self._lock:
                _add(self._units, (customer, meter), -held)
                _add(self._money, (customer, currency), -cost)

    def used(self, customer: str, time: int) -> tuple[dict[str, int], dict[str, int]]:
        """Units by meter, and micro-units by currency, of a customer in the month of a time."""
        with self._lock:
            found = self._counting.standing(customer, time)
            return dict(found.units), dict(found.spent)

    def _check(self, customer: str, meter: str, time: int, units: int) -> tuple[str, ...]:
        self._look()
        quota = self._settings.get(customer)
        if quota is None:
            return ()
        standing = self._counting.standing(customer, time)
        found: list[str | None] = []
        if meter in quota.meters:
            after = standing.units.get(meter, 0) + self._units.get((customer, meter), 0) + units
            found.append(self._compare(quota.meters[meter], after, _Unit(meter), customer, time))
        if quota.budget is not None:
            cost, currency = self._cost(customer, meter, time, units)
            if cost and currency == quota.budget.currency:
                after = standing.spent.get(currency, 0) + self._money.get((customer, currency), 0) + cost
                found.append(self._compare(quota.budget.limit, after, _Money(currency), customer, time))
        return tuple(each for each in found if each is not None)

    def _compare(self, limit: Limit, after: int, what: _Unit | _Money, customer: str, time: int) -> str | None:
        """Refuse what goes beyond a hard limit; the warning where a soft one is passed for the first time."""
        month = Month.of(time)
        if limit.hard is not None and after > limit.hard:
            raise QuotaExceeded(
                f"the monthly limit of {what.say(limit.hard)} is used up; it is reset on {day_of(month.end)} "
                "at 00:00 UTC"
            )
        if limit.soft is None or after <= limit.soft or (month, customer, what.name) in self._warned:
            return None
        self._warned = {each for each in self._warned if each[0] == month} | {(month, customer, what.name)}
        return f"the soft limit of {what.say(limit.soft)} is passed in {month}"

    def _cost(self, customer: str, meter: str, time: int, units: int) -> tuple[int, str]:
        """What units cost at the price of the next one, rounded up to whole micro-units, and in which currency."""
        price = None if meter == NEVER_CHARGED else self._counting.price(customer, meter, time)
        if price is None:
            return 0, ""
        micro, per, currency = price
        return -(-units * micro // per), currency

    def _look(self) -> None:
        """Read the file of quotas again where it changed. A damaged one changes nothing, and is complained of."""
        now = self._clock()
        if now - self._looked < LOOK_EVERY:
            return
        self._looked = now
        mark = _mark(self._path)
        if mark == self._mark:
            return
        self._mark = mark
        try:
            self._settings = read_settings(self._path)
        except InvalidQuota as error:
            _log.error("The quotas stay as they were: %s.", error)


@dataclass(frozen=True, slots=True)
class _Unit:
    """What a quota limits."""

    name: str

    def say(self, limit: int) -> str:
        return f"{limit:,} units of {self.name}"


@dataclass(frozen=True, slots=True)
class _Money:
    """What a budget limits."""

    name: str

    def say(self, limit: int) -> str:
        return f"{grouped(limit)} {self.name}"


def _mark(path: Path) -> tuple[int, int, int] | None:
    """What changes with the file: it is always replaced whole, so it is another one each time."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _add(held: dict[tuple[str, str], int], place: tuple[str, str], amount: int) -> None:
    """Change what is held; nothing is kept of what is not held any more."""
    if not amount:
        return
    held[place] = held.get(place, 0) + amount
    if not held[place]:
        del held[place]
