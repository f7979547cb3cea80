"""Writes the entries of a log as a server would, without one; and can be told to lie in any of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from candid.ledger import Log, LogOptions, SigningKey, hash_leaf, sign_note
from candid.ledger.map.hashing import map_root
from candid.ledger.map.store import VerifiableMap
from candid.ledger.vrf import VrfSecretKey
from candid_verify.canonical import canonical, encode_bytes
from candid_verify.commitments import Opening, pseudonym
from candid_verify.entries import write_entry
from candid_verify.identity import parties_of
from candid_verify.labels import VERSION, face_label, label_value, parties

BEGIN = 1_767_225_600_000  # 2026-01-01T00:00:00Z
DAY = 86_400_000
SOFTWARE = {"name": "candid", "version": "0.0"}
DETECTOR, EMBEDDER = "detector-1", "embedder-1"


def log_key(origin: str = "candid.local/test", seed: str = "log") -> SigningKey:
    return SigningKey.generate(origin, randomness=lambda _: digest(seed))


def digest(text: str) -> bytes:
    return sha256(text.encode()).digest()


def identity(name: str, country: str = "NL", **more: object) -> dict[str, object]:
    plain = {"account": "1", "name": name, "country": country, "category": "private", "registrations": [], "owners": []}
    return plain | more


@dataclass
class Known:
    """A customer as the bookkeeper's own books have it."""

    secret: bytes
    openings: list[Opening]
    indexes: list[int]
    calls: int = 0
    access_key: str = "key"

    @property
    def pseudonym(self) -> str:
        return self.openings[0].commitment

    def key(self, name: str | None = None) -> str:
        return pseudonym("key", name or self.access_key, secret=self.secret).commitment


@dataclass
class Bookkeeper:
    """Entries in memory; each method appends what a server would. `time` goes on by a second with each."""

    origin: str = "candid.local/test"
    time: int = BEGIN
    entries: list[bytes] = field(default_factory=list)
    customers: dict[str, Known] = field(default_factory=dict)
    vrf: VrfSecretKey = field(default_factory=lambda: VrfSecretKey(digest("vrf")))
    labels: dict[bytes, bytes] = field(default_factory=dict)
    batches: list[dict[bytes, bytes]] = field(default_factory=list)
    pending: dict[bytes, bytes] = field(default_factory=dict)
    map: dict[str, Any] = field(default_factory=lambda: {"version": 0, "root": encode_bytes(bytes(32)), "count": 0})
    customer_entries: int = 0
    run: int = -1
    calls: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    stopped: bool = True

    def add(self, entry: Mapping[str, object]) -> int:
        """Append an entry, whatever it says; the time is now unless it says otherwise."""
        self.time += 1000
        self.entries.append(write_entry({"time": self.time, **entry}))
        return len(self.entries) - 1

    def begin(self) -> int:
        vrf = encode_bytes(self.vrf.public.encoded)
        return self.add({"kind": "log/1", "origin": self.origin, "vrf": vrf, "labels": VERSION, "software": SOFTWARE})

    def start(self, **lies: object) -> int:
        previous = "none" if self.run < 0 else "clean" if self.stopped else "unclean"
        models = [
            {"name": name, "version": "1", "sha256": encode_bytes(digest(name))} for name in (DETECTOR, EMBEDDER)
        ]
        policy = {"version": "builtin-1", "rules": ["customer-not-blocked"]}
        entry = {"kind": "start/1", "software": SOFTWARE, "models": models, "policy": policy, "previous": previous}
        self.run = self.add(entry | lies)
        self.calls, self.stopped, self.rows = 0, False, {DETECTOR: 3, EMBEDDER: 1}
        return self.run

    def engine(self) -> dict[str, dict[str, int]]:
        return {name: {"rows": rows, "passes": rows} for name, rows in self.rows.items()}

    def state(self, **lies: object) -> int:
        entry: dict[str, object] = {"kind": "state/1", "map": dict(self.map), "customers": self.customer_entries}
        if not self.stopped:
            entry |= {"run": self.run, "calls": self.calls, "engine": self.engine()}
        return self.add(entry | lies)

    def stop(self, **lies: object) -> int:
        index = self.add({"kind": "stop/1", "run": self.run, "calls": self.calls, "engine": self.engine()} | lies)
        self.stopped = True
        return index

    def customer(
        self, name: str, /, value: Mapping[str, object] | None = None, event: str = "opened", **lies: object
    ) -> int:
        """A `customer/1` entry with all labels of an identity; `map` must follow."""
        salt = digest(f"salt {name} {len(self.entries)}")
        opening = Opening(salt, identity(name) if value is None else dict(value))
        labels = [self.vrf.output(label)[:32] for label in parties(parties_of(opening.value))]
        known = self.customers.setdefault(name, Known(digest(f"secret {name}"), [], []))
        known.openings.append(opening)
        entry = {
            "kind": "customer/1",
            "event": event,
            "customer": known.pseudonym,
            "identity": opening.commitment,
            "category": "private",
            "status": "cleared",
            "labels": [encode_bytes(label) for label in labels],
        }
        index = self.add(entry | lies)
        known.indexes.append(index)
        self.customer_entries += 1
        self._put(labels, self.entries[index])
        return index

    def act(self, body: Mapping[str, object], labels: Sequence[bytes] | None) -> int:
        """What a customer's database hands out to be entered; the map follows where there are labels."""
        entry = dict(body)
        keys = [] if labels is None else [self.vrf.output(label)[:32] for label in labels]
        if labels is not None:
            entry["labels"] = [encode_bytes(key) for key in keys]
        index = self.add(entry)
        self.customer_entries += entry["kind"] == "customer/1"
        if labels is not None:
            self._put(keys, self.entries[index])
            self.map_entry()
        return index

    def end(self, name: str, event: str = "closed", **lies: object) -> int:
        known = self.customers[name]
        self.customer_entries += 1
        entry = {"kind": "customer/1", "event": event, "customer": known.pseudonym, "category": "private"}
        return self.add(entry | {"status": event} | lies)

    def map_entry(self, **lies: object) -> int:
        """A `map/1` entry over all labels so far."""
        self.batches.append(dict(self.pending))
        self.pending.clear()
        stated = {"version": self.map["version"] + 1, "root": encode_bytes(map_root(self.labels))}
        stated = stated | {"count": len(self.labels)} | lies
        index = self.add({"kind": "map/1", **stated})
        self.map = {"entry": index, **stated}
        return index

    def key(self, customer: str, /, event: str = "issued", name: str = "key", **lies: object) -> int:
        known = self.customers[customer]
        entry = {"kind": "key/1", "event": event, "customer": known.pseudonym, "key": known.key(name)}
        return self.add(entry | lies)

    def open(self, name: str, value: Mapping[str, object] | None = None) -> int:
        """A customer with its labels in the map and one key."""
        index = self.customer(name, value)
        self.map_entry()
        self.key(name)
        return index

    def call(self, customer: str, /, operation: str = "DetectFaces", *, rows: int = 1, **lies: object) -> int:
        """An allowed call, which ran the detector for so many rows."""
        known = self.customers[customer]
        known.calls += 1
        self.calls += 1
        self.rows[DETECTOR] += rows
        entry = {
            "kind": "call/1",
            "started": self.time + 900,
            "run": self.run,
            "request": f"request-{len(self.entries)}",
            "operation": operation,
            "customer": known.pseudonym,
            "key": known.key(),
            "number": known.calls,
            "decision": {"allowed": True, "rule": "customer-not-blocked", "policy": "builtin-1"},
            "outcome": "ok",
            "meter": "image-group-2",
            "units": 1,
            "engine": {DETECTOR: rows},
        }
        return self.add(entry | lies)

    def denied(self, customer: str, /, **lies: object) -> int:
        decision = {"allowed": False, "rule": "customer-not-blocked", "policy": "builtin-1"}
        facts: dict[str, Any] = {"outcome": "denied", "units": 0, "decision": decision, "engine": {}}
        return self.call(customer, rows=0, **facts | lies)

    def statement(self, customer: str, /, **lies: object) -> int:
        known = self.customers[customer]
        entry = {"kind": "statement/1", "customer": known.pseudonym, "number": known.calls}
        return self.add(entry | lies)

    def prices(
        self, signer: SigningKey, *, valid_from: int | None = None, text: bytes | None = None, price: int = 1000
    ) -> int:
        """A `prices/1` entry; valid from a second after it unless told otherwise."""
        tiers = {"unit": "image", "monthly": False, "per": 1, "free": 0, "tiers": [{"price": price}]}
        when = self.time + 2000 if valid_from is None else valid_from
        document = {"currency": "USD", "valid_from": when, "meters": {"image-group-1": tiers, "image-group-2": tiers}}
        plain = b"candid-prices/1\n" + canonical(document) + b"\n" if text is None else text
        return self.add({"kind": "prices/1", "note": bytes(sign_note(plain, [signer])).decode()})

    def tag(self, face_id: str) -> str:
        return encode_bytes(self.vrf.output(face_label(face_id))[:32])

    def collection(self, customer: str, name: str) -> str:
        return pseudonym("collection", name, secret=self.customers[customer].secret).commitment

    def write(self, folder: Path, signer: SigningKey) -> None:
        """Write log and map where a data folder has them."""
        options = LogOptions(publish_interval=None, max_unpublished=1 << 40)
        with Log.create(folder / "ledger", signer, options) as log:
            for start in range(0, len(self.entries), 20_000):
                log.append_many(self.entries[start : start + 20_000])
            log.publish()
        self.write_map(folder)

    def write_map(self, folder: Path) -> None:
        with VerifiableMap(folder / "recording" / "map") as entries:
            for batch in self.batches:
                entries.insert(batch)

    def _put(self, labels: Sequence[bytes], data: bytes) -> None:
        for label in labels:
            self.labels[label] = label_value(self.labels.get(label), hash_leaf(data))
            self.pending[label] = self.labels[label]
