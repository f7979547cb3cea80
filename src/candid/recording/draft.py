"""Entries that are about to be appended, and the state as it will be if they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from candid.recording.errors import NotRecorded
from candid.recording.spelling import spell
from candid.recording.state import ACTS_ONCE, State, act_digest
from candid_verify.times import LONGEST_CALL

Entry = dict[str, Any]


class Draft:
    """A batch: what was added so far counts for what is added next; the state itself stays as it is."""

    def __init__(self, state: State, *, now: int) -> None:
        """Begin a batch.

        Args:
            state: of what is durable.
            now: milliseconds since the epoch. Where the clock was set back, entries get the time of the newest one.
        """
        self._state = state
        self._numbers: dict[str, int] = {}
        self._calls, self._ended = 0, False
        self.time = max(now, state.time)
        self.entries: list[Entry] = []
        self.data: list[bytes] = []

    @property
    def run(self) -> int:
        """Index of the `start/1` entry of this run.

        Raises:
            NotRecorded: no server runs.
        """
        if self._state.run is None or self._state.clean or self._ended:
            raise NotRecorded("a call belongs to a run of the server, and none has started or it has ended")
        return self._state.run

    @property
    def calls(self) -> int:
        """Calls of this run so far."""
        return self._state.calls + self._calls

    @property
    def map_entry(self) -> int | None:
        """Index of the newest `map/1` entry."""
        return self._state.map_entry

    @property
    def customers(self) -> int:
        """`customer/1` entries so far."""
        return self._state.customers

    def number(self, customer: str) -> int:
        """How many calls a customer has made so far."""
        return self._numbers.get(customer, self._state.numbers.get(customer, 0))

    def numbered(self, entry: Mapping[str, Any]) -> Entry:
        """A `call/1` entry with its run and its number.

        A clock that was set while the call was under way, or is behind the newest entry, does not make it end before it
        started, nor last longer than a call may: the audit would take that for a lie.
        """
        number = self.number(entry["customer"]) + 1
        started = min(max(entry["started"], self.time - LONGEST_CALL), self.time)
        return {**entry, "run": self.run, "number": number, "started": started}

    def standing(self, entry: Mapping[str, Any]) -> int | None:
        """Where an act stands that was handed in before, and is the newest of its kinds; None where it does not."""
        if entry["kind"] in ACTS_ONCE and act_digest(entry) == self._state.act:
            return self._state.act_entry
        return None

    def completed(self, entry: Mapping[str, Any]) -> Entry:
        """An act's entry with what is known here."""
        if entry["kind"] == "statement/1":
            return {**entry, "number": self.number(str(entry.get("customer")))}
        return dict(entry)

    def take(self, make: Callable[[Draft], list[Entry]]) -> int:
        """Add what `make` gives; how many entries that is.

        Raises:
            EntryError, ActRefused: one of them is none.
            NotRecorded: it belongs to a run, and no server runs.
        """
        entries = make(self)
        for entry in entries:
            self.add(entry)
        return len(entries)

    def add(self, entry: Entry) -> None:
        """Add an entry, with the time.

        Raises:
            EntryError: it is none.
        """
        timed = {**entry, "time": self.time}
        self.data.append(spell(timed))
        self.entries.append(timed)
        if timed["kind"] == "call/1":
            self._numbers[timed["customer"]] = timed["number"]
            self._calls += 1
        elif timed["kind"] == "stop/1":
            self._ended = True
