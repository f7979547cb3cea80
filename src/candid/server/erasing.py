"""Erasing a face, or a customer with all that it stored; done by whoever has the gallery and the log open.

An erasure is handed over as an act, so that it works beside a running server. Before anything is deleted the act is
rewritten in words that hold nothing personal, with what is to be deleted already noted as begun: after a crash it
is done again, and entered once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from candid.gallery import Gallery, open_gallery
from candid.governance import Act, Acts, CustomerNotFound, Customers, GovernanceUnavailable, open_customers
from candid.ledger.vrf import VrfSecretKey
from candid.recording import ActRefused, vrf_key
from candid.recording.calls import face_tag
from candid.server.data_folder import DataFolder
from candid.server.secrets import Secrets

Do = Callable[[Act], Mapping[str, Any]]
"""Does what an act says, if it is more than an entry; gives the body of the entry that tells of it."""

FACE, CUSTOMER = "do/erase-face", "do/erase-customer"


def erase_face_act(face_id: str) -> dict[str, Any]:
    """The act that erases a face."""
    return {"kind": FACE, "face": face_id.lower()}


def erase_customer_act(customer: str) -> dict[str, Any]:
    """The act that erases a customer, by its id."""
    return {"kind": CUSTOMER, "customer": customer}


@contextmanager
def eraser_without_server(folder: DataFolder, secrets: Secrets, acts: Acts) -> Iterator[Do]:
    """Does acts where no server runs; opens the gallery when one of them needs it.

    Raises:
        GovernanceError: customers cannot be read.
    """
    with ExitStack() as stack:
        customers = open_customers(folder.governance, key=secrets.master)
        stack.callback(customers.close)
        opened: list[Eraser] = []

        def do(act: Act) -> Mapping[str, Any]:
            if act.body["kind"] not in (FACE, CUSTOMER):
                return told(act, customers)
            if not opened:
                gallery = stack.enter_context(open_gallery(folder.gallery, key=secrets.master))
                opened.append(Eraser(folder, gallery, customers, acts, vrf_key(secrets.log)))
            return opened[0](act)

        yield do


def told(act: Act, customers: Customers) -> Mapping[str, Any]:
    """The body of an act that is only to be entered.

    An erasure in words that hold nothing personal is one that was done: a crash may have come before the words that it
    was asked for in were overwritten.
    """
    if act.body["kind"] == "erasure/1":
        customers.scrub()
    return act.body


class Eraser:
    """Does what these acts say."""

    def __init__(
        self,
        folder: DataFolder,
        gallery: Gallery,
        customers: Customers,
        acts: Acts,
        vrf: VrfSecretKey,
        *,
        ended: Callable[[str], bool] = lambda _account: True,
    ) -> None:
        """Name where to erase; `ended` waits until no call of an account is under way, and says whether it is so."""
        self._folder, self._ended = folder, ended
        self._gallery, self._customers, self._acts, self._vrf = gallery, customers, acts, vrf

    def __call__(self, act: Act) -> Mapping[str, Any]:
        """Do an act; the body of the entry that tells of it.

        Raises:
            ActRefused: there is nothing to erase.
            GalleryError, GovernanceError: it cannot be done now; it is tried again.
        """
        kind = act.body["kind"]
        if kind in (FACE, CUSTOMER) and not isinstance(act.body.get("face" if kind == FACE else "customer"), str):
            raise ActRefused("the act does not say what is to be erased")  # damaged; nothing behind it may wait for it
        if kind == FACE:
            return self._erase_face(act)
        if kind == CUSTOMER:
            return self._erase_customer(act)
        return told(act, self._customers)

    def _erase_face(self, act: Act) -> Mapping[str, Any]:
        face_id, begun = act.body["face"], act.body.get("begun")
        place = self._gallery.locate_face(face_id)
        if place is None and begun is None:
            self._acts.rewrite(act, {"kind": FACE})  # whoever's id it is, it is not kept for having been asked for
            self._customers.scrub()
            raise ActRefused("there is no face with this id in any collection")
        if place is not None:
            whose = next((each.pseudonym for each in self._customers.all() if each.account == place.account), None)
            begun = {} if whose is None else {"customer": whose}
            self._acts.rewrite(act, {**act.body, "begun": begun})
            while place is not None:
                if place.user is not None:
                    self._gallery.users.disassociate(place.account, place.collection, place.user, [face_id])
                self._gallery.faces.delete(place.account, place.collection, [face_id])
                place = self._gallery.locate_face(face_id)
        self._gallery.erase_deleted()  # the entry says that it is gone, not that it will be
        tags = [face_tag(face_id, self._vrf)]
        entry = {"kind": "erasure/1", "subject": "face", "faces": tags, "removed": {"faces": 1}}
        # The id itself goes before the entry comes.
        self._acts.rewrite(act, {**entry, **(begun or {})})
        self._customers.scrub()
        return {**entry, **(begun or {})}

    def _erase_customer(self, act: Act) -> Mapping[str, Any]:
        begun: dict[str, Any] | None = act.body.get("begun")
        try:
            customer = self._customers.show(act.body["customer"])
        except CustomerNotFound as error:
            if begun is None:
                raise ActRefused(str(error)) from error
            # A crash came behind the erasure and before its entry.
            self._customers.scrub()
            return _erased(begun["pseudonym"], begun["removed"])
        if begun is None:
            begun = {"pseudonym": customer.pseudonym, "removed": {"collections": 0, "faces": 0, "users": 0}}
            self._acts.rewrite(act, {**act.body, "begun": begun})
        removed: dict[str, int] = begun["removed"]
        self._customers.close_customer(customer.id)
        if not self._ended(customer.account):  # what a call is about to store would outlive its customer
            raise GovernanceUnavailable("calls of a customer that is to be erased are under way; it is tried again")
        while page := self._gallery.collections.list(customer.account, limit=100, token=None).items:
            for collection in page:
                gone = self._gallery.collections.delete(customer.account, collection.id)
                added = {"collections": 1, "faces": gone.faces, "users": gone.users}
                removed = {name: count + added[name] for name, count in removed.items()}
                self._acts.rewrite(act, {**act.body, "begun": {**begun, "removed": removed}})
        self._gallery.erase_deleted()
        counts = self._customers.erase_customer(customer.id)
        if customer.account == self._folder.identity.account:  # the development customer: its key stands there
            self._folder.credentials.unlink(missing_ok=True)
        return _erased(customer.pseudonym, {**removed, **counts})


def _erased(pseudonym: str, removed: Mapping[str, int]) -> dict[str, Any]:
    return {"kind": "erasure/1", "subject": "customer", "customer": pseudonym, "removed": dict(removed)}
