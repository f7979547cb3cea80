"""A small log in memory, with customers, calls and a map, and evidence files made from it by hand.

Made with `candid.ledger` where that has the format, and apart from the code under test and from `candid.evidence`. What
`evidence` returns a test may change and seal again: that is what an operator can do who has the key of the log.
"""

from __future__ import annotations

import copy
import tempfile
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from candid.ledger import Algorithm, Checkpoint, SigningKey, hash_leaf, sign_note
from candid.ledger.map import LabelMap, VerifiableMap
from candid.ledger.tree import root_of
from candid.ledger.vrf import VrfSecretKey
from candid_verify.canonical import canonical, encode_bytes
from candid_verify.claims import Claim, labels_wanted
from candid_verify.commitments import Opening, pseudonym
from candid_verify.entries import Placed, write_entry
from candid_verify.figures import figures
from candid_verify.identity import parties_of
from candid_verify.labels import face_label, label_value, parties
from candid_verify.prices import PriceList

NOVEMBER, DECEMBER = 1_761_955_200_000, 1_764_547_200_000  # 2025, UTC
SECRET = bytes(range(100, 132))

ACME = {
    "account": "000000000001",
    "name": "Acme Trading B.V.",
    "country": "NL",
    "category": "private",
    "registrations": [{"country": "NL", "number": "00123456"}],
    "owners": [{"name": "Иванов Пётр", "country": "RU", "registrations": [], "percent": "60", "kind": "shares"}],
}
OTHER = {
    "account": "000000000002",
    "name": "Other GmbH",
    "country": "DE",
    "category": "police",
    "lei": "ABCDEFGHIJKLMNOPQR30",
    "registrations": [{"number": "HRB 77"}],
    "owners": [],
}
PRICES = {
    "currency": "USD",
    "valid_from": NOVEMBER - 1000,
    "meters": {
        "image-group-1": {
            "unit": "image", "monthly": False, "per": 1, "free": 2,
            "tiers": [{"upto": 4, "price": 1000}, {"price": 800}],
        },
        "face-days": {"unit": "face-month", "monthly": True, "per": 1, "free": 0, "tiers": [{"price": 10}]},
    },
}  # fmt: skip


@dataclass
class SmallLog:
    """A log and what its operator knows."""

    folder: Path
    signer: SigningKey = field(
        default_factory=lambda: SigningKey.generate("candid.local/test", randomness=lambda size: bytes([7]) * size)
    )
    vrf: VrfSecretKey = field(default_factory=lambda: VrfSecretKey(bytes([9]) * 32))
    now: int = NOVEMBER - 5000
    entries: list[dict[str, Any]] = field(default_factory=list)
    openings: dict[str, Opening] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    values: dict[bytes, bytes] = field(default_factory=dict)  # of the map, by label

    def __post_init__(self) -> None:
        self.map = VerifiableMap(self.folder / "map")
        self.labels = LabelMap(self.map, self.vrf)
        self.key = str(self.signer.verifier)
        self.add("log/1", origin=self.signer.name, vrf=encode_bytes(self.vrf.public.encoded), labels="candid-labels/1",
                 software={"name": "candid", "version": "1"})  # fmt: skip
        self.run = self.add(
            "start/1", software={"name": "candid", "version": "1"}, previous="none",
            models=[{"name": "m", "version": "1", "sha256": encode_bytes(bytes(32))}],
            policy={"version": "policy-1", "rules": ["cleared"]},
        )  # fmt: skip

    # What the server does.

    def add(self, kind: str, *, time: int | None = None, **members: Any) -> int:
        """Append an entry; its index."""
        self.now = self.now + 1 if time is None else time
        self.entries.append({"kind": kind, "time": self.now, **members})
        write_entry(self.entries[-1])
        return len(self.entries) - 1

    def open_customer(self, identity: Mapping[str, Any], *, event: str = "opened", customer: str | None = None) -> str:
        """A `customer/1` entry with its `map/1`; the pseudonym."""
        opening = Opening(sha256(canonical(identity)).digest(), dict(identity))
        labels = parties(parties_of(identity))
        who = customer or opening.commitment
        self.openings[opening.commitment] = opening
        index = self.add(
            "customer/1", event=event, customer=who, identity=opening.commitment, category=identity["category"],
            status="cleared", labels=[encode_bytes(self.labels.key(label)) for label in labels],
        )  # fmt: skip
        leaf = hash_leaf(write_entry(self.entries[index]))
        self.values.update({label: label_value(self.values.get(label), leaf) for label in labels})
        version = self.labels.add({label: self.values[label] for label in labels})
        self.add("map/1", version=version.number, root=encode_bytes(version.root), count=version.count)
        return who

    def call(self, customer: str, *, time: int | None = None, outcome: str = "ok", **members: Any) -> int:
        """A decided call."""
        self.numbers[customer] = self.numbers.get(customer, 0) + 1
        self.now = self.now + 1 if time is None else time
        call = {
            "request": f"request-{len(self.entries)}", "operation": "SearchFacesByImage", "customer": customer,
            "number": self.numbers[customer], "outcome": outcome, "meter": "image-group-1",
            "decision": {"allowed": outcome != "denied", "rule": "cleared", "policy": "policy-1"},
            "units": int(outcome == "ok"), "started": self.now, "run": self.run,
        }  # fmt: skip
        return self.add("call/1", time=self.now, **{**call, **members})

    def state(self) -> int:
        """How things stand."""
        latest = self.map.latest
        stated: dict[str, Any] = {"version": latest.number, "root": encode_bytes(latest.root), "count": latest.count}
        maps = self.of_kind("map/1")
        if maps:
            stated["entry"] = maps[-1]
        return self.add("state/1", map=stated, customers=len(self.of_kind("customer/1")))

    def statement(self, customer: str, **members: Any) -> int:
        """How many calls a customer has made."""
        return self.add("statement/1", customer=customer, number=self.numbers.get(customer, 0), **members)

    def prices(self, document: Mapping[str, Any] = PRICES) -> int:
        """A price list."""
        note = sign_note(PriceList.from_json(document).text, [self.signer])
        return self.add("prices/1", note=bytes(note).decode())

    def tag(self, face: str) -> str:
        """A face's tag."""
        return encode_bytes(self.vrf.output(face_label(face))[:32])

    def of_kind(self, *kinds: str, customer: str | None = None) -> list[int]:
        """Indexes of entries."""
        return [
            index for index, entry in enumerate(self.entries)
            if entry["kind"] in kinds and customer in (None, entry.get("customer"))
        ]  # fmt: skip

    # What the operator makes of it.

    def checkpoint(self, *, size: int | None = None, witnesses: Sequence[SigningKey] = (), time: int = 1) -> str:
        """The checkpoint of the first `size` entries."""
        size = len(self.entries) if size is None else size
        leaves = [hash_leaf(write_entry(entry)) for entry in self.entries[:size]]
        text = Checkpoint(self.signer.name, size, root_of(leaves)).text
        return bytes(sign_note(text, [self.signer, *witnesses], time=time)).decode()

    def tree(self, indexes: Sequence[int], *, size: int | None = None) -> list[str]:
        """The hashes beside the entries, by the rule of docs/evidence-format.md."""
        leaves = [hash_leaf(write_entry(entry)) for entry in self.entries[:size]]

        def beside(low: int, high: int) -> list[str]:
            if not any(low <= index < high for index in indexes):
                return [encode_bytes(root_of(leaves[low:high]))]
            if high - low == 1:
                return []
            middle = low + max(1 << bit for bit in range(40) if 1 << bit < high - low)
            return beside(low, middle) + beside(middle, high)

        return beside(0, len(leaves))

    def evidence(
        self,
        claim: Mapping[str, Any],
        indexes: Sequence[int],
        *,
        labels: Sequence[bytes] = (),
        keys: Sequence[bytes] = (),
        openings: Sequence[str] = (),
        version: int | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        """The value of "evidence", with these entries and the first one."""
        chosen = sorted({0, *indexes})
        of = None if version is None else self.map.version(version)
        return {
            "format": "candid-evidence/1",
            "claim": dict(claim),
            "made": self.now,
            "checkpoint": self.checkpoint(),
            "entries": [{"index": each, "entry": write_entry(self.entries[each]).decode()} for each in chosen],
            "tree": self.tree(chosen),
            "labels": [
                {"label": label.decode(), "proof": encode_bytes(bytes(self.labels.prove(label, of)))}
                for label in labels
            ],
            "keys": [{"label": label.decode(), "proof": encode_bytes(self.vrf.prove(label))} for label in keys],
            "openings": [{"for": each, **self.openings[each].as_json()} for each in sorted(openings)],
            **more,
        }

    def seal(self, evidence: Mapping[str, Any], signer: SigningKey | None = None) -> bytes:
        """The file: signed, in its one spelling."""
        signer = signer or self.signer
        digest = b64encode(sha256(canonical(evidence)).digest()).decode()
        note = sign_note(f"candid-evidence/1\n{signer.name}\n{digest}\n".encode(), [signer])
        return canonical({"evidence": evidence, "note": bytes(note).decode()}) + b"\n"

    def never_served(self, *, state: int | None = None, **claim: Any) -> dict[str, Any]:
        """Evidence of never-served, by a state entry (the newest, if none is named)."""
        claim = {"name": "never-served", **claim}
        state = self.of_kind("state/1")[-1] if state is None else state
        stated = self.entries[state]["map"]
        indexes = [state, stated["entry"]] if "entry" in stated else [state]
        labels = labels_wanted(Claim.from_json(claim))
        return self.evidence(claim, indexes, labels=labels, version=stated["version"])

    def erased(self, face: str, *indexes: int) -> dict[str, Any]:
        """Evidence of an erasure with these entries."""
        return self.evidence({"name": "erased", "face": face}, indexes, keys=[face_label(face)])

    def usage(self, customer: str, indexes: Sequence[int], *, name: str = "usage", **period: int) -> dict[str, Any]:
        """Evidence of usage or not-used with these entries, and of who the customer is."""
        claim = {"name": name, "customer": customer, **period}
        entries = self.of_kind("customer/1", customer=customer)
        openings = list(
            dict.fromkeys(self.entries[each]["identity"] for each in entries if "identity" in self.entries[each])
        )
        keys = parties(party for each in openings for party in parties_of(self.openings[each].value))
        more = {} if name == "not-used" else {"stated": self.stated(customer, indexes, period)}
        return self.evidence(claim, [*indexes, *entries], keys=keys, openings=openings, **more)

    def stated(self, customer: str, indexes: Sequence[int], period: Mapping[str, int]) -> dict[str, Any]:
        """The operator's figures."""
        placed = {kind: [Placed(i, self.entries[i]) for i in sorted(indexes) if self.entries[i]["kind"] == kind]
                  for kind in ("call/1", "storage/1", "prices/1", "statement/1")}  # fmt: skip
        begin, end = period.get("from"), period.get("to")
        ends = [each.entry["time"] for each in (*placed["call/1"], *placed["statement/1"])]
        inside = [each for each in placed["call/1"] if (begin or 0) <= each.entry["time"] < (end or 10**15)]
        return figures(
            inside, customer=customer, stored=placed["storage/1"], prices=placed["prices/1"], begin=begin,
            end=max(ends, default=0) if end is None else end, opener=_text_of,
        )  # fmt: skip


def _text_of(note: bytes) -> bytes:
    return note.rpartition(b"\n\n")[0] + b"\n"


@dataclass
class World(SmallLog):
    """The log that most tests look at."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.empty_state = self.state()
        self.prices_entry = self.prices()
        self.acme = self.open_customer(ACME)
        self.early_state = self.state()
        self.other = self.open_customer(OTHER)
        collection = pseudonym("collection", "visitors", secret=SECRET)
        access = pseudonym("key", "AKIA1", secret=SECRET)
        self.openings |= {each.commitment: each for each in (collection, access)}
        self.collection, self.access = collection.commitment, access.commitment
        self.first = self.call(
            self.acme, time=NOVEMBER + 10, operation="IndexFaces", key=self.access, collection=self.collection,
            enrolled=[self.tag("face-1"), self.tag("face-2"), self.tag("face-3")], counts={"enrolled": 3},
        )  # fmt: skip
        self.others = [self.call(self.other)]
        self.calls = [self.first, self.call(self.acme, outcome="denied")]
        self.calls.append(self.call(self.acme, outcome="error", error="X"))
        self.others.append(self.call(self.other))
        self.calls += [self.call(self.acme) for _ in range(4)]
        self.storage = [self.add("storage/1", customer=self.acme, day="2025-11-01", faces=3, users=0)]
        self.deleted = self.call(
            self.acme, operation="DeleteFaces", meter="free", erased=[self.tag("face-1")], collection=self.collection,
        )  # fmt: skip
        self.dropped = self.call(self.acme, operation="DeleteCollection", meter="free", collection=self.collection)
        self.calls += [self.deleted, self.dropped]
        self.last_november = self.calls[-1]
        self.december = self.call(self.acme, time=DECEMBER + 5)
        self.calls.append(self.december)
        self.erasure = self.add("erasure/1", subject="face", faces=[self.tag("face-2")])
        self.gone = self.add("erasure/1", subject="customer", customer=self.acme, removed={"faces": 2})
        self.acme_statement, self.other_statement = self.statement(self.acme), self.statement(self.other)
        self.last_state = self.state()

    def november(self) -> dict[str, Any]:
        """Evidence of Acme's usage in November, with its bill."""
        indexes = [*self.calls, *self.storage, self.prices_entry]
        return self.usage(self.acme, indexes, **{"from": NOVEMBER, "to": DECEMBER})

    def decision(self, call: int) -> dict[str, Any]:
        """Evidence of a decision, with all that can be opened."""
        entry = self.entries[call]
        known = self.of_kind("customer/1", customer=entry["customer"])
        openings = [self.entries[each]["identity"] for each in known]
        openings += [entry[each] for each in ("key", "collection") if each in entry]
        claim = {"name": "decision", "request": entry["request"]}
        return self.evidence(claim, [call, self.run, *known], openings=openings)


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    """The log, which no test may change; `small_log` is one that it may."""
    with tempfile.TemporaryDirectory() as folder:
        made = World(Path(folder))
        yield made
        made.map.close()


@pytest.fixture(scope="session")
def small_log_of() -> type[SmallLog]:
    """Makes a log in a folder; the map of it is the caller's to close."""
    return SmallLog


@pytest.fixture
def small_log(tmp_path: Path) -> Iterator[SmallLog]:
    """An own log with its first entry and a start."""
    made = SmallLog(tmp_path)
    yield made
    made.map.close()


@pytest.fixture(scope="session")
def all_evidence(world: World) -> Mapping[str, dict[str, Any]]:
    """A piece of established evidence for each claim; copy it before changing it."""
    return {
        "never-served": world.never_served(subject="Nobody Ltd", country="FR", registration="99"),
        "usage": world.november(),
        "not-used": world.usage(
            world.acme, [world.last_november, world.december], name="not-used",
            **{"from": NOVEMBER + 86_400_000, "to": DECEMBER},
        ),
        "decision": world.decision(world.first),
        "erased": world.erased("face-1", world.first, world.deleted),
    }  # fmt: skip


@pytest.fixture
def witness() -> SigningKey:
    return SigningKey.generate("witness.example/w1", Algorithm.COSIGNATURE, randomness=lambda size: bytes([3]) * size)


@pytest.fixture
def changed(all_evidence):
    """A copy of a claim's evidence, to be changed."""
    return lambda name: copy.deepcopy(all_evidence[name])
