"""Openings: what commitments in the entries were made of, from the operator's books."""

from __future__ import annotations

from collections.abc import Sequence

from candid.evidence.document import Collected
from candid.evidence.sources import Sources
from candid.evidence.view import Entry
from candid.governance import GovernanceError
from candid.recording import vrf_key
from candid_verify.commitments import Opening, pseudonym
from candid_verify.entries import Placed
from candid_verify.identity import parties_of
from candid_verify.labels import parties


def open_identities(found: Collected, sources: Sources, entries: Sequence[Placed]) -> None:
    """Open every identity of a customer that the books still have, and prove that its labels are in its entries.

    Args:
        found: gets the openings and the proofs.
        sources: the books.
        entries: all `customer/1` entries of the customer, in order; at least one.
    """
    known = {opening.commitment: opening for opening in _identities(sources, entries[0].entry["customer"])}
    stated = dict.fromkeys(each.entry["identity"] for each in entries if "identity" in each.entry)
    opened = [known[commitment] for commitment in stated if commitment in known]
    found.openings += opened
    secret = vrf_key(sources.signer)
    labels = parties(party for opening in opened for party in parties_of(opening.value))
    found.keys += [(label, secret.prove(label)) for label in labels]


def open_caller(found: Collected, sources: Sources, call: Entry, index: int) -> None:
    """Open who made a call: the identity in force, the access key, and the collection where its id is known.

    Args:
        found: gets the openings, and the identity's entry.
        sources: the books.
        call: the `call/1` entry.
        index: where it stands.
    """
    customer = sources.customer(call["customer"])
    if customer is None or sources.customers is None:
        return
    before = [each for each in sources.customers.identities(customer.id) if each.index is not None]
    before = [each for each in before if each.index is not None and each.index < index]
    if before and before[-1].index is not None:
        found.indexes.add(before[-1].index)
        found.openings.append(before[-1].opening)
    try:
        secret = sources.customers.secret(customer.id)
    except GovernanceError:  # erased: nothing opens any more
        return
    keys = [pseudonym("key", each.id, secret=secret) for each in sources.customers.keys(customer.id)]
    collections = [pseudonym("collection", each, secret=secret) for each in sources.collections(customer)]
    found.openings += [each for each in keys if each.commitment == call.get("key")]
    found.openings += [each for each in collections if each.commitment == call.get("collection")]


def _identities(sources: Sources, pseudonym_: str) -> list[Opening]:
    customer = sources.customer(pseudonym_)
    if customer is None or sources.customers is None:
        return []
    return [each.opening for each in sources.customers.identities(customer.id)]
