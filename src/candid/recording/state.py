"""What must be known of the entries so far to write the next one; a sum over the log, entry by entry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Any

from candid_verify.canonical import canonical
from candid_verify.times import day_of

ACTS_ONCE = frozenset({"customer/1", "key/1", "erasure/1", "prices/1"})
"""Kinds of which no two entries say the same."""


def act_digest(entry: Mapping[str, Any]) -> str:
    """What tells an act from others, whenever it was entered.

    Raises:
        FormatError: it holds what entries may not hold.
    """
    return sha256(canonical({name: value for name, value in entry.items() if name != "time"})).hexdigest()


@dataclass(slots=True)
class State:
    """The log in sum. Touched by one thread at a time.

    Attributes:
        size: entries that are summed up.
        leaf: leaf hash of the last of them, hex; empty for none.
        time: of the last of them, milliseconds.
        numbers: how many calls each customer has made, by pseudonym.
        customers: `customer/1` entries.
        labelled: of which have labels.
        mapped: `map/1` entries.
        map_entry: index of the newest of them; None before the first.
        map_root: the root that it states; empty before the first.
        run: index of the newest `start/1`; None before the first.
        calls: `call/1` entries of that run.
        clean: whether that run has ended with a `stop/1`.
        prices: indexes of the `prices/1` entries.
        act: digest of the newest entry of an act that is entered once (see `act_digest`), and its index.
        begun: the day (UTC) on which the log began; empty before its first entry.
        storage: the newest day of a `storage/1` entry of each customer, by pseudonym.
        stock_day: the newest day on which a call or an erasure changed what is stored; empty before the first.
    """

    size: int = 0
    leaf: str = ""
    time: int = 0
    numbers: dict[str, int] = field(default_factory=dict)
    customers: int = 0
    labelled: int = 0
    mapped: int = 0
    map_entry: int | None = None
    map_root: str = ""
    run: int | None = None
    calls: int = 0
    clean: bool = True
    prices: list[int] = field(default_factory=list)
    act: str = ""
    act_entry: int = 0
    begun: str = ""
    storage: dict[str, str] = field(default_factory=dict)
    stock_day: str = ""

    def add(self, entry: Mapping[str, Any], leaf: bytes) -> None:
        """Sum up the next entry."""
        kind, index = entry["kind"], self.size
        if kind == "call/1":
            self.numbers[entry["customer"]] = entry["number"]
            self.calls += 1
        elif kind == "customer/1":
            self.customers += 1
            self.labelled += "labels" in entry
        elif kind == "map/1":
            self.mapped += 1
            self.map_entry, self.map_root = index, entry["root"]
        elif kind == "start/1":
            self.run, self.calls, self.clean = index, 0, False
        elif kind == "stop/1":
            self.clean = True
        elif kind == "prices/1":
            self.prices.append(index)
        elif kind == "storage/1":
            self.storage[entry["customer"]] = entry["day"]
        elif kind == "log/1":
            self.begun = day_of(entry["time"])
        if "stored" in entry or kind == "erasure/1":
            self.stock_day = day_of(entry["time"])
        if kind in ACTS_ONCE and "request" not in entry:  # with a request it is part of a call, and no act
            self.act, self.act_entry = act_digest(entry), index
        self.size, self.leaf, self.time = index + 1, leaf.hex(), entry["time"]

    def as_json(self) -> dict[str, Any]:
        """For the snapshot's file."""
        return asdict(self)
