"""One attack's own copy of everything: the operator's folder and keys, and what outsiders have."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.attacks.forging import OPTIONS, Entry, books_of, read_entries, repaired, write_log, write_map
from tests.attacks.premises import Premises

from candid.client.replies import Reply, read_replies
from candid.evidence import Sources, export
from candid.evidence.document import write
from candid.evidence.period import collect_usage
from candid.governance import open_customers
from candid.ledger import Log, LogOptions, SigningKey, sign_note
from candid.recording import map_folder, vrf_key
from candid_verify.canonical import canonical, encode_bytes
from candid_verify.claims import Claim
from candid_verify.entries import write_entry
from candid_verify.evidence import note_text
from candid_verify.labels import face_label


@dataclass
class Scene:
    """Whoever has it is the operator: every file and every key is there to be used.

    Attributes:
        root: everything lies below.
        premises: whose copy it is.
        names: what stands for words in braces in the commands of outsiders, beside `url` and `data`.
        options: how the log is opened to go on with it.
    """

    root: Path
    premises: Premises
    names: dict[str, str] = field(default_factory=dict)
    options: LogOptions = OPTIONS

    @classmethod
    def set(cls, root: Path, premises: Premises) -> Scene:
        """A fresh copy."""
        shutil.copytree(premises.root, root)
        return cls(root, premises, dict(premises.names))

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def log(self) -> Path:
        """The log's folder; what is public of it is served."""
        return self.data / "ledger"

    @property
    def outside(self) -> Path:
        """What outsiders have."""
        return self.root / "outside"

    @property
    def signer(self) -> SigningKey:
        """The log's key."""
        return self.premises.signer

    # The log.

    def entries(self) -> list[Entry]:
        """All entries as they stand now, to be changed."""
        return read_entries(self.log, self.signer)

    def rewrite(self, entries: list[Entry], *, repair: bool = True, signer: SigningKey | None = None) -> None:
        """Show another history: all tiles and the checkpoint made anew, and signed."""
        new = repaired(entries) if repair else entries
        write_log(self.log, new, signer or self.signer)
        write_map(map_folder(self.data), new)

    def append(self, body: Mapping[str, Any], **lies: Any) -> int:
        """Go on with the log as a server would, but for the lies; the index of the entry."""
        entries = self.entries()
        entry = books_of(entries).completed(body) | lies
        with Log.open(self.log, self.signer, self.options) as log:
            index = log.append(write_entry(entry)).index
            log.publish()
        if entry["kind"] == "map/1":
            write_map(map_folder(self.data), [*entries, entry])
        return index

    def newest(self, kind: str, **members: Any) -> int:
        """Index of the newest entry of a kind with these members."""
        found = [
            index for index, entry in enumerate(self.entries())
            if entry["kind"] == kind and all(entry.get(name) == value for name, value in members.items())
        ]  # fmt: skip
        return found[-1]

    def calls(self, name: str) -> list[int]:
        """Indexes of a customer's calls."""
        who = self.names[name]
        return [i for i, e in enumerate(self.entries()) if e["kind"] == "call/1" and e["customer"] == who]

    def next_call(self, name: str, **members: Any) -> Entry:
        """A call like the customer's last answered one; as yet in no log."""
        who = self.names[name]
        (*_, last) = (
            e for e in self.entries() if e["kind"] == "call/1" and e["customer"] == who and e["outcome"] == "ok"
        )
        kept = {name: value for name, value in last.items() if name not in ("time", "started", "number", "run")}
        return {**copy.deepcopy(kept), "request": "00000000-0000-4000-8000-999999999999", **members}

    # Receipts, as they lie with their owner.

    def replies(self, name: str = "acme") -> list[Reply]:
        """What a customer collected."""
        return [reply for _, reply in read_replies(self.outside / f"{name}.jsonl") if reply is not None]

    def collected(self, replies: list[Reply], name: str = "acme") -> None:
        """What a customer has collected, had it been served so."""
        (self.outside / f"{name}.jsonl").write_bytes(b"".join(reply.line() for reply in replies))

    # Evidence, as the operator makes it.

    def evidence(self, name: str, claim: Mapping[str, Any], *, anonymous: bool = False) -> None:
        """Make an evidence file as `candid evidence export` does, and hand it out."""
        with self._sources(anonymous=anonymous) as sources:
            made = export(Claim.from_json(claim), sources)
        (self.outside / name).write_bytes(made.data)

    def unverified_usage(self, name: str, customer: str) -> None:
        """Make evidence of usage without asking the verifier, which `candid evidence export` never does."""
        claim = Claim.from_json({"name": "usage", "customer": customer})
        with self._sources(anonymous=False) as sources:
            data = write(claim, collect_usage(claim, sources), made=sources.now, signer=self.signer)
        (self.outside / name).write_bytes(data)

    @contextmanager
    def _sources(self, *, anonymous: bool) -> Iterator[Sources]:
        customers = open_customers(self.data / "governance.db", key=self.premises.secrets.master)
        try:
            known = None if anonymous else customers
            yield Sources(data=self.data, signer=self.signer, customers=known, act=self.append)
        finally:
            customers.close()

    def opened(self, name: str) -> dict[str, Any]:
        """What is signed in an evidence file."""
        found: dict[str, Any] = json.loads((self.outside / name).read_bytes())["evidence"]
        return found

    def seal(self, name: str, evidence: Mapping[str, Any], *, signer: SigningKey | None = None) -> None:
        """Sign what was changed in an evidence file, and hand it out."""
        signer = signer or self.signer
        note = sign_note(note_text(signer.name, evidence).encode(), [signer])
        (self.outside / name).write_bytes(canonical({"evidence": evidence, "note": bytes(note).decode()}) + b"\n")

    def map_keys(self, labels: Iterable[bytes]) -> list[str]:
        """What `customer/1` entries list for these labels."""
        secret = vrf_key(self.signer)
        return [encode_bytes(secret.output(label)[:32]) for label in labels]

    def tag(self, face: str) -> str:
        """The tag of a face."""
        return self.map_keys([face_label(face)])[0]
