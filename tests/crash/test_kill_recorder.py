"""`kill -9` of a recorder under load, at random instants: what was acknowledged stands, and the audit finds nothing."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from candid.ledger import FolderSource, Log, LogOptions, LogReader, SigningKey, verify_log
from candid.ledger.checkpoint import open_checkpoint
from candid.ledger.receipt import Receipt
from candid.recording import Software, open_recorder
from candid_verify.audit import Audit, Promise
from candid_verify.canonical import decode_bytes
from candid_verify.entries import parse_entry

HAMMER = Path(__file__).with_name("hammer.py")
SIGNER = SigningKey.generate("candid.local/test", randomness=lambda _: bytes(range(32)))


def kill_after(folder: Path, seconds: float, run: int) -> None:
    """Start the hammer, and kill it: at its start, or so long after it is ready."""
    notes = folder / "notes"
    command = [sys.executable, HAMMER, folder / "data", notes, str(run), "6"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        if seconds >= 0:
            line = process.stdout.readline()
            assert line == b"ready\n", process.stderr.read().decode()
            time.sleep(seconds)
            assert process.poll() is None, process.stderr.read().decode()
        else:  # while it opens the log, catches up, and enters its start
            time.sleep(-seconds)
        process.kill()


def options(folder: Path) -> LogOptions:
    return LogOptions(guard=folder / "data" / "guard", publish_interval=None)


def check(folder: Path, checkpoints: list) -> int:
    """Everything that was noted is in the log where it was said to be, and the audit finds nothing; how much it was."""
    data = folder / "data"
    if not Log.exists(data / "ledger"):
        return 0
    recorder = open_recorder(data, SIGNER, options(folder), software=Software("candid", "1"))
    recorder.log.publish()
    recorder.close()
    source = FolderSource(data / "ledger")
    verify_log(source, SIGNER.verifier)
    reader = LogReader.open(source, SIGNER.verifier)
    entries = [entry for _, entry in reader.entries()]
    read = [parse_entry(entry) for entry in entries]

    # 1. What was acknowledged stands.
    notes = folder / "notes"
    *whole, _cut_off = notes.read_bytes().decode().split("\n") if notes.exists() else [""]
    promises = []
    for line in whole:
        first, second, third = line.split(" ")
        if first == "receipt":
            entry = Receipt.open(decode_bytes(second), SIGNER.verifier).entry
            assert read[entry.index]["request"] == third, line
            promises.append(Promise(entry.index, entry.leaf_hash))
        else:
            assert read[int(first)][second] == third, line

    # 2. Nothing stands twice, and nothing is missing between: numbers, roots of the map, runs.
    requests = [entry["request"] for entry in read if entry["kind"] == "call/1"]
    assert len(set(requests)) == len(requests)
    acts = [entry["identity"] for entry in read if entry["kind"] == "customer/1"]
    acts += [entry["key"] for entry in read if entry["kind"] == "key/1"]
    assert len(set(acts)) == len(acts)
    audit = Audit(receipts=promises)
    for index, entry in enumerate(entries):
        audit.feed(index, entry)
    assert audit.finish().findings == ()

    # 3. The log extends whatever was signed before.
    for checkpoint in checkpoints:
        reader.check_extends(checkpoint)
    return len(whole)


def hammer(folder: Path, kills: int, seed: int) -> int:
    chance, checkpoints, noted = random.Random(seed), [], 0
    for run in range(kills):
        kill_after(folder, chance.choice([-0.35, 0.0, 0.05, 0.1, 0.25]) + chance.uniform(0, 0.12), run)
        for path in (folder / "data" / "ledger" / "checkpoint", folder / "data" / "guard"):
            if path.exists():
                checkpoints.append(open_checkpoint(path.read_bytes(), SIGNER.verifier).checkpoint)
        noted = check(folder, checkpoints)
    return noted


def test_five_kills(tmp_path):
    (tmp_path / "data").mkdir()
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    hammer(tmp_path, 5, seed)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("round_", range(10))
def test_two_hundred_kills(tmp_path, round_):
    (tmp_path / "data").mkdir()
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    assert hammer(tmp_path, 20, seed) > 1000
