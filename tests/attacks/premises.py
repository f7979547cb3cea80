"""An honest operator's data folder, written by the real recorder, and what outsiders have of it.

Three customers: Acme and Shade, who keep their receipts, and Beta, who does not. Acme's and Shade's calls come in
turn; in the middle somebody keeps the log's checkpoint. The server runs on when all is done, as servers do.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.attacks.forging import OPTIONS

from candid.billing.bill import make_bills
from candid.billing.pricelist import prices_act
from candid.client.expectations import ASKED
from candid.client.replies import Reply
from candid.config import Config
from candid.governance import Acts, Customer, Customers, Decision, Owner, Registration, open_acts, open_customers
from candid.ledger import FolderSource, LogReader, SigningKey
from candid.recording import CallFacts, Outcome, Recorder, Software, open_recorder
from candid.server.data_folder import create_data_folder
from candid.server.secrets import Secrets, create_secrets
from candid_verify.prices import PriceList
from candid_verify.rating import Month

BEGIN = 1_767_571_200_000  # 2026-01-05T00:00:00Z
MONTH = "2026-01"
SOFTWARE = Software("candid", "0.0")
TURNS = 64  # of Acme's and Shade's calls before the checkpoint is kept, and as many after it
METERS = {
    "image-group-1": {"unit": "image", "monthly": False, "per": 1, "free": 0, "tiers": [{"price": 1000}]},
    "image-group-2": {"unit": "image", "monthly": False, "per": 1, "free": 0, "tiers": [{"price": 700}]},
}
SHADE_OWNER = Owner(name="Severny Holding", country="RU")


def price_list(valid_from: int, *, price: int = 1000) -> PriceList:
    meters = {name: {**meter, "tiers": [{"price": price}]} for name, meter in METERS.items()}
    return PriceList.from_json({"currency": "USD", "valid_from": valid_from, "meters": meters})


@dataclass
class Clock:
    """Goes on by a second whenever somebody looks at it."""

    now: int = BEGIN

    def __call__(self) -> float:
        self.now += 1000
        return self.now / 1000


@dataclass
class Premises:
    """An honest operator's files below one folder, and the pseudonyms of its customers.

    Attributes:
        root: holds `data`, `keys` and `outside`, which is all that outsiders have.
        secrets: the operator's keys.
        names: pseudonym by customer.
    """

    root: Path
    secrets: Secrets
    names: dict[str, str] = field(default_factory=dict)

    @property
    def signer(self) -> SigningKey:
        return self.secrets.log


def build(root: Path) -> Premises:
    """Make the data folder, and hand out what outsiders get: key, receipts, a checkpoint, a bill."""
    folder = create_data_folder(root / "data", Config(key_file=str(root / "keys" / "master.key")))
    secrets = create_secrets(folder)
    built, outside, clock = Premises(root, secrets), root / "outside", Clock()
    outside.mkdir()
    (outside / "log.key").write_text(f"{secrets.log.verifier}\n")
    customers = open_customers(folder.governance, key=secrets.master, clock=clock)
    acts = open_acts(folder.governance)
    options = replace(OPTIONS, clock=clock)
    recorder = open_recorder(folder.path, secrets.log, options, software=SOFTWARE, clock=clock)
    try:
        _Day(built, recorder, customers, acts, clock).passes()
    finally:
        recorder.close()
        customers.close()
        acts.close()
    send_bill(root, secrets.log, built.names["acme"])
    return built


def send_bill(root: Path, signer: SigningKey, customer: str) -> None:
    """The month's bill, as the operator sends it."""
    reader = LogReader.open(FolderSource(root / "data" / "ledger"), signer.verifier)
    (bill,) = make_bills(reader, signer.verifier, Month.parse(MONTH), customer=customer)
    (root / "outside" / "bill.json").write_text(json.dumps(bill.as_json(), indent=2) + "\n")


@dataclass
class _Day:
    """What happens."""

    built: Premises
    recorder: Recorder
    customers: Customers
    acts: Acts
    clock: Clock
    rows: Counter[str] = field(default_factory=lambda: Counter(detector=3, embedder=1))
    calls: int = 0

    def passes(self) -> None:
        self.recorder.start(software=SOFTWARE, models=[], engine=self.engine)
        self.recorder.act(prices_act(price_list(self.clock.now + 10_000), self.built.signer))
        acme = self.welcome("acme", "Acme Trading B.V.", "NL", registrations=[Registration(number="00123456")])
        beta = self.welcome("beta", "Beta GmbH", "DE")
        shade = self.welcome("shade", "Shade Ltd", "GB", owners=[SHADE_OWNER])
        self.clock.now = BEGIN + 60_000  # now the price list holds
        self.turns(acme, shade)
        self.call("beta", beta)
        self.recorder.enter_state()
        self.keep_checkpoint("kept.checkpoint")
        self.turns(acme, shade)
        self.denied("acme", acme)
        self.recorder.enter_state()
        self.keep_checkpoint("newest.checkpoint")

    def engine(self) -> Mapping[str, Mapping[str, int]]:
        return {name: {"passes": rows, "rows": rows} for name, rows in self.rows.items()}

    def welcome(self, name: str, company: str, country: str, **facts: Any) -> Customer:
        opened = self.customers.open_customer(name=company, country=country, **facts)
        self.customers.issue(opened.id)
        for act in self.acts.waiting():
            self.acts.entered(act, self.recorder.act(act.body, act.labels))
        self.built.names[name] = opened.pseudonym
        return opened

    def turns(self, acme: Customer, shade: Customer) -> None:
        for number in range(TURNS):
            self.call("acme", acme, "SearchFacesByImage" if number % 3 else "DetectFaces")
            self.call("shade", shade)

    def call(self, name: str, customer: Customer, operation: str = "DetectFaces", **changes: Any) -> None:
        rows = {"detector": 1} | ({"embedder": 1} if operation != "DetectFaces" else {})
        self.rows.update(rows)
        asked = ASKED[operation]
        facts = {
            "outcome": Outcome.OK,
            "units": asked.units,
            "engine": rows,
            "decision": Decision(True, "open", "fine"),
        }
        self.enter(name, customer, operation, **{**facts, **changes})

    def denied(self, name: str, customer: Customer) -> None:
        facts = {"outcome": Outcome.DENIED, "units": 0, "error": "AccessDeniedException"}
        self.enter(name, customer, "DetectFaces", decision=Decision(False, "closed", "no"), **facts)

    def enter(self, name: str, customer: Customer, operation: str, **facts: Any) -> None:
        self.calls += 1
        request, asked = f"00000000-0000-4000-8000-{self.calls:012}", ASKED[operation]
        key = self.customers.keys(customer.id)[0].pseudonym
        call = CallFacts(
            request=request, operation=operation, customer=customer, key=key, meter=asked.meter,
            started=self.clock.now, **facts,
        )  # fmt: skip
        receipt = self.recorder.call(call, secret=self.customers.secret(customer.id))
        ok = facts["outcome"] is Outcome.OK
        reply = Reply(
            id=request, time=self.clock.now, operation=operation, request=request, status=200 if ok else 400,
            error=facts.get("error"), receipt=receipt, asked=asked,
        )  # fmt: skip
        with (self.built.root / "outside" / f"{name}.jsonl").open("ab") as file:
            file.write(reply.line())

    def keep_checkpoint(self, name: str) -> None:
        """Somebody outside keeps what is published now."""
        self.recorder.log.publish()
        kept = (self.recorder.log.folder / "checkpoint").read_bytes()
        (self.built.root / "outside" / name).write_bytes(kept)
