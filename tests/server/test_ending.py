"""Calls that are on their way while a key, a customer or the server ends."""

from __future__ import annotations

import json
import signal
import socket
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError
from tests.conftest import RunningServer, start_server
from tests.server.commands import open_customer, run, told


def audited(site: Path, log_key: str) -> None:
    done = run(site, "evidence", "audit", "--data", str(site / "data"), "--log-key", log_key)
    assert done.returncode == 0, done.stdout + done.stderr


class Held:
    """A signed call of which the last byte is still to be sent."""

    def __init__(self, ready: dict[str, Any], key: tuple[str, str], operation: str, members: dict[str, Any]) -> None:
        self._body = json.dumps(members).encode()
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"RekognitionService.{operation}"}
        request = AWSRequest("POST", ready["url"] + "/", headers=headers, data=self._body)
        SigV4Auth(Credentials(*key), "rekognition", ready["region"]).add_auth(request)
        url = urlsplit(ready["url"])
        self._socket = socket.create_connection((url.hostname, url.port), timeout=30)
        lines = [f"{name}: {value}" for name, value in request.headers.items()]
        head = ["POST / HTTP/1.1", f"Host: {url.netloc}", f"Content-Length: {len(self._body)}", *lines, "", ""]
        self._socket.sendall("\r\n".join(head).encode() + self._body[:-1])
        time.sleep(0.3)

    def finish(self) -> str:
        self._socket.sendall(self._body[-1:])
        reply = self._socket.recv(65536).decode()
        self._socket.close()
        return reply


@pytest.fixture
def server(tmp_path):
    running = start_server(tmp_path / "data")
    yield running
    if running.process.poll() is None:
        assert running.stop() == 0


def opened(site: Path) -> tuple[str, tuple[str, str]]:
    customer = open_customer(site, "Zyxwolt")
    issued = told(site, "key", "issue", customer, "--data", site / "data")
    return customer, (issued["access_key_id"], issued["secret_access_key"])


@pytest.mark.parametrize("end", ["revoke", "close", "erase"])
def test_what_ends_while_a_body_is_on_its_way_ends_for_it_too(server: RunningServer, tmp_path, end):
    customer, key = opened(tmp_path)
    held = Held(server.ready, key, "CreateCollection", {"CollectionId": "ghost"})
    words = {
        "revoke": ("key", "revoke", key[0]),
        "close": ("customer", "close", customer),
        "erase": ("erase", "--customer", customer),
    }[end]
    assert run(tmp_path, *words, "--data", str(tmp_path / "data")).returncode == 0
    reply = held.finish()
    assert reply.startswith("HTTP/1.1 400")
    assert ("AccessDeniedException" if end == "close" else "UnrecognizedClientException") in reply
    assert ("x-candid-receipt" in reply) == (end == "close"), "only what was decided has one"
    assert server.stop() == 0
    audited(tmp_path, server.ready["log_public_key"])


def test_a_second_signal_leaves_no_work_without_an_entry(server: RunningServer, tmp_path, astronaut):
    client = server.client()
    client.create_collection(CollectionId="c")
    stop = threading.Event()

    def index() -> None:
        own = server.client()
        while not stop.is_set():
            try:
                own.index_faces(CollectionId="c", Image={"Bytes": astronaut})
            except (ClientError, BotoCoreError):
                return

    threads = [threading.Thread(target=index) for _ in range(12)]
    for thread in threads:
        thread.start()
    time.sleep(1.5)
    server.process.send_signal(signal.SIGTERM)
    time.sleep(0.02)
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(timeout=40) == 0
    stop.set()
    for thread in threads:
        thread.join()
    again = start_server(tmp_path / "data")
    try:
        stored = again.client().describe_collection(CollectionId="c")["FaceCount"]
    finally:
        assert again.stop() == 0
    audited(tmp_path, server.ready["log_public_key"])
    shown = run(tmp_path, "ledger", "show", "--data", str(tmp_path / "data"), "--last", "10000", "--json")
    entries = [each["entry"] for each in json.loads(shown.stdout)["entries"]]
    assert sum(entry.get("stored", {}).get("faces", 0) for entry in entries) == stored > 0
    assert [entry["previous"] for entry in entries if entry["kind"] == "start/1"] == ["none", "clean"]
