"""What a verification ends in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from candid_verify.claims import Claim
from candid_verify.entries import Placed

ESTABLISHED, NOT_ESTABLISHED, INVALID = "established", "not-established", "invalid"
EXIT_CODES = {ESTABLISHED: 0, NOT_ESTABLISHED: 1, INVALID: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A verdict; where it is `invalid`, only `reason` says more.

    Attributes:
        verdict: `established`, `not-established` or `invalid`.
        claim: what was to be established.
        established: sentences that the file establishes, whatever the verdict.
        not_established: sentences that it does not establish.
        reason: why it is invalid.
        log: the log's key, as it was given.
        tree_size: entries of the log at its checkpoint.
        root: the checkpoint's, in standard base64.
        as_of: ISO 8601 time of the newest entry that the verdict rests on, by the log's own clock.
        made: ISO 8601 time at which the operator made the file.
        entries: the entries in the file, for reports.
    """

    verdict: str
    log: str
    claim: Claim | None = None
    established: tuple[str, ...] = ()
    not_established: tuple[str, ...] = ()
    reason: str | None = None
    tree_size: int | None = None
    root: str | None = None
    as_of: str | None = None
    made: str | None = None
    entries: tuple[Placed, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 established, 1 not established, 2 invalid."""
        return EXIT_CODES[self.verdict]

    def as_json(self) -> dict[str, Any]:
        """The document of the command; what is not known is null."""
        return {
            "claim": None if self.claim is None else self.claim.name,
            "parameters": {} if self.claim is None else dict(self.claim.parameters),
            "verdict": self.verdict,
            "reason": self.reason,
            "established": list(self.established),
            "not_established": list(self.not_established),
            "log": self.log,
            "tree_size": self.tree_size,
            "root": self.root,
            "as_of": self.as_of,
            "made": self.made,
        }
