"""Attacks by a server that was changed to lie, with an unmodified boto3 client that keeps its receipts."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
from tests.attacks.attack import AUDIT, KEY, RECEIPTS, Attack, auditor, customer
from tests.attacks.scene import Scene

from candid.client.receipts import collect
from candid.config import Config
from candid.demo.samples import sample_photographs
from candid.server.data_folder import open_data_folder
from candid.server.secrets import read_secrets

_SERVER = Path(__file__).with_name("dishonest_server.py")


@contextmanager
def dishonest(scene: Scene, how: str) -> Iterator[Any]:
    """A boto3 client of a changed server on a data folder of its own, which then takes the place of the scene's."""
    shutil.rmtree(scene.data)
    shutil.rmtree(scene.root / "keys")
    (scene.outside / "acme.jsonl").unlink()
    process, ready = _start(scene, how)
    try:
        client = boto3.client(
            "rekognition", endpoint_url=ready["url"], region_name=ready["region"],
            aws_access_key_id=ready["access_key_id"], aws_secret_access_key=ready["secret_access_key"],
        )  # fmt: skip
        with collect(client, scene.outside / "acme.jsonl"):
            yield client
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=40) == 0, (scene.root / "server.log").read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(timeout=10)
    folder = open_data_folder(scene.data, _config(scene))
    scene.premises = replace(scene.premises, secrets=read_secrets(folder))
    (scene.outside / "log.key").write_text(f"{ready['log_public_key']}\n")


def _start(scene: Scene, how: str) -> tuple[subprocess.Popen[bytes], dict[str, Any]]:
    ready_file = scene.root / "ready.json"
    command = [sys.executable, _SERVER, "serve", "--dev", "--port", "0", "--data", scene.data]
    environment = {**os.environ, "CANDID_KEY_FILE": _config(scene).key_file, "DISHONEST": how}
    with (scene.root / "server.log").open("wb") as output:
        process = subprocess.Popen(
            [*command, "--ready-file", ready_file], stdout=output, stderr=output, env=environment
        )
    deadline = time.monotonic() + 90
    while not ready_file.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            process.wait()
            raise AssertionError(f"the server did not start:\n{(scene.root / 'server.log').read_text()}")
        time.sleep(0.01)
    return process, json.loads(ready_file.read_text())


def _config(scene: Scene) -> Config:
    return Config(key_file=str(scene.root / "keys" / "master.key"))


def _image() -> dict[str, bytes]:
    return {"Bytes": sample_photographs()[0].read_bytes()}


def unrecorded(scene: Scene) -> None:
    _serve(scene, "unrecorded")


def uncounted(scene: Scene) -> None:
    _serve(scene, "uncounted")


def _serve(scene: Scene, how: str) -> None:
    with dishonest(scene, how) as client:
        client.list_collections()
        assert client.detect_faces(Image=_image())["FaceDetails"]


def unerased(scene: Scene) -> None:
    with dishonest(scene, "unerased") as client:
        client.create_collection(CollectionId="staff")
        face = client.index_faces(CollectionId="staff", Image=_image())["FaceRecords"][0]["Face"]["FaceId"]
        assert client.delete_faces(CollectionId="staff", FaceIds=[face])["DeletedFaces"] == [face]
        assert face in [each["FaceId"] for each in client.list_faces(CollectionId="staff")["Faces"]]
    scene.evidence("erased.evidence", {"name": "erased", "face": face})


_MISSING = "it may have been served without an entry in the log"
ATTACKS = (
    Attack(
        "serve calls without entering them",
        unrecorded,
        (customer(RECEIPTS, 1, _MISSING), auditor(AUDIT, 1, "the engine did work for which there is no call")),
    ),
    Attack(
        "serve calls without entering them, and falsify the engine's counters",
        uncounted,
        (auditor(AUDIT, 0, "audited"), customer(RECEIPTS, 1, _MISSING)),
        "The customer finds it, if it keeps its receipts. One that is in league with the operator has none to show: "
        "then nothing in the log finds it, as nothing finds another copy that runs outside the log.",
        slow=True,
    ),
    Attack(
        "claim an erasure and keep the face",
        unerased,
        (auditor(f"candid-verify erased.evidence {KEY}", 0, "erased: established"), auditor(AUDIT, 0, "audited")),
        "No log can show that something is nowhere, and the file says so under `not_established`. On the premises the "
        "face is still in its collection, where ListFaces or a search of the files finds it.",
        slow=True,
    ),
)
