"""The claim never-served: in the map that the log states, none of the labels of this name or number is."""

from __future__ import annotations

from typing import Any

from candid_verify.canonical import decode_bytes
from candid_verify.case import Case, Finding, place
from candid_verify.claims import Claim, labels_wanted
from candid_verify.entries import Placed
from candid_verify.errors import ProofError
from candid_verify.mapproof import EMPTY, check_map_proof
from candid_verify.scripts import is_latin, odd_letters, two_spellings
from candid_verify.wording import counted, quoted

_KINDS = {
    "name-plain": "the name {} as it is written",
    "name-latin": "the name {} in Latin letters",
    "name-core": "the name {} without legal forms",
    "name-sorted": "the name {} without legal forms, its words in alphabetical order",
    "registration": "the registration number {}",
    "lei": "the LEI {}",
    "country": "the country {}",
}

_REPLAY = (
    "That the map stated was then the newest one, was kept by its rules, and has every label that the entries of "
    "customers list: whoever replays the whole log sees it (candid evidence audit)."
)
_BOOKS = (
    "That the labels in those entries are the ones of who the customers and their owners are: they are listed as keys "
    "that say nothing. Only an audit with the operator's own books shows it of all (candid evidence audit --openings), "
    "and evidence of usage that opens a customer's identity, of that customer."
)
_LIMITS = (
    _REPLAY,
    _BOOKS,
    "Other spellings, similar names, former names and names in another script are other labels and were not looked up.",
    "A customer that gave a false name, or an owner that nobody declared, is under another name in the map.",
)


def check_never_served(case: Case) -> Finding:
    """Check the evidence of never-served.

    Raises:
        FormatError, ProofError, LabelError: it is not what the format asks for.
    """
    claim = case.evidence.claim
    # 1. A state entry says which map there was, and the map's own entry agrees.
    state = case.one("state/1")
    root = _map_root(case, state)
    # 2. The map's proofs are of exactly the labels that we make ourselves, under the keys that the VRF gives them.
    wanted = labels_wanted(claim)
    proofs = case.map_proofs(wanted)
    # 3. Each label is in that map, or is not.
    values = [check_map_proof(key, proof, root) for key, proof in proofs]
    there = [label for label, value in zip(wanted, values, strict=True) if value is not None]
    # 4. The map is of the time that the claim asks for.
    end = claim.period[1]
    late_enough = end is None or state.entry["time"] >= end
    missing = () if late_enough else (f"The map is that of {place(state)}, before the end of the period claimed.",)
    if there:
        unclear = (*missing, _unclear(claim, there), _REPLAY, _BOOKS)
        return Finding(False, _found(there, state), unclear, state.entry["time"])
    absent = _absent(case, wanted, state)
    later = f"Customers opened after {place(state)} are not covered."
    return Finding(late_enough, absent, (*missing, later, *_odd(claim), *_LIMITS), state.entry["time"])


def _map_root(case: Case, state: Placed) -> bytes:
    """The root of the map that a state entry states, once the map's own entry agrees."""
    stated, logged = state.entry["map"], case.at_most_one("map/1")
    if "entry" not in stated:
        if logged is not None or (stated["version"], stated["count"], stated["root"]) != (0, 0, _EMPTY_ROOT):
            raise ProofError("the state entry names no entry of the map, but its map is not empty")
        return EMPTY
    if logged is None or logged.index != stated["entry"] or logged.index >= state.index:
        raise ProofError("the entry of the map that the state entry names is not in the file")
    if any(logged.entry[member] != stated[member] for member in ("version", "root", "count")):
        raise ProofError("the state entry and the entry of the map that it names say different things of the map")
    return decode_bytes(stated["root"], 32)


_EMPTY_ROOT = "A" * 43


def _describe(label: bytes) -> str:
    """A label in a sentence."""
    _, kind, value, *country = label.decode().split("\n")
    where = f", of {country[0]}" if country else ""
    if kind == "name-latin" and not is_latin(value):
        return f"the name {quoted(value)} without marks{where}"
    return _KINDS[kind].format(quoted(value)) + where


def _subject(of: dict[str, Any]) -> str:
    """Whom the claim is about."""
    parts = []
    if "subject" in of:
        parts.append(f"the name {quoted(of['subject'])}")
    if "registration" in of:
        parts.append(f"the registration number {quoted(of['registration'])}")
    if "lei" in of:
        parts.append(f"the LEI {quoted(of['lei'])}")
    if not parts:
        return f"the country {of['country']}"
    return ", ".join(parts) + (f", in {of['country']} or in any country" if "country" in of else "")


def _absent(case: Case, wanted: list[bytes], state: Placed) -> list[str]:
    claim, size = case.evidence.claim, case.checkpoint.size
    times = "times of this log" if "previous" in case.evidence.entries[0].entry else "times"
    return [
        f"In the map that {place(state)} states there is no customer, and no owner of a customer, under "
        f"{_subject(dict(claim.parameters))}.",
        f"Looked up and proved to be absent: {counted(len(wanted), 'label')}: {'; '.join(map(_describe, wanted))}.",
        "A map is only ever added to, with whoever is entered as a customer or as an owner of one. If this one was "
        f"kept by that rule, which a replay of the log shows, the same holds of all {times} before. The log had "
        f"{counted(size, 'entry', 'entries')} when the file was made.",
    ]


def _odd(claim: Claim) -> list[str]:
    """What whoever looked this up may not think of."""
    of, found = claim.parameters, list[str | None]()
    if "subject" in of:
        found += [odd_letters(of["subject"]), two_spellings(of["subject"])]
    if set(of) - {"to"} == {"country"}:
        found.append(
            f"Who is of {of['country']} by a registration in a register there, and owners whose country was not "
            "entered: this looked up the countries that customers and owners are entered with."
        )
    return [each for each in found if each is not None]


def _found(there: list[bytes], state: Placed) -> list[str]:
    found = "; ".join(map(_describe, there))
    return [
        f"In the map that {place(state)} states there is: {found}.",
        "So, if the map was kept by its rules, a customer or an owner of a customer with this was entered at some time "
        "before that.",
    ]


def _unclear(claim: Claim, there: list[bytes]) -> str:
    country = claim.parameters.get("country")
    elsewhere = country is not None and all(not label.decode().endswith(f"\n{country}") for label in there)
    if elsewhere:
        return (
            f"That they were never served: the name or number is in the map, though not as one of {country}. It may be "
            "another company or person, or one whose country was not known."
        )
    return (
        "That they were never served. Whether it is the same company or person, or another of the same name, and "
        "whether any call was made, this file does not say."
    )
