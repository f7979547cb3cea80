"""Verifies an evidence file: from its bytes, the log's key and perhaps a policy of witnesses, to a verdict."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence

from candid_verify import claims
from candid_verify.case import Case, Finding, open_case
from candid_verify.decision import check_decision
from candid_verify.erased import check_erased
from candid_verify.errors import ProofError, VerifyError
from candid_verify.evidence import read_evidence
from candid_verify.never_served import check_never_served
from candid_verify.notes import Key
from candid_verify.times import APART, iso, spoken
from candid_verify.usage import check_not_used, check_usage
from candid_verify.verdict import ESTABLISHED, INVALID, NOT_ESTABLISHED, Verdict
from candid_verify.witnesses import Policy, Seen
from candid_verify.wording import counted, quoted

_LIMITS = (
    "That nobody ran another copy of the software outside this log: no log can show that.",
    "That the entries say the truth: the log keeps what its operator wrote, unchanged and in this order.",
)


def verify(data: bytes, *, log_key: str, witness_policy: str | None = None, now: float | None = None) -> Verdict:
    """Verify an evidence file offline.

    Args:
        data: the file.
        log_key: the log's public key (`name+key id+base64`), from somebody whom the caller trusts.
        witness_policy: text of a policy (C2SP tlog-policy) of the witnesses that must have cosigned; None demands none.
        now: the verifier's own clock, seconds since the epoch; None: the machine's. What is from the future is invalid.

    Returns:
        The verdict; of a file that is none, is damaged, or is of another log, an `invalid` one that says which.

    Raises:
        InputError: the key or the policy is none.
    """
    key = Key.parse(log_key.strip())
    policy = None if witness_policy is None else Policy.parse_for(witness_policy, key)
    try:
        return _verify(data, key, policy, time.time() if now is None else now)
    except VerifyError as error:
        return Verdict(verdict=INVALID, log=str(key), reason=str(error))


def _verify(data: bytes, key: Key, policy: Policy | None, now: float) -> Verdict:
    # 1. The file is well-formed, and the log's key vouches for each of its bytes.
    evidence = read_evidence(data, key)
    # 2. Its entries are in the log that the checkpoint is of.
    case = open_case(evidence, key)
    # 3. Every cosignature of a witness that the policy names is true.
    seen = [] if policy is None else policy.seen_by(case.checkpoint.note)
    # 4. No entry is of a time that had not come when a witness saw it, or has not come yet.
    _check_not_of_the_future(case, seen, int(now * 1000))
    # 5. The claim's own evidence is what it must be.
    finding = _CHECKS[evidence.claim.name](case)
    # 6. Nothing in the file was left unchecked.
    case.check_all_used()
    # 7. The claim holds, and enough witnesses cosigned.
    enough = policy is None or policy.is_satisfied_by(seen)
    checkpoint = case.checkpoint
    return Verdict(
        verdict=ESTABLISHED if finding.holds and enough else NOT_ESTABLISHED,
        log=str(key),
        claim=evidence.claim,
        established=(*finding.established, *_signed(case), *map(_cosigned, seen), *_satisfied(policy, enough=enough)),
        not_established=(
            *finding.not_established,
            *_before(case),
            *_unwitnessed(case, policy, seen, enough=enough),
            *_LIMITS,
        ),
        tree_size=checkpoint.size,
        root=b64encode(checkpoint.root).decode(),
        as_of=iso(finding.as_of),
        made=iso(evidence.made),
        entries=evidence.entries,
    )


def _check_not_of_the_future(case: Case, seen: Sequence[Seen], now: int) -> None:
    newest = case.evidence.entries[-1]
    when = newest.entry["time"]
    for each in seen:
        if when > each.time * 1000 + APART:
            raise ProofError(
                f"entry {newest.index} says that it is of {spoken(when)}, and the witness {each.name} saw it at "
                f"{spoken(each.time * 1000)} by its own clock: it was written before the time it names"
            )
    if when > now + APART:
        raise ProofError(
            f"entry {newest.index} says that it is of {spoken(when)}, and by the clock of this machine it is "
            f"{spoken(now)}: it is from the future, or that clock is wrong"
        )


_OF_ALL_TIMES = (claims.NEVER_SERVED, claims.NOT_USED, claims.USAGE)
"""Claims whose reader may think that they are also about a log before."""


def _check_moratorium(case: Case) -> Finding:
    """The claim's name is reserved: no file of this format version establishes it."""
    return Finding(
        False,
        (),
        ("That the moratorium was kept: this version of the format has no evidence for it.",),
        case.evidence.entries[0].entry["time"],
    )


_CHECKS: Mapping[str, Callable[[Case], Finding]] = {
    claims.NEVER_SERVED: check_never_served,
    claims.USAGE: check_usage,
    claims.NOT_USED: check_not_used,
    claims.DECISION: check_decision,
    claims.ERASED: check_erased,
    claims.MORATORIUM_KEPT: _check_moratorium,
}


def _before(case: Case) -> Sequence[str]:
    """What a log that another one came before says nothing of."""
    previous = case.evidence.entries[0].entry.get("previous")
    if previous is None or case.evidence.claim.name not in _OF_ALL_TIMES:
        return ()
    return (
        f"Anything of the time before this log: it succeeds the log {quoted(previous['origin'])} (key "
        f"{quoted(previous['key'])}, at least {counted(previous['size'], 'entry', 'entries')}), of which it says "
        "nothing. Who was a customer in that log, and what was used there, that log's own evidence shows.",
    )


def _signed(case: Case) -> Sequence[str]:
    size = case.checkpoint.size
    return (
        f"The log {case.checkpoint.origin}, whose key was given ({case.key}), signed this state of itself, with "
        f"{counted(size, 'entry', 'entries')}, and this file.",
        f"{_entries(len(case.evidence.entries))} Times are by the clock of the log's operator.",
    )


def _entries(count: int) -> str:
    if count == 1:
        return "The entry in this file is in that log, unchanged and at the place named."
    return f"The {count} entries in this file are in that log, unchanged and at the places named."


def _cosigned(seen: Seen) -> str:
    return (
        f"The witness {seen.name} cosigned this state of the log at {spoken(seen.time * 1000)} by its own clock: all "
        "these entries were written before that, and the log extended what the witness had cosigned before."
    )


def _satisfied(policy: Policy | None, *, enough: bool) -> Sequence[str]:
    if policy is None or policy.quorum is None or not enough:
        return ()
    return ("As many witnesses cosigned as the policy given asks for.",)


def _unwitnessed(case: Case, policy: Policy | None, seen: Sequence[Seen], *, enough: bool) -> Sequence[str]:
    others = len(case.checkpoint.note.signatures) - 1 - len(seen)
    unchecked = (
        f"{counted(others, 'further signature')} under the checkpoint: of keys that were not given, and not checked.",
    )
    alone = "the holder of the log's key could have shown another log to others."
    if policy is None:
        found = f"That everybody is shown the same log: no policy of witnesses was given, so {alone}"
    elif not enough:
        names = ", ".join(each.name for each in seen) or "none of them"
        found = f"That enough witnesses saw this log: the policy asks for more than cosigned it ({names}), so {alone}"
    elif policy.quorum is None:
        found = f"That everybody is shown the same log: the policy given demands no witness, so {alone}"
    else:
        found = "That the witnesses of the policy are independent of the operator; together they could all lie."
    return (found, *(unchecked if others > 0 else ()))
