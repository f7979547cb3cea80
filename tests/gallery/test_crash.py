"""`kill -9` at random instants under load: no acknowledged face is lost, and none that was deleted comes back."""

import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from candid.gallery import rows
from candid.gallery.cipher import KeyRing
from candid.gallery.core import blocks_of, templates_of
from candid.gallery.index.loading import load_space

HAMMER = Path(__file__).with_name("hammer.py")


def kill_after(workshop, seconds, run):
    command = [sys.executable, HAMMER, workshop.folder, workshop.root / "notes", str(run)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        line = process.stdout.readline()
        assert line == b"ready\n", process.stderr.read().decode()
        time.sleep(seconds)
        assert process.poll() is None, process.stderr.read().decode()
        process.kill()


def noted(workshop):
    """Ids by the last sign that was noted of them; the line that the kill cut off is left out."""
    *whole, _cut_off = (workshop.root / "notes").read_bytes().decode().split("\n")
    last = {}
    for line in whole:
        sign, _, name = line.partition(" ")
        last[name] = sign
    return last


def listed(gallery):
    found, token = [], None
    while True:
        page = gallery.faces.list("a", "people", limit=1000, token=token)
        found += [face.face_id for face in page.items]
        if page.token is None:
            return found
        token = page.token


def check(workshop, sample):
    """What the notes say is so, in the store and in the index."""
    notes = noted(workshop)
    with workshop.open(sealed_rows=60) as gallery:
        there = listed(gallery)
        assert len(set(there)) == len(there) == gallery.collections.describe("a", "people").faces
        kept = {name for name, sign in notes.items() if sign == "+"}
        gone = {name for name, sign in notes.items() if sign in "-x"}
        assert not kept - set(there)
        assert not gone & set(there)
        assert not gone & {found.id for found in gallery.collections.list("a", limit=1000).items}
        if not there:
            return 0, 0
        found = gallery.search.faces_like_face("a", "people", there[0], k=4096, min_score=-1.0)
        assert {match.face.face_id for match in found} <= set(there[1:])
        assert len(found) == min(4096, len(there) - 1)
        for face in sample(sorted(kept), min(20, len(kept))):
            assert gallery.search.faces_like_face("a", "people", face, k=1, min_score=-1.0)
    check_blocks(workshop)
    return len(kept), len(gone)


def check_blocks(workshop):
    """Nothing is left to erase, and every block holds the rows that it says it holds."""
    connection = sqlite3.connect(workshop.folder / "gallery.db")
    stored = rows.find(connection, "a", "people")
    keys = KeyRing(bytes(range(32)), lambda count: bytes(count))
    templates, blocks = templates_of(keys, stored, rows.Kind.FACES), blocks_of(keys, stored, rows.Kind.FACES)
    loaded = load_space(connection, templates, blocks, sealed_rows=10**9)
    assert not loaded.unsaved
    assert not loaded.discard
    numbers = [number for _, _, _, shard in blocks.read(connection) for number in shard.numbers.tolist()]
    assert numbers == sorted(set(numbers))
    (ids,) = zip(*connection.execute("SELECT id FROM faces").fetchall(), strict=True)
    assert set(numbers) <= set(np.array(ids) & 0xFFFFFFFF)
    assert connection.execute("PRAGMA quick_check").fetchone() == ("ok",)
    connection.close()


def hammer(workshop, kills, seed):
    chance, result = random.Random(seed), (0, 0)
    for run in range(kills):
        kill_after(workshop, chance.uniform(0, 0.3), run)
        result = check(workshop, chance.sample)
    return result


def test_eight_kills(workshop):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    kept, gone = hammer(workshop, 8, seed)
    assert kept > 50
    assert gone > 5


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("round_", range(3))
def test_a_hundred_and_twenty_kills(workshop, round_):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    kept, gone = hammer(workshop, 40, seed)
    assert kept > 500
    assert gone > 50
