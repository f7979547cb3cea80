"""The claim erased: the log has the deletion of a face, by its tag or with all of its collection or customer."""

from __future__ import annotations

from candid_verify.case import Case, Finding, place
from candid_verify.claims import face_wanted
from candid_verify.entries import Placed
from candid_verify.errors import ProofError

_LIMITS = (
    "That no byte of the face is left: the log keeps that the server deleted it, not what is on disks and in backups.",
    "That the face was not enrolled again later under this or another face id: only its own entries are in this file.",
)

_MOST = 16  # enrolments of one face that are looked at: a face id is given once


def check_erased(case: Case) -> Finding:
    """Check the evidence of an erasure.

    Raises:
        FormatError, ProofError: it is not what the format asks for.
    """
    # 1. The face's tag is the VRF's.
    (tag,) = case.keys([face_wanted(case.evidence.claim)])
    # 2. What each entry says of it: enrolled, deleted by its tag, or deleted with all of its collection or customer.
    calls, erasures = case.all("call/1"), case.all("erasure/1")
    entries = sorted((*calls, *erasures), key=lambda each: each.index)
    enrolled = [each for each in calls if tag in each.entry.get("enrolled", ())]
    own = [each for each in entries if _deletes(each, tag)]
    whole = [each for each in entries if any(_deletes_all_with(each, one) for one in enrolled[:_MOST])]
    known = {each.index for each in (*enrolled, *own, *whole)}
    for each in entries:
        if each.index not in known:
            raise ProofError(f"entry {each.index} says nothing of this face")
    # 3. A deletion is there, and the last thing said is not that it was enrolled.
    newest = entries[-1] if entries else case.evidence.entries[0]
    deletions = sorted({each.index: each for each in (*own, *whole)}.values(), key=lambda each: each.index)
    said = [f"By {place(each)}, the face was enrolled." for each in enrolled]
    if not deletions or any(each.index >= deletions[-1].index for each in enrolled):
        return Finding(
            False,
            said,
            ("That the face was deleted: the file has no entry of it after its last enrolment.", *_LIMITS[:1]),
            newest.entry["time"],
        )
    tagged = {each.index for each in own}
    said += [f"By {place(each)}, {_how(each, by_tag=each.index in tagged)}." for each in deletions]
    about = "The log calls the face by a tag, which was proved to be the one of this face id."
    return Finding(True, (*said, about), _LIMITS, newest.entry["time"])


def _deletes(found: Placed, tag: str) -> bool:
    """Whether an entry lists the tag as deleted."""
    member = "erased" if found.entry["kind"] == "call/1" else "faces"
    return tag in found.entry.get(member, ())


def _deletes_all_with(found: Placed, enrolled: Placed) -> bool:
    """Whether an entry is the deletion of the collection or the customer that a call enrolled a face into."""
    entry, call = found.entry, enrolled.entry
    if found.index <= enrolled.index or entry.get("customer") != call["customer"]:
        return False
    if entry["kind"] == "erasure/1":
        removed = entry.get("removed", {}).get("faces", 0)
        return bool(entry["subject"] == "customer" and removed)
    ended = (entry["operation"], entry["outcome"]) == ("DeleteCollection", "ok")
    return ended and "collection" in call and entry.get("collection") == call["collection"]


def _how(found: Placed, *, by_tag: bool) -> str:
    if by_tag:
        return "the face was deleted, by its own tag"
    if found.entry["kind"] == "erasure/1":
        return "the customer that had enrolled it was erased with its faces"
    return "the collection that it had been enrolled in was deleted"
