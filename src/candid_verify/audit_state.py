"""What an auditor must remember of the entries before, to judge the next one.

It grows with customers, keys and labels (about 400 bytes each), and with the tags of faces and the request ids of
calls (about 100 bytes each, up to a limit).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from candid_verify.audit_map import ReplayedMap
from candid_verify.deadlines import Deadlines
from candid_verify.prices import Opener

RootAt = Callable[[int], bytes]


@dataclass(slots=True)
class Client:
    """A customer, as far as the log has told.

    Attributes:
        calls: the number of its last call; 0 before the first.
        ended: the time of the entry that closed or erased it; None while it is open.
        erased: whether it was erased.
        day: the newest day for which its storage is stated; empty before the first.
    """

    calls: int = 0
    ended: int | None = None
    erased: bool = False
    day: str = ""


@dataclass(slots=True)
class Key:
    """An access key: whose it is, and when it was revoked (None: it was not)."""

    customer: str
    revoked: int | None = None


@dataclass(slots=True)
class Surplus:
    """Rows that the engine had computed when a `state/1` was written, and that no call had stated by then.

    Attributes:
        time: of that entry.
        rows: of each model, what is left of them after the calls since that had started by then.
    """

    time: int
    rows: dict[str, int]


@dataclass(slots=True)
class Run:
    """One run of the server.

    Attributes:
        index: of its `start/1` entry.
        calls: how many `call/1` entries it has.
        stopped: whether its `stop/1` has come.
        rows: of each model, the rows that its calls state.
        warm: of each model, the rows before its first call; None as long as no `state/1` has stated them.
        counters: of each model, the rows as stated last.
        surplus: work for which calls have yet to come, oldest first.
    """

    index: int
    calls: int = 0
    stopped: bool = False
    rows: dict[str, int] = field(default_factory=dict)
    warm: dict[str, int] | None = None
    counters: dict[str, int] = field(default_factory=dict)
    surplus: list[Surplus] = field(default_factory=list)


@dataclass(slots=True)
class Stated:
    """What `map/1` stated last."""

    entry: int | None = None
    version: int = 0
    root: bytes = bytes(32)
    count: int = 0


@dataclass(frozen=True, slots=True)
class Limit:
    """When all entries stood already.

    Attributes:
        time: milliseconds since the epoch.
        clock: by whose clock, for a sentence.
    """

    time: int
    clock: str


@dataclass(slots=True)
class State:
    """The log so far.

    Attributes:
        time: of the newest entry.
        customers: by pseudonym.
        customer_entries: how many `customer/1` entries there were.
        keys: by pseudonym.
        run: the newest run; None before the first.
        map: the map as the `customer/1` entries give it.
        stated: the map as the newest `map/1` states it.
        opened_again: indexes of the `customer/1` entries that open a customer all of whose labels were there before.
        unmapped: index of the first `customer/1` entry whose labels no `map/1` has stated yet.
        enrolled, erased: the first 16 bytes of the tags of faces.
        most_tags: how many of both are remembered.
        opener: opens the notes of price lists; None: they are not judged.
        root_at: gives the root of the log when it had so many entries; None: stated roots are not judged.
        tags_full: whether there were more, so that tags are not judged any more.
        requests: the first 16 bytes of the SHA-256 of the request ids of calls.
        most_requests: how many are remembered.
        requests_full: whether there were more, of which nothing is remembered.
        limit: no entry may be much later than this; None: not judged.
        succeeds: whether the log says that it succeeds another one.
        deadlines: until when days of storage may be stated.
    """

    most_tags: int
    most_requests: int
    opener: Opener | None = None
    root_at: RootAt | None = None
    limit: Limit | None = None
    time: int = 0
    customers: dict[str, Client] = field(default_factory=dict)
    customer_entries: int = 0
    keys: dict[str, Key] = field(default_factory=dict)
    run: Run | None = None
    map: ReplayedMap = field(default_factory=ReplayedMap)
    stated: Stated = field(default_factory=Stated)
    opened_again: list[int] = field(default_factory=list)
    unmapped: int | None = None
    enrolled: set[bytes] = field(default_factory=set)
    erased: set[bytes] = field(default_factory=set)
    tags_full: bool = False
    requests: set[bytes] = field(default_factory=set)
    requests_full: bool = False
    succeeds: bool = False
    deadlines: Deadlines = field(default_factory=Deadlines)


@dataclass(frozen=True, slots=True)
class Seen:
    """The entry that is looked at, with its place and its bytes."""

    index: int
    entry: dict[str, Any]
    data: bytes
