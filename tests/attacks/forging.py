"""The operator's tools: a log's entries as a list to be changed at will, and everything that follows from it redone.

An operator who drops an entry must renumber calls, replay the map and state other counters, or the audit sees it.
`repaired` does all of that, so that what is left to be found is the lie and not clumsiness. A test demands that it
changes nothing in an honest log.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from candid.ledger import FolderSource, Log, LogOptions, LogReader, SigningKey, hash_leaf
from candid.ledger.map.hashing import map_root
from candid.ledger.map.store import VerifiableMap
from candid.ledger.tree import root_of
from candid_verify.canonical import decode_bytes, encode_bytes
from candid_verify.entries import parse_entry, write_entry
from candid_verify.labels import label_value

Entry = dict[str, Any]

OPTIONS = LogOptions(publish_interval=None)
SECOND = 1000  # milliseconds


class Books:
    """The log so far, as whoever writes its next entry must know it."""

    def __init__(self) -> None:
        self.size, self.time = 0, 0
        self.leaves: list[bytes] = []
        self.numbers: Counter[str] = Counter()
        self.customers = 0
        self.run: int | None = None
        self.stopped, self.calls = True, 0
        self.warm: dict[str, int] = {}
        self.rows: Counter[str] = Counter()
        self.labels: dict[bytes, bytes] = {}
        self.pending: dict[bytes, bytes] = {}
        self.batches: list[dict[bytes, bytes]] = []
        self.map: dict[str, Any] = {"version": 0, "root": encode_bytes(bytes(32)), "count": 0}

    def completed(self, entry: Mapping[str, Any]) -> Entry:
        """An entry with every member that follows from the ones before it."""
        done = {"time": self.time + SECOND, **entry}
        match entry["kind"]:
            case "call/1":
                done |= {"run": self.run, "number": self.numbers[entry["customer"]] + 1}
                done.setdefault("started", done["time"] - 40)
            case "start/1":
                done["previous"] = "none" if self.run is None else "clean" if self.stopped else "unclean"
            case "stop/1":
                done |= self._engine(entry.get("engine"))
            case "statement/1":
                done["number"] = self.numbers[entry["customer"]]
            case "map/1":
                root = encode_bytes(map_root(self.labels))
                done |= {"version": self.map["version"] + 1, "root": root, "count": len(self.labels)}
            case "state/1":
                done |= {"map": dict(self.map), "customers": self.customers}
                done |= {} if self.stopped else self._engine(entry.get("engine"))
                if "public" in done:
                    size = min(done["public"]["size"], self.size)
                    done["public"] = done["public"] | {"size": size, "root": encode_bytes(root_of(self.leaves[:size]))}
        return done

    def note(self, entry: Mapping[str, Any]) -> bytes:
        """Go on from an entry, whatever it says; its bytes."""
        data = write_entry(entry)
        leaf = hash_leaf(data)
        match entry["kind"]:
            case "call/1":
                self.numbers[entry["customer"]] = entry["number"]
                self.calls += 1
                self.rows.update(entry.get("engine", {}))
            case "start/1":
                self.run, self.stopped, self.calls = self.size, False, 0
                self.warm, self.rows = {}, Counter()
            case "stop/1":
                self.stopped = True
            case "state/1":
                if self.calls == 0:
                    self.warm = {name: count["rows"] for name, count in entry.get("engine", {}).items()}
            case "customer/1":
                self.customers += 1
                for text in entry.get("labels", ()):
                    key = decode_bytes(text, 32)
                    self.labels[key] = self.pending[key] = label_value(self.labels.get(key), leaf)
            case "map/1":
                self.batches.append(self.pending)
                self.pending = {}
                self.map = {"entry": self.size, **{name: entry[name] for name in ("version", "root", "count")}}
        self.time = max(self.time, entry["time"])
        self.leaves.append(leaf)
        self.size += 1
        return data

    def _engine(self, stated: Mapping[str, Any] | None) -> dict[str, Any]:
        if stated is not None and self.calls == 0:
            return {"run": self.run, "calls": 0, "engine": dict(stated)}
        rows = {name: self.warm.get(name, 0) + self.rows[name] for name in {**self.warm, **self.rows}}
        engine = {name: {"passes": count, "rows": count} for name, count in rows.items()}
        return {"run": self.run, "calls": self.calls, "engine": engine}


def books_of(entries: Iterable[Mapping[str, Any]]) -> Books:
    """The books after these entries, which are believed."""
    books = Books()
    for entry in entries:
        books.note(entry)
    return books


def repaired(entries: Iterable[Mapping[str, Any]]) -> list[Entry]:
    """The entries, with all that follows from them made to fit; a map that nothing was added to is left out."""
    books, done = Books(), []
    for entry in entries:
        if entry["kind"] == "map/1" and not books.pending:
            continue
        done.append(books.completed(entry))
        books.note(done[-1])
    return done


def read_entries(folder: Path, signer: SigningKey) -> list[Entry]:
    """All entries of a log."""
    return [parse_entry(data) for _, data in LogReader.open(FolderSource(folder), signer.verifier).entries()]


def write_log(folder: Path, entries: Sequence[Mapping[str, Any]], signer: SigningKey) -> None:
    """Another log in the place of the one that is there: tiles, bundles, checkpoint, all under the log's own key."""
    shutil.rmtree(folder, ignore_errors=True)
    with Log.create(folder, signer, OPTIONS) as log:
        log.append_many([write_entry(entry) for entry in entries])
        log.publish()


def write_map(folder: Path, entries: Iterable[Mapping[str, Any]]) -> None:
    """The map that these entries give, in the place of the one that is there."""
    shutil.rmtree(folder, ignore_errors=True)
    books = books_of(entries)
    with VerifiableMap(folder) as found:
        for batch in books.batches:
            found.insert(batch)


def digest(text: str) -> str:
    """32 bytes, as entries have them, that nobody knows the origin of."""
    return encode_bytes(sha256(text.encode()).digest())
