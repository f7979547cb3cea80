"""A server of one's own in another process, for the demo and the benchmarks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

START_SECONDS = 60.0


class ServerDidNotStart(Exception):
    """The server process ended or was too slow; the message holds what it wrote."""


@dataclass(frozen=True, slots=True)
class OwnServer:
    """A running server.

    Attributes:
        ready: what its ready file says.
        pid: of its process.
        start_seconds: from starting the process to the ready file.
    """

    ready: dict[str, Any]
    pid: int
    start_seconds: float

    def resident_mib(self) -> float | None:
        """Memory of the process now; None where the system does not tell."""
        try:
            pages = int(Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1])
        except (OSError, ValueError, IndexError):
            return None
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def client(self) -> Any:  # noqa: ANN401 - boto3 has no types
        """An unmodified boto3 client for it."""
        import boto3

        return boto3.client(
            "rekognition",
            endpoint_url=self.ready["url"],
            region_name=self.ready["region"],
            aws_access_key_id=self.ready["access_key_id"],
            aws_secret_access_key=self.ready["secret_access_key"],
        )


@contextmanager
def own_server(folder: Path, *arguments: str, module: str = "candid") -> Iterator[OwnServer]:
    """Run `candid serve --dev` on a free port while the block runs; its keys stay in `folder`.

    Args:
        folder: for data, keys and what the server writes.
        arguments: further words of the command.
        module: that is run; another one only in benchmarks.

    Raises:
        ServerDidNotStart: it ended, or was not ready in time.
    """
    ready_file, log = folder / "ready.json", folder / "server.log"
    command = [
        sys.executable,
        "-m",
        module,
        "serve",
        "--dev",
        "--port",
        "0",
        "--data",
        str(folder / "data"),
    ]
    environment = {**os.environ, "XDG_CONFIG_HOME": str(folder / "config")}
    started = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own command
            [*command, "--ready-file", str(ready_file), *arguments],
            stdout=output,
            stderr=output,
            env=environment,
        )
    try:
        while not ready_file.exists():
            if process.poll() is not None or time.monotonic() > started + START_SECONDS:
                raise ServerDidNotStart(f"the server did not start:\n{log.read_text(errors='replace')}")
            time.sleep(0.01)
        seconds = time.monotonic() - started
        yield OwnServer(json.loads(ready_file.read_text(encoding="utf-8")), process.pid, seconds)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=START_SECONDS)
