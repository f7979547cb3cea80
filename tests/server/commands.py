"""Commands of Candid in a process of their own, for folders that `start_server` made: keys lie in `AT/config`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any


def run(at: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a command."""
    return subprocess.run(
        [sys.executable, "-m", "candid", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "XDG_CONFIG_HOME": str(at / "config")},
    )


def told(at: Path, *arguments: object) -> Any:
    """What a command says in JSON, which must succeed."""
    done = run(at, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def open_customer(at: Path, name: str, *more: str) -> str:
    """Open a customer in `AT/data`; its id."""
    found = told(at, "customer", "open", "--data", at / "data", "--name", name, "--country", "DE", *more)
    return str(found["customer"])
