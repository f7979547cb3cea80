"""The claim decision: what was decided in one call, by which rule, on which software and models."""

from __future__ import annotations

from candid_verify.canonical import decode_bytes
from candid_verify.case import Case, Finding, place
from candid_verify.entries import Placed
from candid_verify.errors import FormatError, ProofError
from candid_verify.times import LONGEST_CALL, spoken
from candid_verify.who import check_who
from candid_verify.wording import counted, quoted

_ONCE = (
    "That no other entry of the log has this request's id and says something else of it: whoever replays the whole log "
    "sees it (candid evidence audit)."
)
_TRUE = "That the call was what its entry says: the log keeps what was written, it does not watch the writer."


def check_decision(case: Case) -> Finding:
    """Check the evidence of a decision.

    Raises:
        FormatError, ProofError, LabelError: it is not what the format asks for.
    """
    # 1. The call's entry is of this request.
    call = case.at_most_one("call/1")
    if call is None:
        return Finding(
            False,
            (),
            ("That there was such a call: the file has no entry of it. Whether the log has one, it does not show.",),
            case.evidence.entries[0].entry["time"],
        )
    if call.entry["request"] != case.evidence.claim.parameters["request"]:
        raise ProofError(f"entry {call.index} is of another request than the claim")
    # 2. It ended after it began, and before no call of Candid would still be under way.
    took = call.entry["time"] - call.entry["started"]
    if not 0 <= took <= LONGEST_CALL:
        raise ProofError(
            f"entry {call.index} is of a call that began at {spoken(call.entry['started'])} and ended at "
            f"{spoken(call.entry['time'])}; a call takes ten minutes at most"
        )
    # 3. It was decided in the run that it names.
    start = case.one("start/1")
    if start.index != call.entry["run"] or start.index >= call.index:
        raise ProofError(f"entry {call.index} names another run of the server than the one in the file")
    # 4. Who and what the pseudonyms are, where the file opens them.
    who, who_not = check_who(case, call.entry["customer"])
    opened = [_opened(case, call, kind) for kind in ("key", "collection")]
    return Finding(
        True,
        (*_call(call), *_server(call, start), *who, *filter(None, opened)),
        (*who_not, _ONCE, _TRUE, "That no other start of the server lies between them: a replay of the log shows it."),
        call.entry["time"],
    )


def _call(call: Placed) -> list[str]:
    entry = call.entry
    decision = entry["decision"]
    word = "allowed" if decision["allowed"] else "denied"
    error = f" with the error {quoted(entry['error'])}" if "error" in entry else ""
    counts = ", ".join(f"{quoted(name)} {count}" for name, count in sorted(entry.get("counts", {}).items()))
    return [
        f"The request {quoted(entry['request'])} is {place(call)}: the operation {quoted(entry['operation'])}, call "
        f"number {entry['number']} of the customer. It began at {spoken(entry['started'])}.",
        f"It was {word} by the rule {quoted(decision['rule'])} of the policy {quoted(decision['policy'])}; its outcome "
        f"is {entry['outcome']}{error}.",
        f"It is billed as {counted(entry['units'], 'unit')} of {quoted(entry['meter'])}"
        + (f"; counted were: {counts}." if counts else "."),
    ]


def _server(call: Placed, start: Placed) -> list[str]:
    entry, decision = start.entry, call.entry["decision"]
    software, policy = entry["software"], entry["policy"]
    models = "; ".join(
        f"{quoted(each['name'])} {quoted(each['version'])} (SHA-256 {decode_bytes(each['sha256']).hex()})"
        for each in entry["models"]
    )
    decided = (
        f"It was decided in the run that {place(start)} begins: {quoted(software['name'])} "
        f"{quoted(software['version'])}; models: {models or 'none'}."
    )
    if policy["version"] != decision["policy"]:
        return [decided]
    known = "is one of them" if decision["rule"] in policy["rules"] else "is not one of them"
    return [decided, f"The policy's rules were stated at that start; the rule of this call {known}."]


def _opened(case: Case, call: Placed, kind: str) -> str | None:
    """What the pseudonym of a key or collection stands for."""
    commitment = call.entry.get(kind)
    opening = None if commitment is None else case.opening(commitment)
    if opening is None:
        return None
    value = opening.value
    if not isinstance(value, dict) or value.keys() != {"kind", "value"} or value["kind"] != kind:
        raise FormatError(f"the opening of the call's {kind} is not that of a {kind}")
    if not isinstance(value["value"], str):
        raise FormatError(f"the opening of the call's {kind} has no text")
    return f"Its {kind} is {quoted(value['value'])}; what is opened here fits the pseudonym in the entry."
