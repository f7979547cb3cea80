"""The operator's books held against the log: is every customer that is served in the log, under all its labels?

An outsider who replays the log sees that the map has what the log has. Whether the log has every customer, and under
its true labels, only somebody with the books can see: an inspector on the operator's premises.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from candid.governance import Customer, Customers, Status
from candid.ledger.vrf import VrfSecretKey
from candid_verify.canonical import encode_bytes
from candid_verify.entries import parse_entry
from candid_verify.errors import EntryError, FormatError, LabelError
from candid_verify.identity import parties_of
from candid_verify.labels import parties

_WORDS = (b'"kind":"customer/1"', b'"kind":"key/1"')


@dataclass(slots=True)
class _Logged:
    """What the log has of a customer."""

    identities: dict[str, int] = field(default_factory=dict)  # index by commitment
    labels: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)
    erased: bool = False


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """Something that books and log do not agree on.

    Attributes:
        customer: its id; where only the log knows it, its pseudonym.
        message: what was expected and found.
    """

    customer: str
    message: str


class OpeningsAudit:
    """One pass over a log, then over the books. Memory grows with customers and labels only."""

    _logged: dict[str, _Logged]  # by pseudonym

    def __init__(self, customers: Customers, vrf: VrfSecretKey) -> None:
        """Name the books, and the key that turns labels into map keys."""
        self._customers, self._vrf, self._logged = customers, vrf, {}
        self.count = 0

    def feed(self, index: int, data: bytes) -> None:
        """Look at an entry of the log, whichever it is. One that is not as entries are written counts for nothing."""
        if not any(word in data for word in _WORDS):
            return
        try:
            entry = parse_entry(data)
        except EntryError:  # the audit's affair
            return
        logged = self._logged.setdefault(entry["customer"], _Logged())
        if entry["kind"] == "key/1":
            logged.keys.add(entry["key"])
            return
        if "identity" in entry:
            logged.identities.setdefault(entry["identity"], index)
        logged.labels.update(entry.get("labels", ()))
        logged.erased = logged.erased or entry["event"] == "erased"

    def finish(self) -> list[Discrepancy]:
        """What books and log do not agree on, once all entries were fed.

        Raises:
            GovernanceError: the books cannot be read.
        """
        found, known = list[Discrepancy](), set[str]()
        for customer in self._customers.all():
            self.count += 1
            known.add(customer.pseudonym)
            found += [Discrepancy(customer.id, message) for message in self._compare(customer)]
        found += [
            Discrepancy(pseudonym, "the log has this customer, and the books do not")
            for pseudonym in self._logged
            if pseudonym not in known
        ]
        return found

    def _compare(self, customer: Customer) -> Iterator[str]:
        logged = self._logged.get(customer.pseudonym)
        if logged is None:
            yield "the books have this customer, and the log does not: it was left out, or waits to be entered"
            return
        if (customer.status is Status.ERASED) != logged.erased:
            yield f"the books say that it is {customer.status}, and the log does not"
        yield from self._identities(customer, logged)
        for key in self._customers.keys(customer.id):
            if key.pseudonym not in logged.keys:
                yield f"the log has no entry of the access key {key.id}, which was issued"

    def _identities(self, customer: Customer, logged: _Logged) -> Iterator[str]:
        identities, known, sound = self._customers.identities(customer.id), set[str](), True
        # 1. Each identity in the books is the one that stands in the log, and found under all its labels.
        for number, each in enumerate(identities, 1):
            try:
                keys = [encode_bytes(self._vrf.output(label)[:32]) for label in parties(parties_of(each.opening.value))]
            except (FormatError, LabelError) as error:
                yield f"identity {number}: no labels can be made of it ({error})"
                sound = False
                continue
            known.update(keys)
            lacking = sum(key not in logged.labels for key in keys)
            if each.opening.commitment not in logged.identities:
                yield f"the log has no entry with the commitment to identity {number} of the books"
            elif lacking:
                yield (
                    f"identity {number}: {lacking} of its {len(keys)} labels are not in its entries; in the map it is "
                    "not found by them"
                )
        # 2. The books still have each identity of the log, unless it was erased.
        lost = len(logged.identities.keys() - {each.opening.commitment for each in identities})
        if lost and not logged.erased:
            yield f"the books have no opening for {lost} identities of this customer that stand in the log"
        # 3. It is under no other labels, by which somebody who is no customer would seem to be one.
        surplus = len(logged.labels - known)
        if surplus and sound and not lost and not logged.erased:
            yield f"its entries add {surplus} labels that are of none of its identities: of whom are they?"
