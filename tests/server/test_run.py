"""Starting and ending a real server process."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import urllib.request
from configparser import ConfigParser
from pathlib import Path
from typing import Any

from tests.conftest import RunningServer, start_server


def test_the_ready_file_and_the_credentials_file(server: RunningServer) -> None:
    ready = server.ready
    assert set(ready) == {
        "url",
        "region",
        "account",
        "access_key_id",
        "secret_access_key",
        "log_public_key",
        "data_dir",
    }
    assert ready["log_public_key"].startswith("candid.local/000000000000+")
    credentials = server.data / "credentials"
    assert stat.S_IMODE(credentials.stat().st_mode) == 0o600
    parser = ConfigParser(interpolation=None)
    parser.read(credentials)
    assert parser["candid"]["aws_secret_access_key"] == ready["secret_access_key"]


def test_files_are_for_their_owner_alone(server: RunningServer) -> None:
    # Of these a web server may serve what is public; `recording` holds nothing that does not follow from `ledger`.
    public = {"ledger", "recording", "buckets"}
    found = []
    for folder, folders, files in os.walk(server.data):
        folders[:] = [name for name in folders if name not in public]  # where files come and go meanwhile
        found += [Path(folder) / name for name in files]
    assert len(found) > 3
    for path in found:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_pages(server: RunningServer) -> None:
    def get(path: str) -> str:
        with urllib.request.urlopen(server.ready["url"] + path, timeout=10) as reply:
            return reply.read().decode()

    assert json.loads(get("/healthz")) == {"alive": True}
    assert json.loads(get("/readyz"))["ready"] is True
    metrics = get("/metrics")
    assert "candid_gallery_faces" in metrics
    assert "candid_requests_in_flight" in metrics


def test_calls_in_flight_are_answered_at_the_end(tmp_path: Path, group: bytes) -> None:
    running = start_server(tmp_path / "data")
    client = running.client()
    client.create_collection(CollectionId="c")
    replies: list[dict[str, Any]] = []

    def call() -> None:
        replies.append(running.client().index_faces(CollectionId="c", Image={"Bytes": group}))

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.15)
    assert running.stop() == 0, running.log.read_text()
    for thread in threads:
        thread.join()
    acknowledged = {record["Face"]["FaceId"] for reply in replies for record in reply["FaceRecords"]}
    again = start_server(tmp_path / "data")
    try:
        assert again.ready["access_key_id"] == running.ready["access_key_id"]
        pages = again.client().get_paginator("list_faces").paginate(CollectionId="c")
        kept = {face["FaceId"] for page in pages for face in page["Faces"]}
        assert acknowledged <= kept
    finally:
        assert again.stop() == 0


def test_a_killed_server_keeps_what_it_acknowledged(tmp_path: Path, astronaut: bytes) -> None:
    data = tmp_path / "data"
    acknowledged: list[str] = []
    deleted: list[str] = []
    for number in range(3):
        running = start_server(data)
        client = running.client()
        if number == 0:
            client.create_collection(CollectionId="c")
        stop = threading.Event()

        def load(client: Any = client, stop: threading.Event = stop) -> None:
            try:
                while not stop.is_set():
                    reply = client.index_faces(CollectionId="c", Image={"Bytes": astronaut})
                    face_id = reply["FaceRecords"][0]["Face"]["FaceId"]
                    acknowledged.append(face_id)
                    if len(acknowledged) % 3 == 0:
                        client.delete_faces(CollectionId="c", FaceIds=[face_id])
                        deleted.append(face_id)
            except Exception:  # noqa: BLE001 - the server is killed meanwhile
                return

        thread = threading.Thread(target=load)
        thread.start()
        time.sleep(0.5 + 0.23 * number)
        running.kill()
        stop.set()
        thread.join()
    last = start_server(data)
    try:
        client = last.client()
        pages = client.get_paginator("list_faces").paginate(CollectionId="c")
        kept = {face["FaceId"] for page in pages for face in page["Faces"]}
        # The last delete of each run may have been done without an answer.
        assert len(set(acknowledged) - set(deleted) - kept) <= 3
        assert set(acknowledged) - set(deleted) - kept <= {a for i, a in enumerate(acknowledged, 1) if i % 3 == 0}
        assert not set(deleted) & kept
        found = client.search_faces_by_image(CollectionId="c", Image={"Bytes": astronaut})
        assert {match["Face"]["FaceId"] for match in found["FaceMatches"]} == kept
    finally:
        assert last.stop() == 0


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "candid", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environment},
    )


def test_what_keeps_a_server_from_starting(tmp_path: Path) -> None:
    config = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    missing = run("serve", "--data", str(tmp_path / "none"), **config)
    assert (missing.returncode, "candid init" in missing.stderr) == (2, True)

    assert run("init", "--data", str(tmp_path / "data"), **config).returncode == 0
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        busy = run("serve", "--data", str(tmp_path / "data"), "--port", port, **config)
    assert (busy.returncode, "choose another --port" in busy.stderr) == (2, True)

    nowhere = str(tmp_path / "nowhere" / "ready.json")
    unready = run("serve", "--data", str(tmp_path / "data"), "--port", "0", "--ready-file", nowhere, **config)
    assert (unready.returncode, "another --ready-file" in unready.stderr) == (2, True)
    assert "Traceback" not in unready.stderr

    no_url = run("serve", "--data", str(tmp_path / "data"), "--port", "0", **config, CANDID_S3_ENDPOINT_URL="nourl")
    assert (no_url.returncode, "s3.endpoint_url" in no_url.stderr) == (2, True)

    stale = tmp_path / "ready.json"
    stale.write_text("of an earlier server")
    no_models = {**config, "CANDID_MODELS": str(tmp_path / "no-models")}
    failed = run("serve", "--data", str(tmp_path / "data"), "--port", "0", "--ready-file", str(stale), **no_models)
    assert (failed.returncode, stale.exists()) == (2, False)

    empty = {**config, "CANDID_MODELS": str(tmp_path / "no-models")}
    unpulled = run("serve", "--data", str(tmp_path / "data"), "--port", "0", **empty)
    assert (unpulled.returncode, "candid models pull" in unpulled.stderr) == (2, True)

    for key in (tmp_path / "config" / "candid" / "keys").glob("*.key"):
        key.unlink()
    keyless = run("serve", "--data", str(tmp_path / "data"), "--port", "0", **config)
    assert keyless.returncode == 2
    assert "key file" in keyless.stderr
    for each in (missing, busy, unpulled, keyless):
        assert "Traceback" not in each.stderr


def test_two_servers_on_one_folder(tmp_path: Path) -> None:
    first = start_server(tmp_path / "data")
    try:
        config = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
        second = run("serve", "--data", str(tmp_path / "data"), "--port", "0", **config)
        assert second.returncode == 3
        assert "open in another process" in second.stderr
        assert first.client().list_collections()["CollectionIds"] == []
    finally:
        assert first.stop() == 0


def test_interrupt_ends_it_cleanly_too(tmp_path: Path) -> None:
    running = start_server(tmp_path / "data")
    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(timeout=40) == 0
