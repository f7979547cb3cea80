"""Where evidence comes from: the published log, the map, the log's key and the operator's books."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from candid.evidence.view import View
from candid.governance import Customer, Customers
from candid.ledger import FolderSource, SigningKey
from candid.ledger.map import LabelMap, VerifiableMap
from candid.recording import map_folder, vrf_key

Act = Callable[[Mapping[str, object]], int]
"""Enters an act in the log, waits until it is published, and gives its index."""


def _none(_: Customer) -> Iterable[str]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What evidence is made of; all of it may be read beside a running server.

    Attributes:
        data: the data folder, of which `ledger` and `recording/map` are read.
        signer: the log's key; it signs the file, and the VRF's key comes from it.
        customers: the operator's books, for openings; None where there are none: then the file opens nothing.
        act: enters `state/1` and `statement/1`.
        collections: the ids of a customer's collections that may be named in a file.
        clock: seconds since the epoch.
    """

    data: Path
    signer: SigningKey
    customers: Customers | None
    act: Act
    collections: Callable[[Customer], Iterable[str]] = _none
    clock: Callable[[], float] = time.time

    @property
    def now(self) -> int:
        """Milliseconds since the epoch."""
        return int(self.clock() * 1000)

    def view(self) -> View:
        """The log as it is published now.

        Raises:
            LedgerError: it cannot be read.
        """
        return View(FolderSource(self.data / "ledger"), self.signer.verifier)

    def open_map(self) -> VerifiableMap:
        """The map, for reading; to be closed.

        Raises:
            MapError: it cannot be read.
        """
        return VerifiableMap(map_folder(self.data), read_only=True)

    def labels(self, entries: VerifiableMap) -> LabelMap:
        """The map by labels."""
        return LabelMap(entries, vrf_key(self.signer))

    def customer(self, pseudonym: str) -> Customer | None:
        """Who stands behind a pseudonym; None where the books do not know."""
        if self.customers is None:
            return None
        return next((each for each in self.customers.all() if each.pseudonym == pseudonym), None)
