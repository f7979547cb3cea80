"""The AWS SDK for JavaScript, unmodified, against a real server."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conftest import RunningServer

HERE = Path(__file__).with_name("js")


def test_the_javascript_sdk(
    server: RunningServer, astronaut: bytes, altered: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    node = shutil.which("node")
    if node is None or not (HERE / "node_modules" / "@aws-sdk").is_dir():
        pytest.skip("node or the JavaScript SDK is missing; install node and npm, then run: make js-client")
    (tmp_path / "ready.json").write_text(json.dumps(server.ready))
    (tmp_path / "gallery.jpg").write_bytes(astronaut)
    (tmp_path / "probe.jpg").write_bytes(altered(astronaut))
    files = [str(tmp_path / name) for name in ("ready.json", "gallery.jpg", "probe.jpg")]
    done = subprocess.run(
        [node, str(HERE / "exercise.mjs"), *files], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen.pop("similarity") > 99
    face_id = seen.pop("faceId")
    assert seen == {
        "arn": "arn:aws:rekognition:us-east-1:000000000000:collection/js-sdk",
        "landmarks": 30,
        "match": face_id,
        "compared": 1,
        "listed": ["gallery:1"],
        "faceCount": 1,
        "createdIsDate": True,
        "error": "ResourceAlreadyExistsException",
        "deleted": 200,
    }
