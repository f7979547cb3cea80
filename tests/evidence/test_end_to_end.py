"""A real server, an unmodified boto3 client, and an auditor who has a file and a key and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import RunningServer, start_server

REPOSITORY = Path(__file__).resolve().parents[2]


def operator(server: RunningServer, *arguments: object) -> Any:
    """Run `candid evidence` as the operator does, beside the running server; its JSON."""
    script = "from candid.cli.evidence import evidence; evidence()"
    command = [sys.executable, "-c", script, *map(str, arguments), "--json"]
    environment = {**os.environ, "XDG_CONFIG_HOME": str(server.data.parent / "config")}
    done = subprocess.run(command, capture_output=True, env=environment, timeout=120, check=False)
    assert done.returncode == 0, (done.stdout, done.stderr)
    return json.loads(done.stdout)


def stranger(file: Path, key: str, folder: Path) -> tuple[int, Any]:
    """Run the verifier alone, in a folder and an environment that know of no data folder; exit code and JSON."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "candid_verify", str(file), "--log-key", key, "--json"]
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY / "src")}
    done = subprocess.run(command, capture_output=True, env=environment, cwd=home, timeout=60, check=False)
    return done.returncode, json.loads(done.stdout)


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[RunningServer]:
    running = start_server(tmp_path / "data")
    yield running
    if running.process.poll() is None:
        running.kill()


def test_what_was_called_is_proved_by_somebody_who_has_no_data(
    own_server: RunningServer, tmp_path: Path, astronaut: bytes
):
    server, client = own_server, own_server.client()
    key, data, out = server.ready["log_public_key"], server.data, tmp_path / "outside"
    out.mkdir()
    client.create_collection(CollectionId="staff")
    indexed = client.index_faces(CollectionId="staff", Image={"Bytes": astronaut})
    face = indexed["FaceRecords"][0]["Face"]["FaceId"]
    found = client.search_faces_by_image(CollectionId="staff", Image={"Bytes": astronaut})
    client.detect_faces(Image={"Bytes": astronaut})
    request = found["ResponseMetadata"]["RequestId"]

    def made(name: str, *claim: str) -> tuple[int, Any]:
        said = operator(server, "export", "--claim", *claim, "--data", data, "-o", out / name)
        code, verdict = stranger(out / name, key, out)
        assert {**verdict, "file": str(out / name), "bytes": said["bytes"]} == said
        return code, verdict

    account = server.ready["account"]
    assert made("never", "never-served", "--subject", "Nobody Ltd")[0] == 0
    assert made("served", "never-served", "--subject", "dev")[0] == 1
    code, usage = made("usage", "usage", "--customer", account)
    assert code == 0 and "4 calls" in " ".join(usage["established"])
    assert made("quiet", "not-used", "--customer", account, "--to", "2020-01-01")[0] == 0
    assert made("used", "not-used", "--customer", account)[0] == 1
    code, decision = made("decision", "decision", "--request-id", request, "--collection", "staff")
    assert code == 0 and "SearchFacesByImage" in " ".join(decision["established"])
    assert "staff" in " ".join(decision["established"])
    assert made("kept", "erased", "--face-id", face)[0] == 1
    client.delete_faces(CollectionId="staff", FaceIds=[face])
    until = time.monotonic() + 20
    while (code := made("gone", "erased", "--face-id", face)[0]) == 1 and time.monotonic() < until:
        pass  # what was entered is published within a second, and only what is published is evidence
    assert code == 0

    url = f"{server.ready['url']}/log"
    assert operator(server, "audit", "--url", url, "--log-key", key)["findings"] == []
    assert server.stop() == 0, server.log.read_text()
    report = operator(server, "audit", "--data", data, "--log-key", key, "--openings")
    assert report["findings"] == [] and report["openings"]["findings"] == [] and report["notes"] == []
    assert report["kinds"]["call/1"] == 5 and report["kinds"]["stop/1"] == 1
