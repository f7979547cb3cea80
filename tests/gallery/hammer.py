"""Run as a process of its own, to be killed: threads enrol, delete and search, and note what was acknowledged.

Arguments: the gallery's folder, the file of notes, the number of this run. A note is a line, written when the
gallery has answered: `+ id` (enrolled), `- id` (deleted), `> id` (about to be deleted: it may be gone).
"""

import itertools
import os
import sys
import threading
import traceback
from pathlib import Path

import numpy as np

from candid.gallery import FaceBox, Limits, NewFace, open_gallery

folder, notes, run = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
DIMENSION = 16
limits = Limits(sealed_rows=60, purge_rows=50)
gallery = open_gallery(folder, key=bytes(range(32)), limits=limits)
if not gallery.collections.list("a", limit=1).items:
    gallery.collections.create("a", "people", contract="m", dimension=DIMENSION)
out = os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def note(sign: str, ids: list[str]) -> None:
    os.write(out, "".join(f"{sign} {face}\n" for face in ids).encode())


def enrol(count: int, random: np.random.Generator) -> list[str]:
    new = [
        NewFace(
            embedding=random.standard_normal(DIMENSION).astype(np.float32),
            box=FaceBox(0, 0, 1, 1),
            confidence=90.0,
            image_id="i",
        )
        for _ in range(count)
    ]
    ids = [face.face_id for face in gallery.faces.add("a", "people", new, contract="m")]
    note("+", ids)
    return ids


def work(number: int) -> None:
    random = np.random.default_rng((run, number))
    for turn in itertools.count():
        ids = enrol(3 + turn % 7, random)
        if turn % 3 == 0:
            note(">", ids[:2])
            note("-", list(gallery.faces.delete("a", "people", ids[:2]).deleted))
        if turn % 5 == 0:
            gallery.search.faces_like_face("a", "people", ids[-1], k=3, min_score=0.0)


def churn() -> None:
    """Collections that come and go, so that erasing is cut off too."""
    for turn in itertools.count():
        name = f"short-{run}-{turn}"
        gallery.collections.create("a", name, contract="m", dimension=DIMENSION)
        box = FaceBox(0, 0, 1, 1)
        vectors = np.random.default_rng((run, turn)).standard_normal((80, DIMENSION)).astype(np.float32)
        new = [NewFace(embedding=each, box=box, confidence=9.0, image_id="i") for each in vectors]
        gallery.faces.add("a", name, new, contract="m")
        gallery.collections.delete("a", name)
        note("x", [name])


def surely(task, *arguments) -> None:
    """A failure ends the process, so that it is noticed."""
    try:
        task(*arguments)
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
        os._exit(1)


for number in range(4):
    threading.Thread(target=surely, args=(work, number), daemon=True).start()
threading.Thread(target=surely, args=(churn,), daemon=True).start()
print("ready", flush=True)
threading.Event().wait()
