"""What was erased is in no byte of any file of the data folder, and the log still proves what it did before."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.conftest import RunningServer, start_server
from tests.server.commands import run, told

from candid.gallery import FaceBox, Limits, NewFace, open_gallery
from candid.gallery.errors import StorageUnavailable
from candid.governance import open_acts, open_customers
from candid.ledger import FolderSource, LogReader, VerifierKey
from candid.server.erasing import erase_customer_act, erase_face_act
from candid.server.erasing import told as act_told

NAME, OWNER, NUMBER, LEI = "Nordlicht Zeisig GmbH", "Wiebke Ottensen", "HRB 48151623", "529900T8BM49AURSDO55"
COLLECTION, EXTERNAL, USER = "sammlung-kolibri", "bild-von-quastenflosser", "nutzer-siebenschlaefer"
PATIENCE = 30.0


@dataclass(frozen=True)
class Client:
    """A customer with faces.

    Attributes:
        id: the customer's.
        key: id of its access key.
        face: one of its faces, without a user.
        kept: another of its faces, which belongs to a user.
        of_face: bytes that only `face` has.
        of_customer: bytes that only the customer has, those of all its faces among them.
    """

    id: str
    key: str
    face: str
    kept: str
    of_face: tuple[bytes, ...]
    of_customer: tuple[bytes, ...]


def enrolled(running: RunningServer, photographs: list[bytes]) -> Client:
    """Open a customer with an owner and a number, issue a key, and store faces and a user."""
    at, data = running.data.parent, running.data
    opened = told(
        at, "customer", "open", "--data", data, "--name", NAME, "--country", "DE", "--registration", NUMBER,
        "--lei", LEI, "--owner", f"{OWNER};DE;60;shares",
    )  # fmt: skip
    issued = told(at, "key", "issue", opened["customer"], "--data", data)
    client = running.client(
        aws_access_key_id=issued["access_key_id"], aws_secret_access_key=issued["secret_access_key"]
    )
    client.create_collection(CollectionId=COLLECTION, Tags={"wer": "wasserralle"})
    client.create_user(CollectionId=COLLECTION, UserId=USER)
    faces = []
    for number, photograph in enumerate(photographs):
        found = client.index_faces(
            CollectionId=COLLECTION, Image={"Bytes": photograph}, ExternalImageId=f"{EXTERNAL}-{number}"
        )
        faces.append(found["FaceRecords"][0]["Face"]["FaceId"])
    face, kept = faces[:2]
    client.associate_faces(CollectionId=COLLECTION, UserId=USER, FaceIds=[kept], ClientRequestToken="t" * 40)
    client.search_faces(CollectionId=COLLECTION, FaceId=face)
    words = (NAME, "nordlicht zeisig", OWNER, NUMBER, "hrb48151623", LEI, COLLECTION, EXTERNAL, USER, "wasserralle")
    of_face = [*traces(data, face), f"{EXTERNAL}-0".encode()]
    of_customer = [*(each for one in faces for each in traces(data, one)), *(word.encode() for word in words)]
    of_customer += [issued["secret_access_key"].encode(), *secrets(data, opened["customer"])]
    return Client(opened["customer"], issued["access_key_id"], face, kept, tuple(of_face), tuple(of_customer))


def traces(data: Path, face: str) -> list[bytes]:
    """A face id as text and as bytes, its image id, and its embedding as it is stored."""
    raw = uuid.UUID(face).bytes
    with closing(sqlite3.connect(f"file:{data / 'gallery' / 'gallery.db'}?mode=ro", uri=True)) as connection:
        (image,) = connection.execute("SELECT image_id FROM faces WHERE face_id = ?", (raw,)).fetchone()
        (sealed,) = connection.execute("SELECT sealed FROM templates WHERE owner = ?", (raw,)).fetchone()
    return [face.encode(), face.replace("-", "").encode(), raw, image.encode(), sealed[:24], sealed[-24:]]


def secrets(data: Path, customer: str) -> list[bytes]:
    """The sealed secrets of a customer and its keys, and the salts of its commitments."""
    found = []
    with closing(sqlite3.connect(f"file:{data / 'governance.db'}?mode=ro", uri=True)) as connection:
        for question in (
            "SELECT secret FROM customers WHERE id = ?",
            "SELECT sealed FROM keys WHERE customer = ?",
            "SELECT salt FROM identities WHERE customer = ?",
        ):
            found += [row[0] for row in connection.execute(question, (customer,))]
    return found


def left(data: Path, wanted: tuple[bytes, ...]) -> list[tuple[bytes, str]]:
    """Which of these bytes are in which files; letters are found whether capital or small."""
    files = {path: path.read_bytes().lower() for path in sorted(data.rglob("*")) if path.is_file()}
    return [
        (trace, str(path.relative_to(data)))
        for trace in wanted
        for path, content in files.items()
        if trace.lower() in content
    ]


def audited(running: RunningServer) -> None:
    at, key = running.data.parent, running.ready["log_public_key"]
    done = run(at, "evidence", "audit", "--data", running.data, "--log-key", key, "--openings", "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["findings"], found["openings"]["findings"]) == (0, [], [])


def erased_is_established(running: RunningServer, face: str) -> None:
    at, file = running.data.parent, running.data.parent / "erased.evidence"
    told(at, "evidence", "export", "--claim", "erased", "--face-id", face, "--data", running.data, "-o", file)
    found = told(at, "evidence", "verify", file, "--log-key", running.ready["log_public_key"])
    assert found["verdict"] == "established"


def entries(running: RunningServer, kind: str) -> list[dict[str, Any]]:
    key = VerifierKey.parse(running.ready["log_public_key"])
    reader = LogReader.open(FolderSource(running.data / "ledger"), key)
    return [entry for _, text in reader.entries() if (entry := json.loads(text))["kind"] == kind]


@pytest.fixture(scope="module")
def photographs(astronaut: bytes, samples: dict[str, Path]) -> list[bytes]:
    return [astronaut, *(samples[name].read_bytes() for name in sorted(samples)[:3])]


@pytest.mark.parametrize("beside", [True, False], ids=["beside a server", "without a server"])
def test_nothing_is_left_of_a_face_and_of_a_customer(beside: bool, tmp_path: Path, photographs: list[bytes]) -> None:
    running = start_server(tmp_path / "data")
    client = enrolled(running, photographs)
    assert {trace for trace, _ in left(running.data, client.of_face)} >= {
        uuid.UUID(client.face).bytes,
        f"{EXTERNAL}-0".encode(),
    }
    if not beside:
        assert running.stop() == 0
    told(tmp_path, "erase", "--face-id", client.face.upper(), "--data", running.data)
    assert left(running.data, client.of_face) == []
    assert {trace for trace, _ in left(running.data, client.of_customer)} >= {NAME.encode(), COLLECTION.encode()}
    erased_is_established(running, client.face)
    told(tmp_path, "erase", "--customer", client.id, "--data", running.data)
    assert left(running.data, client.of_customer) == []
    erased_is_established(running, client.kept)
    audited(running)
    if beside:
        assert running.stop() == 0
        assert left(running.data, client.of_customer) == []
    running = start_server(running.data)
    try:
        assert left(running.data, client.of_customer) == []
    finally:
        running.kill()
    assert left(running.data, client.of_customer) == []
    erased_is_established(running, client.face)


def test_a_deleted_collection_is_gone_before_its_entry_comes(tmp_path: Path) -> None:
    """However many rows it has, and though the gallery erases them by and by."""
    vectors = np.eye(64, 8, dtype=np.float32) + 0.1
    folder, face = tmp_path / "gallery", FaceBox(0.1, 0.1, 0.2, 0.2)
    with open_gallery(folder, key=bytes(32), limits=Limits(purge_rows=1)) as gallery:
        gallery.collections.create("a", COLLECTION, contract="c", dimension=8)
        new = [
            NewFace(embedding=each, box=face, confidence=99.0, image_id=str(uuid.uuid4()), external_image_id=EXTERNAL)
            for each in vectors
        ]
        gallery.faces.add("a", COLLECTION, new, contract="c")
        gallery.collections.delete("a", COLLECTION)
        gallery.erase_deleted()
        assert left(folder, (COLLECTION.encode(), EXTERNAL.encode())) == []
        with closing(sqlite3.connect(folder / "gallery.db")) as connection:
            assert connection.execute("SELECT count(*) FROM templates").fetchone() == (0,)


def test_a_reader_in_the_way_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a backup reads the old state nothing is said to be erased."""
    monkeypatch.setattr("candid.gallery.gallery.ERASE_SECONDS", 0.2)
    folder = tmp_path / "gallery"
    with open_gallery(folder, key=bytes(32)) as gallery:
        gallery.collections.create("a", COLLECTION, contract="c", dimension=8)
        with closing(sqlite3.connect(folder / "gallery.db", isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM collections").fetchall()
            gallery.collections.delete("a", COLLECTION)
            assert left(folder, (COLLECTION.encode(),)) != []
            with pytest.raises(StorageUnavailable, match="a backup reads"):
                gallery.erase_deleted()
            reader.execute("COMMIT")
            gallery.erase_deleted()
            assert left(folder, (COLLECTION.encode(),)) == []


def test_the_key_of_the_development_customer_goes_with_it(tmp_path: Path) -> None:
    running = start_server(tmp_path / "data")
    try:
        secret = running.ready["secret_access_key"].encode()
        assert [path for _, path in left(running.data, (secret,))] == ["credentials"]
        told(tmp_path, "erase", "--customer", running.ready["account"], "--data", running.data)
        assert left(running.data, (secret,)) == []
        assert not (running.data / "credentials").exists()
    finally:
        assert running.stop() == 0


@contextmanager
def opened_acts(data: Path) -> Iterator[Any]:
    with closing(open_acts(data / "governance.db")) as acts:
        yield acts


def test_an_erasure_that_was_done_is_overwritten_before_it_is_entered(tmp_path: Path) -> None:
    """After a crash between the act's new words and the overwriting of the old ones."""
    path, face = tmp_path / "governance.db", str(uuid.uuid4())
    with closing(open_customers(path, key=bytes(32))) as customers, closing(open_acts(path)) as acts:
        acts.add(erase_face_act(face))
        (act,) = acts.waiting()
        acts.rewrite(act, {"kind": "erasure/1", "subject": "face"})
        assert left(tmp_path, (face.encode(),)) != []
        (act,) = acts.waiting()
        assert act_told(act, customers) == act.body
        assert left(tmp_path, (face.encode(),)) == []


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("what", ["face", "customer"])
def test_an_erasure_that_a_kill_interrupts_goes_on(
    what: str, seed: int, tmp_path: Path, photographs: list[bytes]
) -> None:
    delay = random.Random(f"{what} {seed}").uniform(0.0, 0.1)
    running = start_server(tmp_path / "data")
    client = enrolled(running, photographs)
    with opened_acts(running.data) as acts:
        number = acts.add(erase_face_act(client.face) if what == "face" else erase_customer_act(client.id))
        time.sleep(delay)
        running.kill()
    running = start_server(running.data)
    try:
        deadline = time.monotonic() + PATIENCE
        with opened_acts(running.data) as acts:
            while (settled := acts.settled(number)).entry is None:
                assert settled.failure is None
                assert time.monotonic() < deadline, "the act was not entered"
                time.sleep(0.02)
        wanted = client.of_face if what == "face" else client.of_customer
        assert left(running.data, wanted) == [], f"killed after {delay:.3f} s"
        assert [entry["subject"] for entry in entries_once_public(running, "erasure/1", settled.entry)] == [what]
        erased_is_established(running, client.face)
        audited(running)
    finally:
        assert running.stop() == 0
    assert left(running.data, wanted) == []


# Runs `candid` and kills it at the n-th call of one of its functions after an act was added; says how many there were.
KILLED = """
import os, signal, sys, threading
most, count, begun = int(sys.argv[1]), 0, False

def look(frame, event, _):
    global count, begun
    name = frame.f_code.co_filename
    if event == "call" and f"{os.sep}candid{os.sep}" in name:
        begun = begun or (frame.f_code.co_name == "add" and name.endswith("governance/acts.py"))
        count += begun
        if count == most:
            os.kill(os.getpid(), signal.SIGKILL)

from candid.cli import main
threading.setprofile(look)
sys.setprofile(look)
try:
    main(sys.argv[2:])
finally:
    sys.setprofile(None)
    print(count, file=sys.stderr)
"""


def erase_until(at: Path, calls: int, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", KILLED, str(calls), "erase", *map(str, arguments), "--data", str(at / "data")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "XDG_CONFIG_HOME": str(at / "config")},
    )


@pytest.mark.slow
@pytest.mark.parametrize("what", ["face", "customer"])
def test_an_erasure_without_a_server_that_is_killed_anywhere(
    what: str, tmp_path: Path, photographs: list[bytes]
) -> None:
    (tmp_path / "first").mkdir()
    running = start_server(tmp_path / "first" / "data")
    client = enrolled(running, photographs)
    assert running.stop() == 0
    asked = ("--face-id", client.face) if what == "face" else ("--customer", client.id)
    wanted = client.of_face if what == "face" else client.of_customer
    shutil.copytree(tmp_path / "first", tmp_path / "whole")
    whole = erase_until(tmp_path / "whole", -1, *asked)
    assert whole.returncode == 0, whole.stderr
    calls = int(whole.stderr.split()[-1])
    for part in range(1, 11):
        at = tmp_path / str(part)
        shutil.copytree(tmp_path / "first", at)
        running = dataclasses.replace(running, data=at / "data")
        assert erase_until(at, calls * part // 11, *asked).returncode == -signal.SIGKILL
        # Whoever opens the log next goes on with it.
        told(at, "key", "issue", running.ready["account"], "--data", at / "data")
        assert left(at / "data", wanted) == [], f"killed at call {calls * part // 11} of {calls}"
        assert [entry["subject"] for entry in entries(running, "erasure/1")] == [what]
        audited(running)


def entries_once_public(running: RunningServer, kind: str, index: int) -> list[dict[str, Any]]:
    deadline = time.monotonic() + PATIENCE
    key = VerifierKey.parse(running.ready["log_public_key"])
    while LogReader.open(FolderSource(running.data / "ledger"), key).size <= index:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return entries(running, kind)
