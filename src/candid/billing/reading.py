"""Reading what is billed from the log, at the speed that a month of a million calls needs.

Each entry is proved to be in the log. Beyond that only what a bill needs is checked here: an entry's canonical
spelling and its other members are the affair of an audit of the log, which takes longer and is made once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from candid.billing.errors import UnknownCustomer, UnreadableEntry
from candid.ledger import LogReader, Note, VerifierKey, verify_note
from candid_verify.prices import Opener

# Calls, storage and prices are billed; a customer is known from its `customer/1`, and `start/1` tells of a server at
# work (see `candid_verify.deadlines`).
BILLED_KINDS = frozenset({"call/1", "storage/1", "prices/1", "customer/1", "start/1"})

# Members that are read here and in `candid_verify.rating`, with their types; JSON's true is no number.
_TEXTS = {
    "call/1": ("customer", "meter", "operation", "outcome"),
    "storage/1": ("customer", "day"),
    "prices/1": ("note",),
    "customer/1": ("customer",),
    "start/1": (),
}
_NUMBERS = {
    "call/1": ("time", "units"),
    "storage/1": ("time", "faces", "users"),
    "prices/1": ("time",),
    "customer/1": ("time",),
    "start/1": ("time",),
}


def of_customer(entries: Iterable[tuple[int, dict[str, Any]]], customer: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Pass entries on, and see to it that the log has the customer.

    Args:
        entries: all of `billed_entries`, not only the customer's.
        customer: the pseudonym.

    Raises:
        UnknownCustomer: at the end, where no entry is of the customer.
        UnreadableEntry, LedgerError: as `billed_entries`.
    """
    known = False
    for index, entry in entries:
        known = known or entry.get("customer") == customer
        yield index, entry
    if not known:
        raise UnknownCustomer(f"the log has no customer {customer}; is it the pseudonym of another log?")


def note_opener(key: VerifierKey) -> Opener:
    """Opens notes that the log's key signed.

    Args:
        key: the log's.
    """

    def opened(note: bytes) -> bytes:
        """The text of a note; raises NoteError and SignatureError."""
        found = Note.parse(note)
        verify_note(found, [key])
        return found.text

    return opened


def billed_entries(reader: LogReader, start: int = 0) -> Iterator[tuple[int, dict[str, Any]]]:
    """The entries of a log that bills and tables of usage need, with their indexes, each proved to be in the log.

    They are calls, days of storage, price lists, and when customers and the server began.

    Args:
        reader: the log as of one checkpoint.
        start: the first index.

    Raises:
        UnreadableEntry: an entry is not as entries are written.
        LedgerError: the log is not what its checkpoint says, or cannot be read.
    """
    loads = orjson.loads
    for index, data in reader.entries(start):
        try:
            entry = loads(data)
            kind = entry["kind"]
        except (ValueError, TypeError, KeyError) as error:
            raise UnreadableEntry(f"entry {index} is no entry of Candid; audit the log") from error
        if kind in BILLED_KINDS:
            check_billed(index, entry)
            yield index, entry


def check_billed(index: int, entry: Mapping[str, Any]) -> None:
    """Check the members that a bill is made of.

    Raises:
        UnreadableEntry: one is missing, or not of its type.
    """
    kind = entry["kind"]
    for name in _NUMBERS[kind]:
        value = entry.get(name)
        if type(value) is not int or value < 0:
            raise UnreadableEntry(f"entry {index}, a {kind}, has no number {name}; audit the log")
    for name in _TEXTS[kind]:
        if type(entry.get(name)) is not str:
            raise UnreadableEntry(f"entry {index}, a {kind}, has no text {name}; audit the log")
