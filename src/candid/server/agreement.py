"""A restored folder, brought up to what its log says was closed, revoked and erased.

The log may know more than database and gallery: they are of the moment at which the backup began, and the log may be
newer. Whoever was closed since must not be served again, a key that was revoked must not open again, and what was
erased must not come back. None of it is entered a second time.

What was opened, changed or enrolled since is lost with the disk; it is counted, as far as it concerns customers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from candid.gallery import Gallery, open_gallery
from candid.gallery.database import NAME
from candid.governance import Acts, Customer, Customers, Status, open_acts, open_customers
from candid.ledger import SigningKey
from candid.recording import vrf_key
from candid.recording.calls import face_tag
from candid.server.erasing import CUSTOMER, FACE
from candid.server.log_copy import durable_entries
from candid_verify.commitments import pseudonym

_WORDS = (
    b'"kind":"customer/1"',
    b'"kind":"key/1"',
    b'"kind":"erasure/1"',
    b'"erased":[',
    b'"operation":"DeleteCollection"',
)
_ALL = -1
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Brought:
    """What the log knew and the backup did not.

    Attributes:
        closed: customers that were closed or erased now.
        revoked: keys that were revoked now.
        erased: faces and collections that were erased now.
        unknown: customers of the log that the backup does not know; open them again.
        outdated: customers whose newest identity the backup does not know; update them again.
    """

    closed: int = 0
    revoked: int = 0
    erased: int = 0
    unknown: int = 0
    outdated: int = 0


@dataclass(slots=True)
class _Told:
    """What the log tells.

    Attributes:
        ended: `closed` or `erased`, by the customer's pseudonym.
        closed: when each was closed, seconds since the epoch.
        identities: the newest commitment, by pseudonym.
        revoked: keys by pseudonym.
        tags: of erased faces.
        dropped: when a collection was deleted last, seconds, by its pseudonym.
        places: where an act stands (see `_name`); several in the order of the log.
    """

    ended: dict[str, str] = field(default_factory=dict)
    closed: dict[str, float] = field(default_factory=dict)
    identities: dict[str, str] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)
    tags: set[str] = field(default_factory=set)
    dropped: dict[str, float] = field(default_factory=dict)
    places: dict[tuple[str, ...], list[int]] = field(default_factory=dict)


def bring_up_to_log(data: Path, *, master: bytes, signer: SigningKey) -> Brought:
    """Do to a restored folder what its log says was done; nobody has it open.

    Args:
        data: the folder.
        master: its key.
        signer: its log's key.

    Raises:
        LedgerError: the log is damaged.
        GovernanceError, GalleryError: database or gallery cannot be used.
    """
    governance = data / "governance.db"
    if not governance.exists():
        return Brought()
    told = _read(durable_entries(data / "ledger", signer.verifier))
    with closing(open_customers(governance, key=master)) as customers, closing(open_acts(governance)) as acts:
        erased = 0
        if (data / "gallery" / NAME).exists() and (told.tags or told.dropped or "erased" in told.ended.values()):
            with open_gallery(data / "gallery", key=master) as gallery:
                erased = _erase(gallery, customers, told, signer)
        known = {customer.pseudonym: customer for customer in customers.all()}
        closed = sum(
            _end(customers, known[each], how, told.closed.get(each))
            for each, how in told.ended.items()
            if each in known
        )
        active = [key for key in customers.keys(None) if key.active and key.pseudonym in told.revoked]
        for key in active:
            customers.revoke(key.id)
        _settle(acts, told, signer, {customer.id: customer.pseudonym for customer in known.values()})
        customers.scrub()
        return Brought(
            closed=closed,
            revoked=len(active),
            erased=erased,
            unknown=sum(each not in known and each not in told.ended for each in told.identities),
            outdated=_outdated(customers, known, told),
        )


def _read(entries: Iterator[tuple[int, bytes]]) -> _Told:
    told = _Told()
    for index, data in entries:
        if any(word in data for word in _WORDS):
            entry = json.loads(data)
            _note(told, entry)
            for name in _names(entry):
                told.places.setdefault(name, []).append(index)
    return told


def _note(told: _Told, entry: Mapping[str, Any]) -> None:
    match entry["kind"]:
        case "customer/1":
            if "identity" in entry:
                told.identities[entry["customer"]] = entry["identity"]
            if entry["event"] == Status.CLOSED:
                told.closed[entry["customer"]] = entry["time"] / 1000
            if entry["event"] in (Status.CLOSED, Status.ERASED):
                told.ended[entry["customer"]] = entry["event"]
        case "key/1":
            if entry["event"] == "revoked":
                told.revoked.add(entry["key"])
        case "erasure/1":
            told.tags.update(entry.get("faces", ()))
        case "call/1":
            told.tags.update(entry.get("erased", ()))
            if entry["operation"] == "DeleteCollection" and entry["outcome"] == "ok" and "collection" in entry:
                told.dropped[entry["collection"]] = entry["time"] / 1000
        case _:
            pass


def _names(body: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """What tells an act that changes something from others, in the log as in the outbox."""
    match body["kind"]:
        case "customer/1":
            yield "customer", body["event"], body["customer"], body.get("identity", "")
        case "key/1":
            yield "key", body["event"], body["key"]
        case "erasure/1" if "request" not in body:
            if body["subject"] == "customer":
                yield "erased customer", body["customer"]
            for tag in body.get("faces", ()):
                yield "erased face", tag
        case _:
            pass


def _erase(gallery: Gallery, customers: Customers, told: _Told, signer: SigningKey) -> int:
    """Delete faces, collections and what erased customers stored; how many faces and collections."""
    vrf, count = vrf_key(signer), 0
    for customer in customers.all():
        all_gone = told.ended.get(customer.pseudonym) == Status.ERASED
        secret = None if customer.status is Status.ERASED else customers.secret(customer.id)
        for collection, created_at in list(_collections(gallery, customer)):
            stands_for = None if secret is None else pseudonym("collection", collection, secret=secret).commitment
            if all_gone or created_at < told.dropped.get(stands_for or "", 0.0):
                gallery.collections.delete(customer.account, collection)
                count += 1
                continue
            stored = _faces(gallery, customer, collection) if told.tags else []
            doomed = [face for face in stored if face_tag(face, vrf) in told.tags]
            count += len(doomed)
            for face in doomed:
                _delete_face(gallery, customer, collection, face)
    return count


def _delete_face(gallery: Gallery, customer: Customer, collection: str, face: str) -> None:
    place = gallery.locate_face(face)
    if place is not None and place.user is not None:
        gallery.users.disassociate(customer.account, collection, place.user, [face])
    gallery.faces.delete(customer.account, collection, [face])


def _collections(gallery: Gallery, customer: Customer) -> Iterator[tuple[str, float]]:
    token = None
    while True:
        page = gallery.collections.list(customer.account, limit=_PAGE, token=token)
        yield from ((each.id, each.created_at) for each in page.items)
        token = page.token
        if token is None:
            return


def _faces(gallery: Gallery, customer: Customer, collection: str) -> list[str]:
    found, token = list[str](), None
    while True:
        page = gallery.faces.list(customer.account, collection, limit=_PAGE, token=token)
        found += [face.face_id for face in page.items]
        token = page.token
        if token is None:
            return found


def _end(customers: Customers, customer: Customer, how: str, closed: float | None) -> bool:
    """Close (at a time) or erase a customer; whether it was not so already."""
    if customer.status is Status.ERASED or str(customer.status) == how:
        return False
    if how == Status.ERASED:
        customers.erase_customer(customer.id)
    else:
        customers.close_customer(customer.id, at=closed)
    return True


def _settle(acts: Acts, told: _Told, signer: SigningKey, of_id: Mapping[str, str]) -> None:
    """Note of acts that wait where their entries stand, so that none is entered twice."""
    for act in acts.waiting(_ALL):
        names = list(_names(act.body))
        if act.body["kind"] == FACE and "face" in act.body:
            names = [("erased face", face_tag(act.body["face"], vrf_key(signer)))]
        elif act.body["kind"] == CUSTOMER:
            names = [("erased customer", of_id[act.body["customer"]])] if act.body["customer"] in of_id else []
        places = next((told.places[name] for name in names if told.places.get(name)), None)
        if places:
            if act.body["kind"] == FACE:
                acts.rewrite(act, {"kind": FACE})  # the face's id goes with the face
            acts.entered(act, places.pop(0))


def _outdated(customers: Customers, known: Mapping[str, Customer], told: _Told) -> int:
    """Customers that the log knows under a newer identity than the database."""
    return sum(
        each in known
        and each not in told.ended
        and all(identity.opening.commitment != newest for identity in customers.identities(known[each].id))
        for each, newest in told.identities.items()
    )
