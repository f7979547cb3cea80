"""Collects what shows what happened in one call, or to one face."""

from __future__ import annotations

from candid.evidence.document import Collected
from candid.evidence.errors import EvidenceDamaged
from candid.evidence.opening import open_caller
from candid.evidence.sources import Sources
from candid.evidence.view import Entry
from candid.recording import vrf_key
from candid_verify.canonical import canonical, encode_bytes
from candid_verify.claims import Claim, face_wanted


def collect_decision(claim: Claim, sources: Sources, *, begin: int | None = None, end: int | None = None) -> Collected:
    """Find the call with a request id, and the start of the run that decided it.

    Where there is none, the file holds nothing of it and establishes nothing. All of the log, or of the time that is
    named, is read, so that a second entry of the request is found.

    Args:
        claim: names the request.
        sources: log and books.
        begin: from when on to look, milliseconds; None: from the first entry.
        end: before when; None: to the last entry.

    Raises:
        EvidenceDamaged: the log has two calls of this id, or cannot be read.
        LedgerError: it cannot be read.
    """
    view, request = sources.view(), claim.parameters["request"]
    found = Collected(view)
    start = 0 if begin is None else view.first_at(begin)
    stop = None if end is None else view.first_at(end)
    call: tuple[int, Entry] | None = None
    for index, entry in view.scan((canonical(request),), start, stop):
        if entry["kind"] != "call/1" or entry["request"] != request:
            continue
        if call is not None:
            raise EvidenceDamaged(
                f"the log has two calls with this request id, entries {call[0]} and {index}, so that neither shows "
                "what was decided: audit the log"
            )
        call = index, entry
    if call is not None:
        index, entry = call
        found.indexes |= {index, entry["run"]}
        open_caller(found, sources, entry, index)
    return found


def collect_erased(claim: Claim, sources: Sources) -> Collected:
    """Find where a face was enrolled, and everything that deleted it: itself, its collection or its customer.

    Raises:
        EvidenceDamaged, LedgerError: the log cannot be read.
    """
    view = sources.view()
    found = Collected(view)
    label, secret = face_wanted(claim), vrf_key(sources.signer)
    proof = secret.prove(label)
    found.keys = [(label, proof)]
    tag = encode_bytes(secret.output(label)[:32])
    enrolled: Entry | None = None
    words = (tag.encode(), b'"operation":"DeleteCollection"', b'"subject":"customer"')
    for index, entry in view.scan(words):
        if tag in entry.get("enrolled", ()):
            enrolled = entry
            found.indexes.add(index)
        elif _erases(entry, tag, enrolled):
            found.indexes.add(index)
    return found


def _erases(entry: Entry, tag: str, enrolled: Entry | None) -> bool:
    """Whether an entry deletes the face with this tag, which the entry `enrolled` brought in."""
    kind = entry["kind"]
    if (kind == "call/1" and tag in entry.get("erased", ())) or (kind == "erasure/1" and tag in entry.get("faces", ())):
        return True
    if enrolled is None or entry.get("customer") != enrolled["customer"]:
        return False
    if kind == "call/1" and entry["operation"] == "DeleteCollection" and entry["outcome"] == "ok":
        return "collection" in enrolled and entry.get("collection") == enrolled["collection"]
    whole = kind == "erasure/1" and entry["subject"] == "customer"
    return whole and bool(entry.get("removed", {}).get("faces", 0))
