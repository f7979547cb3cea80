"""A data folder as a server leaves it, without a server: a real log, map and database of customers, kept in step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.evidence.bookkeeper import Bookkeeper, Known, digest, log_key

from candid.evidence import Sources
from candid.governance import Customer, open_acts, open_customers
from candid.ledger import Log, LogOptions
from candid.ledger.map.store import VerifiableMap
from candid.recording import map_folder, vrf_key


@dataclass
class Tick:
    """A clock that stands where the bookkeeper's stands."""

    book: Bookkeeper

    def __call__(self) -> float:
        return self.book.time / 1000 + 1


class Office:
    """Its own clerk: whatever is told to it stands in the log, and is published, before the method returns."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.folder, self.signer = folder, log_key()
        self.book = Bookkeeper(vrf=vrf_key(self.signer))
        self.log = Log.create(folder / "ledger", self.signer, LogOptions(publish_interval=None))
        self.map = VerifiableMap(map_folder(folder))
        self.customers = open_customers(folder / "governance.db", key=digest("master"), clock=Tick(self.book))
        self.acts = open_acts(folder / "governance.db")
        self.collections: list[str] = []
        self.book.begin()
        self.book.start()
        self.book.state()

    def close(self) -> None:
        self.customers.close()
        self.acts.close()
        self.map.close()
        self.log.close()

    def open(self, name: str, country: str = "NL", **facts) -> Customer:
        """A customer with a key, under which `book.call(name)` writes its calls."""
        customer = self.customers.open_customer(name=name, country=country, **facts)
        issued = self.customers.issue(customer.id)
        opening = self.customers.identities(customer.id)[0].opening
        self.book.customers[name] = Known(self.customers.secret(customer.id), [opening], [], access_key=issued.key.id)
        self.enter()
        return customer

    def enter(self) -> None:
        for act in self.acts.waiting():
            self.acts.entered(act, self.book.act(act.body, act.labels))

    def publish(self) -> None:
        self.log.append_many(self.book.entries[self.log.size :])
        self.log.publish()
        for batch in self.book.batches[self.map.latest.number :]:
            self.map.insert(batch)

    def act(self, body: Mapping[str, object]) -> int:
        """What the server does for whoever makes evidence."""
        if body["kind"] == "state/1":
            index = self.book.state()
        else:
            calls = [known.calls for known in self.book.customers.values() if known.pseudonym == body["customer"]]
            index = self.book.add({**body, "number": sum(calls)})
        self.publish()
        return index

    def sources(self, **changes) -> Sources:
        self.publish()
        facts = {"data": self.folder, "signer": self.signer, "customers": self.customers, "act": self.act}
        facts |= {"collections": lambda _: self.collections, "clock": Tick(self.book)}
        return Sources(**facts | changes)
