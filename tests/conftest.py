"""Fixtures: real models, real photographs, a real server process. Nothing of ours is mocked."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config as ClientConfig

REPOSITORY = Path(__file__).resolve().parents[1]


@dataclass
class RunningServer:
    """A `candid serve` process and what its ready file says."""

    process: subprocess.Popen
    ready: dict[str, Any]
    data: Path
    log: Path

    def client(self, **overrides) -> Any:
        """An unmodified boto3 client for this server."""
        settings = {
            "endpoint_url": self.ready["url"],
            "region_name": self.ready["region"],
            "aws_access_key_id": self.ready["access_key_id"],
            "aws_secret_access_key": self.ready["secret_access_key"],
            "config": ClientConfig(retries={"total_max_attempts": 1}, read_timeout=60),
        } | overrides
        return boto3.client("rekognition", **settings)

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=40)

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait(timeout=10)


def start_server(data: Path, *arguments: str, environment: dict[str, str] | None = None) -> RunningServer:
    """Start `candid serve --dev` on a free port and wait until it is ready."""
    ready_file = data.parent / f"{data.name}-ready.json"
    ready_file.unlink(missing_ok=True)
    log = data.parent / f"{data.name}-server.log"
    command = [sys.executable, "-m", "candid", "serve", "--data", str(data), "--dev", "--port", "0"]
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*command, "--ready-file", str(ready_file), *arguments],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "XDG_CONFIG_HOME": str(data.parent / "config"), **(environment or {})},
        )
    deadline = time.monotonic() + 60
    while not ready_file.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            process.wait()
            pytest.fail(f"the server did not start:\n{log.read_text()}")
        time.sleep(0.01)
    return RunningServer(process, json.loads(ready_file.read_text()), data, log)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One server for all tests of a worker that only need *a* server; each uses collections of its own."""
    running = start_server(tmp_path_factory.mktemp("server") / "data")
    yield running
    assert running.stop() == 0, running.log.read_text()


@pytest.fixture(scope="session")
def rekognition(server: RunningServer) -> Any:
    """A boto3 client for `server`."""
    return server.client()


@pytest.fixture(scope="session")
def labelled_faces() -> Path:
    """The folder of labelled photographs (`images/`, `pairs.csv`), or skip."""
    folder = Path(os.environ.get("CANDID_TEST_FACES") or REPOSITORY.parent / "shared" / "data" / "faces")
    if not (folder / "pairs.csv").is_file():
        pytest.skip("no labelled photographs; name their folder in CANDID_TEST_FACES")
    return folder
