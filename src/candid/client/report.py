"""What came out of checking a file of collected replies."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import asdict, dataclass
from typing import Any

from candid.ledger.checkpoint import SignedCheckpoint


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be.

    Attributes:
        line: of the file, from 1.
        request: the request id; None where there was none.
        operation: what was called.
        reason: what is wrong.
    """

    line: int
    request: str | None
    operation: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What is established of the replies of a file. Each of them is counted once.

    Attributes:
        replies: how many there are.
        checked: receipts that are good: signed by the log and, where a log was asked, kept by it.
        pending: younger receipts whose entries no public checkpoint covers yet.
        undecided: errors without a receipt that may have come before a decision.
        unanswered: attempts that got no reply; they may have been served and entered all the same.
        missing: replies that must have a receipt and have none.
        broken: receipts that are not the log's, or that the log does not keep.
        damaged: lines that cannot be read.
        unpriced: operations of whose units nothing is expected here, so that those were not compared.
        unaccounted: calls that the log numbers between the first and the last of a customer's calls here, and that are
            not here: made elsewhere under the same customer, or by nobody.
        customers: the pseudonyms that the entries are of.
        signed: the log's checkpoint; None where only signatures were verified.
    """

    replies: int
    checked: int
    pending: int
    undecided: int
    unanswered: int
    missing: tuple[Finding, ...]
    broken: tuple[Finding, ...]
    damaged: tuple[int, ...]
    unpriced: tuple[str, ...]
    unaccounted: int
    customers: tuple[str, ...]
    signed: SignedCheckpoint | None

    def as_json(self) -> dict[str, Any]:
        """The report as a JSON document; `verified` is true where nothing is missing, broken or damaged."""
        facts: dict[str, Any] = {
            "verified": not (self.missing or self.broken or self.damaged),
            "replies": self.replies,
            "checked": self.checked,
            "pending": self.pending,
            "undecided": self.undecided,
            "unanswered": self.unanswered,
            "missing": [asdict(finding) for finding in self.missing],
            "broken": [asdict(finding) for finding in self.broken],
            "damaged": list(self.damaged),
            "unpriced": list(self.unpriced),
            "unaccounted": self.unaccounted,
            "customers": list(self.customers),
        }
        if self.signed is not None:
            root = b64encode(self.signed.root).decode()
            facts |= {"origin": self.signed.origin, "tree_size": self.signed.size, "root": root}
        return facts
