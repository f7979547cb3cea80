"""Measurements of the log and the map on this machine, for `candid bench ledger`."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from candid.ledger.keys import SigningKey, VerifierKey
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
        per_second: entries verified a second, in a process of its own.
        peak_mib: the most memory that this process took.
        peak_mib_of_a_hundredth: the same for the first hundredth of the entries.
    """

    entries: int
    per_second: float
    peak_mib: float
    peak_mib_of_a_hundredth: float


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
    hundredth, small = max(1, entries // 100), 0.0
    chunk = min(_CHUNK, hundredth)
    with Log.create(folder, signer, LogOptions(publish_interval=None)) as log:
        for start in range(0, entries, chunk):
            stop = min(entries, start + chunk)
            log.append_many([number.to_bytes(8, "big") + filler for number in range(start, stop)])
            log.publish()
            if start < hundredth <= stop:
                small = _verified_alone(folder, signer.verifier)[1]
    seconds, peak = _verified_alone(folder, signer.verifier)
    return VerifyRates(entries, entries / seconds, peak, small)


def _verified_alone(folder: Path, key: VerifierKey) -> tuple[float, float]:
    """Verify a log in a process of its own: seconds, and MiB at the peak."""
    command = [sys.executable, "-m", "candid.ledger.benchmark", str(folder), str(key)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - ourselves
    seconds, peak = done.stdout.split()
    return float(seconds), float(peak)


def _verify(folder: str, key: str) -> None:
    """What that process does."""
    begin = time.perf_counter()
    verify_log(FolderSource(Path(folder)), VerifierKey.parse(key))
    seconds = time.perf_counter() - begin
    sys.stdout.write(f"{seconds} {_peak_mib():.1f}\n")


def _peak_mib() -> float:
    """The most memory that this process has taken."""
    try:  # Linux: getrusage there counts what the process was before it became this program
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # bytes on macOS


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


if __name__ == "__main__":
    _verify(*sys.argv[1:3])
