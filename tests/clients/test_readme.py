"""The README's Python example, as it stands there, against a real server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.conftest import REPOSITORY, RunningServer


def test_the_python_example(
    server: RunningServer, astronaut: bytes, altered: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (REPOSITORY / "README.md").read_text(), re.DOTALL)
    assert example.count("http://127.0.0.1:9000") == 1
    (tmp_path / "anna.jpg").write_bytes(astronaut)
    (tmp_path / "who.jpg").write_bytes(altered(astronaut))
    environment = {
        **os.environ,
        "AWS_DEFAULT_REGION": server.ready["region"],
        "AWS_ACCESS_KEY_ID": server.ready["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": server.ready["secret_access_key"],
    }
    done = subprocess.run(
        [sys.executable, "-c", example.replace("http://127.0.0.1:9000", server.ready["url"])],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=tmp_path,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    name, similarity = done.stdout.split()
    assert name == "anna"
    assert float(similarity) > 99
