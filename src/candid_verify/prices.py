"""Price lists: their form, what holds when, and that none was made to hold before it stood in the log.

A `prices/1` entry holds a signed note of the log's own key over

    "candid-prices/1" LF, the list in canonical JSON, LF

The list has `currency` (ISO 4217, three capitals), `valid_from` (milliseconds since the epoch, UTC), optionally
`title`, and `meters`: for each meter

| member | is |
|---|---|
| `unit` | what is counted, for people, such as `image` or `face-day` |
| `monthly` | true where the meter counts things by day (`face-days`) and the price is for one that is kept all month |
| `per` | how many units the price of a tier buys; from 1 on |
| `free` | how many units a month cost nothing; they are the month's first ones, and count in the tiers |
| `tiers` | `price` in micro-units of the currency, and `upto`, the month's last unit at it, but in the last tier |

In a month of D days one unit of a monthly meter is D units by day: `per`, `free` and `upto` are D times as many.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from candid_verify.canonical import canonical, parse
from candid_verify.entries import flag, members, number, text
from candid_verify.errors import FormatError, ProofError

Opener = Callable[[bytes], bytes]
"""Takes a signed note, checks that the log's key signed it, and gives its text with the final newline; raises else."""

HEADER = b"candid-prices/1\n"
NEVER_CHARGED = "free"
"""The meter of operations that cost nothing; no list has a price for it."""

_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_METER = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)
_MOST_TIERS = 64


@dataclass(frozen=True, slots=True)
class Tier:
    """A price for a range of a month's units.

    Attributes:
        upto: the last unit of the month that has this price, counted from 1; None for the last tier.
        price: micro-units of the currency for `MeterPrice.per` units.
    """

    upto: int | None
    price: int


@dataclass(frozen=True, slots=True)
class MeterPrice:
    """What a meter costs; see the table above."""

    unit: str
    monthly: bool
    per: int
    free: int
    tiers: tuple[Tier, ...]


@dataclass(frozen=True, slots=True)
class PriceList:
    """A price list.

    Attributes:
        currency: ISO 4217.
        valid_from: from when on it holds, milliseconds since the epoch, UTC.
        meters: prices by meter.
        title: for people; None where it has none.
    """

    currency: str
    valid_from: int
    meters: Mapping[str, MeterPrice]
    title: str | None = None

    @classmethod
    def from_json(cls, document: object) -> PriceList:
        """Check and read a list.

        Raises:
            FormatError: it is not in the documented form.
        """
        try:
            return _read_list(document)
        except FormatError as error:
            raise FormatError(f"the price list {error}") from error

    def as_json(self) -> dict[str, Any]:
        """The document that `from_json` reads."""
        meters = {name: _meter_json(price) for name, price in self.meters.items()}
        title = {} if self.title is None else {"title": self.title}
        return {"currency": self.currency, "valid_from": self.valid_from, "meters": meters, **title}

    @property
    def text(self) -> bytes:
        """The text of the note that is signed."""
        return HEADER + canonical(self.as_json()) + b"\n"


@dataclass(frozen=True, slots=True)
class LoggedPrices:
    """A price list in the log.

    Attributes:
        index: of its entry.
        time: of its entry.
        prices: the list.
    """

    index: int
    time: int
    prices: PriceList


def open_prices(index: int, entry: Mapping[str, Any], opener: Opener) -> LoggedPrices:
    """Read the list of a `prices/1` entry.

    Args:
        index: where the entry stands.
        entry: the entry.
        opener: checks the note's signature.

    Raises:
        FormatError: the text is no price list in its one spelling.
        ProofError: the list holds from before it stood in the log, so prices were changed backwards.
        Exception: whatever the opener raises.
    """
    # 1. The log's key signed the note.
    signed = opener(entry["note"].encode())
    # 2. Its text is a price list, spelled as it must be.
    if not signed.startswith(HEADER) or not signed.endswith(b"\n"):
        raise FormatError(f"entry {index} is no price list: its note does not begin with candid-prices/1")
    prices = PriceList.from_json(parse(signed[len(HEADER) : -1]))
    # 3. Nobody's past calls are priced by it.
    if prices.valid_from < entry["time"]:
        raise ProofError(
            f"the price list of entry {index} is valid from {prices.valid_from}, before it was logged at "
            f"{entry['time']}: prices were changed backwards"
        )
    return LoggedPrices(index, entry["time"], prices)


def in_force(lists: Iterable[LoggedPrices], time: int) -> LoggedPrices | None:
    """The list that holds at a time: of those valid by then the latest valid, and of these the latest logged.

    Args:
        lists: in any order.
        time: milliseconds since the epoch, UTC.
    """
    valid = [each for each in lists if each.prices.valid_from <= time]
    return max(valid, key=lambda each: (each.prices.valid_from, each.index), default=None)


def _from_one(value: Any) -> None:  # noqa: ANN401 - JSON
    number(value)
    if value == 0:
        raise FormatError("is 0; it is from 1 on")


_LIST = members({"title": text}, currency=text, valid_from=number, meters=lambda _: None)
_PRICE = members(unit=text, monthly=flag, per=_from_one, free=number, tiers=lambda _: None)
_TIER = members({"upto": number}, price=number)


def _read_list(document: Any) -> PriceList:  # noqa: ANN401 - JSON
    _LIST(document)
    if _CURRENCY.fullmatch(document["currency"]) is None:
        raise FormatError("has a currency that is not one of ISO 4217, such as USD")
    meters = document["meters"]
    if not isinstance(meters, dict):
        raise FormatError("has meters that are no object")
    return PriceList(
        document["currency"],
        document["valid_from"],
        {name: _read_meter(name, value) for name, value in meters.items()},
        document.get("title"),
    )


def _read_meter(name: str, value: Any) -> MeterPrice:  # noqa: ANN401
    if _METER.fullmatch(name) is None or len(name) > 64:
        raise FormatError(f"has a meter {name!r}; a meter is named like image-group-1")
    if name == NEVER_CHARGED:
        raise FormatError(f"has a price for {NEVER_CHARGED}, which is never charged")
    try:
        _PRICE(value)
        return MeterPrice(value["unit"], value["monthly"], value["per"], value["free"], _read_tiers(value["tiers"]))
    except FormatError as error:
        raise FormatError(f"has a meter {name} that {error}") from error


def _read_tiers(found: Any) -> tuple[Tier, ...]:  # noqa: ANN401
    if not isinstance(found, list) or not 0 < len(found) <= _MOST_TIERS:
        raise FormatError(f"has not 1–{_MOST_TIERS} tiers")
    before = 0
    for place, value in enumerate(found, 1):
        try:
            _TIER(value)
        except FormatError as error:
            raise FormatError(f"has a tier {place} that {error}") from error
        if ("upto" in value) == (place == len(found)):
            raise FormatError("must have upto in every tier but the last")
        if "upto" in value:
            if value["upto"] <= before:
                raise FormatError("has tiers that do not rise")
            before = value["upto"]
    return tuple(Tier(value.get("upto"), value["price"]) for value in found)


def _meter_json(price: MeterPrice) -> dict[str, Any]:
    tiers = [{"price": t.price} if t.upto is None else {"upto": t.upto, "price": t.price} for t in price.tiers]
    return {"unit": price.unit, "monthly": price.monthly, "per": price.per, "free": price.free, "tiers": tiers}
