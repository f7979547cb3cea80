"""An operator with a log and its key, who may lie; and a web server that answers as it is told, with real receipts."""

from __future__ import annotations

import json
import threading
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from candid.client.expectations import ASKED
from candid.client.replies import Reply
from candid.ledger import FolderSource, Log, LogOptions, SigningKey
from candid.ledger.receipt import Receipt
from candid.ledger.sequencer import Sequenced
from candid_verify.canonical import encode_bytes
from candid_verify.entries import write_entry

NOW = 1_800_000_000  # seconds
SIGNER = SigningKey.generate("candid.local/test", randomness=lambda _: bytes(range(32)))


def call_entry(number: int, /, **changes: object) -> bytes:
    """A `call/1` entry of a DetectFaces that was answered, but for what is changed."""
    plain: dict[str, object] = {
        "kind": "call/1",
        "time": NOW * 1000,
        "started": NOW * 1000 - 40,
        "run": 0,
        "request": f"request-{number}",
        "operation": "DetectFaces",
        "customer": encode_bytes(bytes(32)),
        "number": number,
        "decision": {"allowed": True, "rule": "no rule objects", "policy": "candid-rules/1"},
        "outcome": "ok",
        "meter": "image-group-2",
        "units": 1,
    }
    return write_entry(plain | changes)


@dataclass
class Operator:
    """A log, and receipts for whatever one wants to promise."""

    folder: Path
    signer: SigningKey = SIGNER
    log: Log = field(init=False)
    calls: int = 0

    def __post_init__(self) -> None:
        options = LogOptions(publish_interval=None, clock=lambda: NOW)
        self.log = Log.create(self.folder, self.signer, options)

    @property
    def source(self) -> FolderSource:
        return FolderSource(self.folder)

    def enter(self, entry: bytes | None = None) -> Sequenced:
        """Append an entry, by default that of the next call."""
        self.calls += 1
        return self.log.append(call_entry(self.calls) if entry is None else entry)

    def promise(self, placed: Sequenced) -> str:
        """A receipt as the header has it."""
        return urlsafe_b64encode(bytes(Receipt(self.signer.name, placed).sign(self.signer))).rstrip(b"=").decode()

    def serve(self, entry: bytes | None = None, **changes: Any) -> Reply:
        """Enter a call and give the reply that its caller collects, but for what is changed."""
        placed = self.enter(entry)
        return reply(self.calls, **{"receipt": self.promise(placed)} | changes)


def reply(number: int, **changes: Any) -> Reply:
    """A reply to the call that `call_entry(number)` is the entry of."""
    facts: dict[str, Any] = {
        "id": f"line-{number}",
        "time": NOW * 1000 + 5,
        "operation": "DetectFaces",
        "request": f"request-{number}",
        "status": 200,
        "receipt": None,
        "asked": ASKED["DetectFaces"],
    }
    return Reply(**facts | changes)


@pytest.fixture
def operators(tmp_path: Path) -> Iterator[Callable[..., Operator]]:
    """Makes operators, each with a log of its own."""
    made: list[Operator] = []

    def make(signer: SigningKey = SIGNER) -> Operator:
        made.append(Operator(tmp_path / f"log-{len(made)}", signer))
        return made[-1]

    yield make
    for each in made:
        each.log.close()


@pytest.fixture
def operator(operators: Callable[..., Operator]) -> Operator:
    return operators()


@dataclass(frozen=True)
class Answer:
    """What the web server answers once: status, body, headers; status 0 hangs up."""

    status: int = 200
    body: object = field(default_factory=lambda: {"FaceDetails": []})
    headers: dict[str, str] = field(default_factory=dict)


class _Scripted(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ScriptedServer

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        answer = self.server.script.pop(0)
        if answer.status == 0:
            self.close_connection = True
            return
        body = json.dumps(answer.body).encode()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("content-type", "application/x-amz-json-1.1")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


class ScriptedServer(ThreadingHTTPServer):
    """Answers like Rekognition, from a list."""

    daemon_threads = True

    def __init__(self) -> None:
        self.script: list[Answer] = []
        super().__init__(("127.0.0.1", 0), _Scripted)

    def client(self, attempts: int = 1, service: str = "rekognition") -> Any:
        return boto3.client(
            service,
            endpoint_url=f"http://127.0.0.1:{self.server_port}",
            region_name="us-east-1",
            aws_access_key_id="AKIDEXAMPLE",
            aws_secret_access_key="secret",
            config=Config(retries={"total_max_attempts": attempts, "mode": "standard"}),
        )


@pytest.fixture
def scripted() -> Iterator[ScriptedServer]:
    server = ScriptedServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()
