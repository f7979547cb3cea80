"""Fixtures: real models, real photographs, a real server process. Nothing of ours is mocked."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
import skimage.data
from botocore.config import Config as ClientConfig
from PIL import Image as PillowImage
from PIL import ImageEnhance, ImageOps

from candid.demo.samples import sample_photographs

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


@contextmanager
def small_file_system(folder: Path, size: str) -> Iterator[Path]:
    """A file system of `size` (as tmpfs writes it) at a new folder, or skip: only root can mount one."""
    folder.mkdir()
    mounted = os.geteuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=False, capture_output=True
    )
    if not mounted or mounted.returncode:
        pytest.skip("only root can mount a small file system")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def jpeg(picture: PillowImage.Image, *, quality: int = 92, **options: Any) -> bytes:
    """A picture as a JPEG file."""
    file = BytesIO()
    picture.convert("RGB").save(file, "JPEG", quality=quality, **options)
    return file.getvalue()


@pytest.fixture(scope="session")
def samples() -> dict[str, Path]:
    """The demo's photographs of several people, by name."""
    return {path.stem: path for path in sample_photographs()}


@pytest.fixture(scope="session")
def astronaut() -> bytes:
    """One face in 512 × 512 pixels (public domain, shipped by scikit-image)."""
    return jpeg(PillowImage.fromarray(skimage.data.astronaut()))


@pytest.fixture(scope="session")
def coffee() -> bytes:
    """A photograph without a face."""
    return jpeg(PillowImage.fromarray(skimage.data.coffee()))


@pytest.fixture(scope="session")
def group(samples: dict[str, Path]) -> bytes:
    """Four faces, none of them the astronaut's."""
    return samples["sample6"].read_bytes()


@pytest.fixture(scope="session")
def altered() -> Callable[[bytes], bytes]:
    """Makes another photograph of the same face: smaller, darker, mirrored, compressed harder."""

    def alter(photograph: bytes) -> bytes:
        picture = PillowImage.open(BytesIO(photograph)).convert("RGB")
        picture = ImageOps.mirror(picture.resize((int(picture.width * 0.7), int(picture.height * 0.7))))
        return jpeg(ImageEnhance.Brightness(picture).enhance(0.75), quality=60)

    return alter


@pytest.fixture(scope="session")
def turned() -> Callable[[bytes, int], bytes]:
    """Stores a photograph turned, with the EXIF orientation (1 to 8) that turns it back."""
    # How the pixels must be stored so that the orientation shows them upright (TIFF 6.0, tag 274).
    stored = {
        1: lambda a: a,
        2: np.fliplr,
        3: lambda a: np.rot90(a, 2),
        4: np.flipud,
        5: lambda a: np.transpose(a, (1, 0, 2)),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: np.transpose(np.rot90(a, 2), (1, 0, 2)),
        8: lambda a: np.rot90(a, -1),
    }

    def turn(photograph: bytes, orientation: int) -> bytes:
        pixels = np.asarray(PillowImage.open(BytesIO(photograph)).convert("RGB"))
        exif = PillowImage.Exif()
        exif[274] = orientation
        return jpeg(PillowImage.fromarray(np.ascontiguousarray(stored[orientation](pixels))), exif=exif)

    return turn
