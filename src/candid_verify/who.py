"""Who a pseudonym is: openings of identities, and whether they stand in the map under their own names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from candid_verify.case import Case, place
from candid_verify.entries import Placed
from candid_verify.errors import ProofError
from candid_verify.identity import parties_of
from candid_verify.labels import parties
from candid_verify.wording import quoted


def check_who(case: Case, customer: str) -> tuple[list[str], list[str]]:
    """Take a customer's entries, the openings of its identities and the VRF's proofs of their labels.

    Args:
        case: the evidence.
        customer: the pseudonym.

    Returns:
        Sentences that are established, and sentences that are not.

    Raises:
        FormatError, ProofError, LabelError: an entry is of another customer, an identity is none, or its map keys
            are not those of the entries.
    """
    entries = case.all("customer/1")
    # 1. The entries are of the customer.
    for each in entries:
        if each.entry["customer"] != customer:
            raise ProofError(f"entry {each.index} is of another customer than the claim")
    # 2. The identities opened are identities of those entries.
    opened = _opened(case, entries)
    if not opened:
        return [], [f"Who the customer is: the file does not open the pseudonym {customer}."]
    sentences = [_who(each, identity) for each, identity in opened]
    # 3. Where it is proved under which keys their labels stand in the map, those are the ones of the entries.
    found = check_labels(case, entries, [identity for _, identity in opened])
    return [*sentences, *found[0]], [
        *found[1],
        "That the customer is who it says it is: the identity is what the operator entered.",
    ]


def _opened(case: Case, entries: Sequence[Placed]) -> list[tuple[Placed, Mapping[str, Any]]]:
    """The identities that the file opens, each with the first entry that has it."""
    found: dict[str, tuple[Placed, Mapping[str, Any]]] = {}
    for each in entries:
        commitment: str | None = each.entry.get("identity")
        if commitment is None or commitment in found:
            continue
        opening = case.opening(commitment)
        if opening is not None:
            identity: Any = opening.value
            parties_of(identity)
            found[commitment] = each, identity
    return list(found.values())


def check_labels(
    case: Case, entries: Sequence[Placed], identities: Sequence[Mapping[str, Any]]
) -> tuple[list[str], list[str]]:
    """Check that the map keys in the entries are those of the identities' labels.

    Raises:
        ProofError: one of them is missing there.
    """
    if not case.evidence.keys:
        return [], ["That the customer can be found in the map under its name: the file does not prove its map keys."]
    wanted = parties(party for identity in identities for party in parties_of(identity))
    listed = {key for each in entries for key in each.entry.get("labels", ())}
    missing = [label for label, key in zip(wanted, case.keys(wanted), strict=True) if key not in listed]
    if missing:
        raise ProofError(
            f"the entries of the customer lack the map key of {quoted(missing[0].decode())}: it was left out of the map"
        )
    return [
        f"All {len(wanted)} labels of the customer and of its owners are in its entries, so whoever looks it up in a "
        "map that has these entries finds it."
    ], []


def _who(entry: Placed, identity: Mapping[str, Any]) -> str:
    numbers = [
        quoted(each["number"]) + (f" in {quoted(each['country'])}" if "country" in each else "")
        for each in identity["registrations"]
    ]
    owners = [
        quoted(each["name"]) + (f" with {quoted(each['percent'])} percent" if "percent" in each else "")
        for each in identity["owners"]
    ]
    return (
        f"The customer is {quoted(identity['name'])} of {quoted(identity['country'])}; registration numbers: "
        f"{', '.join(numbers) or 'none'}; owners: {', '.join(owners) or 'none are named'}. So {place(entry)} has it "
        f"({entry.entry['event']}); what is opened here fits the commitment there."
    )
