"""Makes an evidence file: collects what the claim needs, and hands out only what the verifier accepts."""

from __future__ import annotations

from dataclasses import dataclass

from candid.evidence.document import Collected, write
from candid.evidence.errors import EvidenceDamaged, EvidenceError
from candid.evidence.never_served import collect
from candid.evidence.period import collect_not_used, collect_usage
from candid.evidence.single import collect_decision, collect_erased
from candid.evidence.sources import Sources
from candid_verify import claims
from candid_verify.claims import Claim
from candid_verify.verdict import INVALID, Verdict
from candid_verify.verifier import verify


@dataclass(frozen=True, slots=True)
class Exported:
    """A file, and what whoever verifies it will find.

    Attributes:
        data: its bytes.
        verdict: of the verifier, who was given the log's key and no policy of witnesses.
    """

    data: bytes
    verdict: Verdict


def export(claim: Claim, sources: Sources, *, begin: int | None = None, end: int | None = None) -> Exported:
    """Make the evidence for a claim.

    Args:
        claim: what it shall establish.
        sources: log, map, key and books.
        begin: for a decision, from when on to look for the call, milliseconds; None: from the first entry.
        end: for a decision, before when; None: to the last entry.

    Returns:
        A file that the verifier does not find invalid; whether it establishes the claim, its verdict says.

    Raises:
        EvidenceError: it cannot be made as asked for.
        EvidenceDamaged: log, map and books do not fit each other.
        LedgerError: the log cannot be read.
    """
    # 1. Collect what the claim needs.
    collected = _collect(claim, sources, begin, end)
    # 2. Write and sign it.
    data = write(claim, collected, made=sources.now, signer=sources.signer)
    # 3. Do what its reader will do, with the log's key and no policy.
    verdict = verify(data, log_key=str(sources.signer.verifier), now=sources.clock())
    if verdict.verdict == INVALID:
        raise EvidenceDamaged(f"the file would be found invalid ({verdict.reason}): audit the log")
    return Exported(data, verdict)


def _collect(claim: Claim, sources: Sources, begin: int | None, end: int | None) -> Collected:
    match claim.name:
        case claims.NEVER_SERVED:
            return collect(claim, sources)
        case claims.USAGE:
            return collect_usage(claim, sources)
        case claims.NOT_USED:
            return collect_not_used(claim, sources)
        case claims.DECISION:
            return collect_decision(claim, sources, begin=begin, end=end)
        case claims.ERASED:
            return collect_erased(claim, sources)
        case other:
            raise EvidenceError(f"no evidence can be made for {other} in this version")
