"""A log of calls, days of storage and price lists, in which every entry is one that the log's readers take."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from candid.billing import prices_act
from candid.ledger import FolderSource, Log, LogOptions, LogReader, SigningKey
from candid_verify.canonical import encode_bytes
from candid_verify.entries import write_entry
from candid_verify.prices import PriceList

SIGNER = SigningKey.generate("candid.local/billing", randomness=bytes)
KEY = SIGNER.verifier
NOVEMBER = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp()) * 1000
DAY = 86_400_000


def who(name: str) -> str:
    """A pseudonym."""
    return encode_bytes(sha256(name.encode()).digest())


def call(customer, time, *, meter="image-group-1", units=1, operation="SearchFacesByImage", number=1, **more):
    """A `call/1` entry."""
    allowed = more.get("outcome", "ok") != "denied"
    return {
        "kind": "call/1",
        "time": time,
        "started": time,
        "run": 0,
        "request": f"00000000-0000-4000-8000-{number:012}",
        "operation": operation,
        "customer": customer,
        "number": number,
        "decision": {"allowed": allowed, "rule": "customer-open" if allowed else "customer-closed", "policy": "1"},
        "outcome": "ok",
        "meter": meter,
        "units": units,
        **more,
    }


def storage(customer, time, day, *, faces=0, users=0):
    """A `storage/1` entry."""
    return {"kind": "storage/1", "time": time, "customer": customer, "day": day, "faces": faces, "users": users}


def prices(time, document, *, signer=SIGNER):
    """A `prices/1` entry."""
    return prices_act(PriceList.from_json(document), signer) | {"time": time}


def write_log(folder: Path, entries: Iterable[dict], *, batch: int = 5000) -> LogReader:
    """Write entries into a new log, publish it, and open it for reading."""
    options = LogOptions(publish_interval=None)
    with Log.create(folder, SIGNER, options) as log:
        waiting: list[bytes] = []
        for entry in entries:
            waiting.append(write_entry(entry))
            if len(waiting) == batch:
                log.append_many(waiting)
                log.publish()
                waiting = []
        if waiting:
            log.append_many(waiting)
        log.publish()
    return LogReader.open(FolderSource(folder), KEY)
