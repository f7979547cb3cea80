"""`kill -9` at random instants under load: nothing acknowledged is lost, no gap, no fork."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from candid.ledger import FolderSource, LogReader, verify_log
from candid.ledger.checkpoint import open_checkpoint

HAMMER = Path(__file__).with_name("hammer.py")


def kill_after(workshop, seconds, run):
    command = [sys.executable, HAMMER, workshop.folder, workshop.guard, workshop.root / "notes", str(run)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        line = process.stdout.readline()
        assert line == b"ready\n", process.stderr.read().decode()
        time.sleep(seconds)
        assert process.poll() is None, process.stderr.read().decode()
        process.kill()


def check(workshop, checkpoints):
    """Everything that was noted before the kill is where it was said to be, and older checkpoints hold."""
    with workshop.open() as log:
        key = log.key
    source = FolderSource(workshop.folder)
    verify_log(source, key)
    reader = LogReader.open(source, key)
    entries = [entry for _, entry in reader.entries()]
    assert len(set(entries)) == len(entries)
    *whole, _cut_off = (workshop.root / "notes").read_bytes().split(b"\n")
    for note in whole:
        index, _, entry = note.partition(b" ")
        assert entries[int(index)] == entry
    for checkpoint in checkpoints:
        reader.check_extends(checkpoint)
    return len(whole)


def hammer(workshop, kills, seed):
    chance, checkpoints, noted = random.Random(seed), [], 0
    for run in range(kills):
        kill_after(workshop, chance.uniform(0, 0.15), run)
        public = (workshop.folder / "checkpoint").read_bytes()
        checkpoints.append(open_checkpoint(public, workshop.signer.verifier).checkpoint)
        checkpoints.append(open_checkpoint(workshop.guard.read_bytes(), workshop.signer.verifier).checkpoint)
        noted = check(workshop, checkpoints)
    return noted


def test_twenty_kills(workshop):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    assert hammer(workshop, 20, seed) > 100


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("round_", range(4))
def test_two_hundred_kills(workshop, round_):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    assert hammer(workshop, 60, seed) > 1000
