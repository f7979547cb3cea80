"""Outsiders: real processes in a folder with only what they have, and a web server with the log's public files."""

from __future__ import annotations

import atexit
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.attacks.attack import INSPECTOR, Look
from tests.attacks.scene import Scene

from candid.ledger import public_file

REPOSITORY = Path(__file__).resolve().parents[2]
GO_VERIFIER = "candid-verify-go"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a command did; `code` is None where it cannot be run here."""

    code: int | None
    text: str

    def as_expected(self, look: Look) -> bool:
        """Whether it did what the table says."""
        return self.code is None or (self.code == look.code and look.says in self.text and "Traceback" not in self.text)


@contextmanager
def served(log: Path) -> Iterator[str]:
    """The public files of a log over HTTP, and nothing else of its folder; the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = public_file(log, self.path.removeprefix("/log/"))
            if found is None or not found.path.is_file():
                self.send_error(404)
                return
            data = found.path.read_bytes()
            self.send_response(200)
            self.send_header("content-type", found.content_type)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/log"
        finally:
            server.shutdown()
            thread.join()


def look_at(scene: Scene, look: Look, url: str) -> Seen:
    """Run one outsider's command."""
    words = shlex.split(look.command.format(url=url, data=scene.data, **scene.names))
    program = _program(words[0])
    if program is None:
        return Seen(None, "go, or its package golang.org/x/mod, is not installed")
    environment = {"PATH": os.environ["PATH"], "HOME": str(scene.outside), "PYTHONPATH": str(REPOSITORY / "src")}
    if look.who == INSPECTOR:  # the only one who may use the operator's keys
        environment["CANDID_KEY_FILE"] = str(scene.root / "keys" / "master.key")
    done = subprocess.run(
        [*program, *words[1:]], cwd=scene.outside, env=environment, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip
    return Seen(done.returncode, done.stdout + done.stderr)


def _program(name: str) -> list[str] | None:
    match name:
        case "candid":
            return [sys.executable, "-m", "candid"]
        case "candid-verify":
            return [sys.executable, "-m", "candid_verify"]
        case "candid-verify-go":
            built = go_verifier()
            return None if built is None else [str(built)]
        case _:
            return [name]


@cache
def go_verifier() -> Path | None:
    """The verifier in Go, built once; None where it cannot be."""
    if shutil.which("go") is None:
        return None
    folder = Path(tempfile.mkdtemp(prefix="candid-attacks-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    binary = folder / GO_VERIFIER
    path = os.pathsep.join(filter(None, (os.environ.get("GOPATH"), "/usr/share/gocode")))
    environment = {**os.environ, "GO111MODULE": "off", "GOPATH": path, "GOFLAGS": ""}
    sources = REPOSITORY / "verifiers" / "go"
    built = subprocess.run(
        ["go", "build", "-o", binary, "."], cwd=sources, env=environment, capture_output=True, text=True, check=False
    )
    return binary if built.returncode == 0 else None
