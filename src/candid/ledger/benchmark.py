"""Measurements of the log and the map on this machine, for `candid bench ledger`."""

from __future__ import annotations

import os
import resource
import statistics
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from candid.ledger.keys import SigningKey
from candid.ledger.log import Log, LogOptions
from candid.ledger.map.labels import LabelMap
from candid.ledger.map.store import VerifiableMap
from candid.ledger.sources import FolderSource
from candid.ledger.verify import verify_log
from candid.ledger.vrf import VrfSecretKey

_ORIGIN = "candid.local/bench"
_CHUNK = 10_000


@dataclass(frozen=True, slots=True)
class AppendRates:
    """Durable appends by concurrent writers, while checkpoints are published every second.

    Attributes:
        writers: how many threads, each waiting for each of its entries.
        entries: how many in all.
        per_second: acknowledged entries a second.
        p50_ms, p99_ms: how long a writer waited for one.
        alone_p50_ms: the same for a single writer.
    """

    writers: int
    entries: int
    per_second: float
    p50_ms: float
    p99_ms: float
    alone_p50_ms: float


@dataclass(frozen=True, slots=True)
class VerifyRates:
    """Verification of a whole log from its tiles.

    Attributes:
        entries: how many it has.
        per_second: entries verified a second.
        grown_kib: by how much the process's largest memory grew while verifying.
    """

    entries: int
    per_second: float
    grown_kib: int


@dataclass(frozen=True, slots=True)
class MapRates:
    """The verifiable map.

    Attributes:
        entries: how many it had in the end.
        inserts_per_second: keys added a second, in batches, durable.
        labels_per_second: labels added a second to that map, their VRF outputs included.
        prove_ms: the median time of a proof of absence with its VRF proof.
        verify_ms: likewise to verify it.
        proof_bytes: its size.
    """

    entries: int
    inserts_per_second: float
    labels_per_second: float
    prove_ms: float
    verify_ms: float
    proof_bytes: int


def bench_append(folder: Path, *, writers: int = 64, each: int = 1000, entry_bytes: int = 400) -> AppendRates:
    """Measure appending in a folder that holds no log yet; its disk is what is measured."""
    entry = os.urandom(entry_bytes)
    with Log.create(folder, SigningKey.generate(_ORIGIN)) as log:
        alone = [_timed_append(log, entry) for _ in range(200)]
        waits: list[list[float]] = [[] for _ in range(writers)]

        def write(own: list[float]) -> None:
            own.extend(_timed_append(log, entry) for _ in range(each))

        threads = [threading.Thread(target=write, args=(own,)) for own in waits]
        start = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.perf_counter() - start
    every = sorted(wait for own in waits for wait in own)
    return AppendRates(
        writers=writers,
        entries=len(every),
        per_second=len(every) / seconds,
        p50_ms=1000 * statistics.median(every),
        p99_ms=1000 * every[len(every) * 99 // 100],
        alone_p50_ms=1000 * statistics.median(alone),
    )


def bench_verify(folder: Path, *, entries: int = 1_000_000, entry_bytes: int = 200) -> VerifyRates:
    """Measure verifying; fills a folder that holds no log yet."""
    signer, filler = SigningKey.generate(_ORIGIN), os.urandom(entry_bytes - 8)
    with Log.create(folder, signer, LogOptions(publish_interval=None)) as log:
        for start in range(0, entries, _CHUNK):
            stop = min(entries, start + _CHUNK)
            log.append_many([number.to_bytes(8, "big") + filler for number in range(start, stop)])
            log.publish()
    before = _peak_kib()
    begin = time.perf_counter()
    verified = verify_log(FolderSource(folder), signer.verifier)
    seconds = time.perf_counter() - begin
    return VerifyRates(verified.signed.size, verified.signed.size / seconds, _peak_kib() - before)


def bench_map(folder: Path, *, entries: int = 1_000_000, labels: int = 2000, batch: int = 1000) -> MapRates:
    """Measure the map; fills a folder that holds none yet."""
    secret = VrfSecretKey.generate()
    with VerifiableMap(folder) as entries_map:
        start = time.perf_counter()
        for _ in range(0, entries, batch):
            entries_map.insert({os.urandom(32): os.urandom(32) for _ in range(batch)})
        inserting = time.perf_counter() - start
        label_map = LabelMap(entries_map, secret)
        start = time.perf_counter()
        for first in range(0, labels, 100):
            label_map.add({b"label %d" % number: os.urandom(32) for number in range(first, first + 100)})
        labelling = time.perf_counter() - start
        root, proving, verifying, size = entries_map.latest.root, [], [], 0
        for number in range(20):
            label = b"absent %d" % number
            start = time.perf_counter()
            proof = label_map.prove(label)
            proving.append(time.perf_counter() - start)
            size = len(bytes(proof))
            start = time.perf_counter()
            proof.verify(label, key=secret.public, root=root)
            verifying.append(time.perf_counter() - start)
        return MapRates(
            entries=entries_map.latest.count,
            inserts_per_second=entries / inserting,
            labels_per_second=labels / labelling,
            prove_ms=1000 * statistics.median(proving),
            verify_ms=1000 * statistics.median(verifying),
            proof_bytes=size,
        )


def _timed_append(log: Log, entry: bytes) -> float:
    start = time.perf_counter()
    log.append(entry)
    return time.perf_counter() - start


def _peak_kib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
