"""Recorders in a folder of their own, with a clock that the test turns and disks that fail."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from candid.governance import Category, Customer, Decision, Status
from candid.ledger import Log, LogOptions, SigningKey
from candid.ledger.receipt import Receipt
from candid.ledger.storage import DISK, Disk
from candid.recording import CallFacts, Outcome, Recorder, Software, open_recorder
from candid_verify.audit import Audit
from candid_verify.canonical import decode_bytes, encode_bytes
from candid_verify.commitments import pseudonym
from candid_verify.entries import parse_entry

SOFTWARE = Software("candid", "1")
ENGINE = {"detector": {"passes": 1, "rows": 1}}


@dataclass
class Clock:
    """Stands until it is turned; seconds since the epoch."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Party:
    """A customer with one access key."""

    number: int
    secret: bytes = field(default_factory=lambda: os.urandom(32))
    salt: bytes = field(default_factory=lambda: os.urandom(32))

    @property
    def pseudonym(self) -> str:
        return encode_bytes(self.salt)

    @property
    def key(self) -> str:
        return pseudonym("key", f"CNDD{self.number}", secret=self.secret).commitment

    @property
    def customer(self) -> Customer:
        return Customer(
            id=f"cus-{self.number}",
            account=f"{self.number:012}",
            name="Acme",
            country="DE",
            category=Category.PRIVATE,
            status=Status.UNSCREENED,
            created=0.0,
            pseudonym=self.pseudonym,
        )

    def opened(self) -> dict[str, Any]:
        return {
            "kind": "customer/1",
            "event": "opened",
            "customer": self.pseudonym,
            "identity": self.pseudonym,
            "category": "private",
            "status": "unscreened",
        }

    def issued(self) -> dict[str, Any]:
        return {"kind": "key/1", "event": "issued", "customer": self.pseudonym, "key": self.key}

    def facts(self, **changes: Any) -> CallFacts:
        return replace(
            CallFacts(
                request="00000000-0000-4000-8000-000000000000",
                operation="DetectFaces",
                customer=self.customer,
                key=self.key,
                decision=Decision(True, "open", "fine"),
                outcome=Outcome.OK,
                meter="image-group-2",
                units=1,
                started=1_800_000_000_000,
            ),
            **changes,
        )


@dataclass
class Desk:
    """One data folder and the recorders that were opened on it."""

    root: Path
    signer: SigningKey
    clock: Clock
    opened: list[Recorder] = field(default_factory=list)

    def options(self, disk: Disk = DISK) -> LogOptions:
        return LogOptions(guard=self.root / "guard", publish_interval=None, clock=self.clock, disk=disk)

    def open(self, *, disk: Disk = DISK) -> Recorder:
        if not Log.exists(self.root / "ledger"):
            Log.create(self.root / "ledger", self.signer, self.options()).close()
        found = open_recorder(
            self.root, self.signer, self.options(disk), software=SOFTWARE, clock=self.clock, disk=disk
        )
        self.opened.append(found)
        return found

    def serve(self, *, disk: Disk = DISK, engine: Callable[[], dict[str, Any]] = dict) -> Recorder:
        """A recorder of a server that has started."""
        recorder = self.open(disk=disk)
        recorder.start(models=[], software=SOFTWARE, engine=engine)
        return recorder

    def welcome(self, recorder: Recorder, number: int = 1, *, labels: bool = True) -> Party:
        """A new customer."""
        party = Party(number)
        recorder.act(party.opened(), [b"label %d" % number] if labels else None)
        recorder.act(party.issued())
        return party

    def call(self, recorder: Recorder, party: Party, **changes: Any) -> int:
        """Enter a call, check its receipt; its index."""
        text = recorder.call(party.facts(**{"request": str(uuid.uuid4()), **changes}), secret=party.secret)
        receipt = Receipt.open(decode_bytes(text), self.signer.verifier)
        return receipt.entry.index

    def entries(self, recorder: Recorder) -> list[dict[str, Any]]:
        """All entries, each checked as whoever reads the log does."""
        return [parse_entry(data) for _, data in recorder.log.entries(0)]

    def entry(self, recorder: Recorder, index: int) -> dict[str, Any]:
        """One of them."""
        return self.entries(recorder)[index]

    def check(self, recorder: Recorder, *allowed: str) -> None:
        """No rule of the audit is broken but those."""
        audit = Audit()
        for index, data in recorder.log.entries(0):
            audit.feed(index, data)
        assert {finding.rule for finding in audit.finish().findings} == set(allowed), audit.finish().findings


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    found = Desk(tmp_path, SigningKey.generate("candid.local/test"), Clock())
    yield found
    for recorder in found.opened:
        recorder.close()
