"""The log's public files are served as C2SP tlog-tiles says, and nothing else of the data folder ever is."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from candid.ledger import Log, LogOptions, SigningKey, UrlSource, verify_log

SIGNER = SigningKey.generate("candid.local/wire", randomness=lambda _: bytes(range(32)))
ENTRIES = 300
SECRET = b"never to be served"
FOREVER = "public, max-age=31536000, immutable"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder: a log of 300 entries, and beside it what is nobody's business."""
    folder = tmp_path_factory.mktemp("served") / "data"
    log = Log.create(folder / "ledger", SIGNER, LogOptions(publish_interval=None))
    log.append_many([b"entry %d" % at for at in range(ENTRIES)])
    log.publish()
    log.close()
    for path in ("governance.db", "ledger/secret", "ledger/tile/secret", "ledger/checkpoint.bak", "other/checkpoint"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(SECRET)
    (folder / "ledger" / "tile" / "0" / "x001").mkdir()
    (folder / "ledger" / "tile" / "0" / "x001" / "000").mkdir()  # a folder where a tile would be
    return folder


@pytest.fixture(scope="module")
def served(data: Path, make_app: Any) -> Any:
    return make_app(log=data / "ledger")


@pytest.mark.parametrize(
    ("path", "kind", "kept"),
    [
        ("checkpoint", "text/plain; charset=utf-8", "no-cache"),
        ("tile/0/000", "application/octet-stream", FOREVER),
        ("tile/0/001.p/44", "application/octet-stream", FOREVER),
        ("tile/1/000.p/1", "application/octet-stream", FOREVER),
        ("tile/entries/000", "application/octet-stream", FOREVER),
        ("tile/entries/001.p/44", "application/octet-stream", FOREVER),
    ],
)
def test_files_and_their_headers(served, ask, wire, data, path, kind, kept):
    reply = ask(wire.Sent("GET", f"/log/{path}"), served)
    assert (reply.status, reply.body) == (200, (data / "ledger" / path).read_bytes())
    assert (reply.headers["content-type"], reply.headers["cache-control"]) == (kind, kept)
    head = ask(wire.Sent("HEAD", f"/log/{path}"), served)
    assert (head.status, head.body, head.headers) == (200, b"", reply.headers)


NAMES_OF_NO_FILE = [
    "",
    "checkpoint/",
    "Checkpoint",
    "checkpoint.bak",
    "secret",
    "tile",
    "tile/0",
    "tile/secret",
    "tile/0/002",  # not there yet
    "tile/0/001.p/45",
    "tile/0/x001/000",  # a folder
    "tile/0/000.p/256",
    "tile/00/000",
    "tile/9/٠٠٠",
    ".state/journal",
    ".state/signed",
    ".state/key",
    ".state/lock",
    "./checkpoint",
    "/checkpoint",
    "//checkpoint",
    "../governance.db",
    "../ledger/checkpoint",
    "../other/checkpoint",
    "tile/../../governance.db",
    "tile/0/../../checkpoint",
    "tile/0/000/../000",
    "..\\governance.db",
    "checkpoint\0",
    "tile/0/000\n",
    "checkpoint?x",
    "a" * 5000,
]


@pytest.mark.parametrize("path", NAMES_OF_NO_FILE)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_every_other_name_is_no_file(served, ask, wire, method, path):
    reply = ask(wire.Sent(method, f"/log/{path}"), served)
    assert reply.status == 404
    assert reply.headers["cache-control"] == "no-store", "what is not there yet may come"
    if method == "GET":
        assert reply.json == {"message": "The log has no such file."}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_the_log_is_only_read(served, ask, wire, method):
    assert ask(wire.Sent(method, "/log/checkpoint"), served).status == 405


@pytest.mark.parametrize("path", ["/log", "/LOG/checkpoint", "//log/checkpoint", "/x/../log/checkpoint"])
def test_the_log_has_one_place(served, ask, wire, path):
    assert ask(wire.Sent("GET", path), served).status == 404


@pytest.fixture(scope="module")
def port(served: Any, listen_module: Any) -> Iterator[int]:
    yield listen_module(served).port


def raw(port: int, target: bytes) -> bytes:
    """The whole answer to a GET of a target that no client would send so."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(b"GET " + target + b" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        answer = b""
        while part := connection.recv(65_536):
            answer += part
    return answer


@pytest.mark.parametrize(
    "target",
    [
        b"/log/../governance.db",
        b"/log/%2e%2e/governance.db",
        b"/log/%2E%2E%2Fgovernance.db",
        b"/log/..%2fgovernance.db",
        b"/log/..%5cgovernance.db",
        b"/log/%252e%252e/governance.db",
        b"/log/.state/journal",
        b"/log/%2estate/journal",
        b"/log/tile/%2e%2e/.state/journal",
        b"/log/tile/0/000%00",
        b"/log/checkpoint%00.bak",
        b"/log/checkpoint.bak",
        b"/log/%c0%ae%c0%ae/governance.db",
        b"/log/%ff",
        b"/log//etc/passwd",
        b"/log/checkpoint%0a",
        b"http://h/log/../governance.db",
        b"/log/../../../../../../etc/passwd",
    ],
)
def test_no_spelling_on_the_wire_leads_out(port, data, target):
    answer = raw(port, target)
    assert answer.split(b" ", 2)[1] in {b"404", b"400"}, answer[:200]
    assert SECRET not in answer
    assert (data / "ledger" / ".state" / "journal").read_bytes()[:16] not in answer
    assert b"root:" not in answer


@pytest.mark.parametrize("target", [b"/log/checkpoint", b"/log/%63heckpoint", b"/log/checkpoint?x=1"])
def test_what_means_a_public_file_is_served(port, data, target):
    head, body = raw(port, target).split(b"\r\n\r\n", 1)
    assert (head.split(b" ", 2)[1], body) == (b"200", (data / "ledger" / "checkpoint").read_bytes())


def test_a_reader_verifies_the_log_over_this_server(port):
    assert verify_log(UrlSource(f"http://127.0.0.1:{port}/log/"), SIGNER.verifier).signed.size == ENTRIES
