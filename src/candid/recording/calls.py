"""What is recorded of a decided call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from candid.governance import POLICY_VERSION, Customer, Decision
from candid.ledger.vrf import VrfSecretKey
from candid_verify.canonical import encode_bytes
from candid_verify.commitments import pseudonym
from candid_verify.labels import face_label

MOST_TAGS = 1000
LATE_ERROR = "InternalServerError"
"""What a client gets whose call could not be entered (`candid.wire.errors`)."""


class Outcome(StrEnum):
    """How a decided call ended."""

    OK = "ok"
    DENIED = "denied"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFacts:
    """A decided call, as the server knows it.

    Attributes:
        request: its request id.
        operation: such as `DetectFaces`.
        customer: whose it is.
        key: pseudonym of the access key; empty where it is not known.
        decision: what was decided.
        outcome: how it ended.
        error: the AWS name of the error that the client gets; None where there is none.
        meter, units: what it is billed as.
        started: when it arrived, milliseconds since the epoch.
        collection: id of the reference collection that was used; None without one.
        counts: such as `found` and `matches`.
        stored: by how many stored `faces` and `users` changed.
        enrolled, erased: face ids.
        engine: rows that each model computed.
    """

    request: str
    operation: str
    customer: Customer
    key: str = ""
    decision: Decision
    outcome: Outcome
    error: str | None = None
    meter: str
    units: int
    started: int
    collection: str | None = field(default=None, repr=False)
    counts: Mapping[str, int] = field(default_factory=dict)
    stored: Mapping[str, int] = field(default_factory=dict)
    enrolled: tuple[str, ...] = field(default=(), repr=False)
    erased: tuple[str, ...] = field(default=(), repr=False)
    engine: Mapping[str, int] = field(default_factory=dict)


def call_entries(facts: CallFacts, *, secret: bytes | None, vrf: VrfSecretKey) -> list[dict[str, Any]]:
    """The entries of a call, as far as they do not depend on what stands before them in the log.

    Args:
        facts: of the call.
        secret: of the customer's pseudonyms; None where there is none any more.
        vrf: turns face ids into tags.

    Returns:
        The `call/1` entry without `time`, `run` and `number`; then `erasure/1` entries for tags beyond its room.
    """
    decision = {"allowed": facts.decision.allowed, "rule": facts.decision.rule, "policy": POLICY_VERSION}
    entry: dict[str, Any] = {
        "kind": "call/1",
        "request": facts.request,
        "operation": facts.operation,
        "customer": facts.customer.pseudonym,
        "decision": decision,
        "outcome": str(facts.outcome),
        "meter": facts.meter,
        "units": facts.units if facts.outcome is Outcome.OK else 0,
        "started": facts.started,
    }
    if facts.key:
        entry["key"] = facts.key
    if facts.error is not None:
        entry["error"] = facts.error
    if facts.collection is not None and secret is not None and facts.outcome is Outcome.OK:
        entry["collection"] = pseudonym("collection", facts.collection, secret=secret).commitment
    entry |= {name: dict(value) for name, value in _tables(facts).items() if value}
    if facts.enrolled:
        entry["enrolled"] = _tags(facts.enrolled, vrf)
    erased = _tags(facts.erased, vrf)
    if erased:
        entry["erased"] = erased[:MOST_TAGS]
    more = [erased[at : at + MOST_TAGS] for at in range(MOST_TAGS, len(erased), MOST_TAGS)]
    rest = {"kind": "erasure/1", "subject": "face", "request": facts.request, "customer": facts.customer.pseudonym}
    return [entry, *({**rest, "faces": tags} for tags in more)]


def late_entries(entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The entries of a call that was done but could not be entered, for when the log can be written again.

    Its client got an error and no receipt, so that is how it ended, and nothing is billed for it; what it computed and
    stored is told as it was.
    """
    call, *rest = entries
    kept = {name: value for name, value in call.items() if name != "collection"}
    if call["decision"]["allowed"]:
        kept |= {"outcome": str(Outcome.ERROR), "error": LATE_ERROR}
    return [{**kept, "units": 0}, *map(dict, rest)]


def face_tag(face_id: str, vrf: VrfSecretKey) -> str:
    """What stands in the log for a face id."""
    return encode_bytes(vrf.output(face_label(face_id))[:32])


def _tables(facts: CallFacts) -> dict[str, Mapping[str, int]]:
    stored = {name: change for name, change in facts.stored.items() if change}
    return {"counts": facts.counts, "stored": stored, "engine": facts.engine}


def _tags(face_ids: tuple[str, ...], vrf: VrfSecretKey) -> list[str]:
    return [face_tag(face_id, vrf) for face_id in face_ids]
