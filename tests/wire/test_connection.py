"""What uvicorn leaves open: endless heads, trailers and chunks, and clients that never finish."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress

import pytest

from candid.wire.connection import MOST_BARREN_BYTES, GuardedConnection

HEAD = b"POST / HTTP/1.1\r\nHost: candid\r\n"


class Hasty(GuardedConnection):
    patience = 0.2


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def until_closed(connection: socket.socket) -> bytes:
    got = b""
    try:
        while chunk := connection.recv(65_536):
            got += chunk
    except ConnectionError:
        pass  # what was still on its way to the server is answered with a reset
    return got


def send_for_ever(connection: socket.socket, piece: bytes) -> int:
    """Send until the server closes; how much it took in."""
    sent = 0
    try:
        while sent < 64 * 2**20:
            sent += connection.send(piece)
    except ConnectionError:
        pass
    return sent


@pytest.fixture(scope="module")
def port(wire, make_app, listen_module):
    return listen_module(make_app()).port


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (HEAD, b"X-A: " + b"a" * 8000 + b"\r\n"),
        (HEAD + b"X-A: ", b"a" * 8000),
        (b"POST /", b"a" * 8000),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X-A: " + b"a" * 8000 + b"\r\n"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5;", b"a" * 8000),
    ],
    ids=["headers", "one header", "target", "trailers", "chunk extension"],
)
def test_what_leads_nowhere_is_cut_off(port, start, piece):
    with connect(port) as connection:
        connection.sendall(start)
        assert send_for_ever(connection, piece) < 16 * 2**20
        until_closed(connection)
    with connect(port) as connection:  # the server goes on
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        assert b'{"alive":true}' in until_closed(connection)


def test_a_body_may_be_longer_than_that(port, wire, ask):
    body = b'{"CollectionId":"staff"}' + b" " * (4 * MOST_BARREN_BYTES)
    sent = wire.signed("DescribeCollection", body, host=f"127.0.0.1:{port}")
    head = b"".join(name + b": " + value + b"\r\n" for name, value in sent.headers)
    with connect(port) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\n" + head + b"Connection: close\r\n\r\n" + body)
        assert until_closed(connection).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("start", [b"", b"POST / HT", HEAD, HEAD + b"X-A: b\r\n"])
def test_a_head_that_does_not_come_is_given_up(make_app, listen, start):
    with connect(listen(make_app(), Hasty).port) as connection:
        connection.sendall(start)
        began = time.monotonic()
        assert until_closed(connection) == b""
        assert time.monotonic() - began < 15


def test_a_head_that_trickles_is_given_up(make_app, listen):
    with connect(listen(make_app(), Hasty).port) as connection:
        connection.sendall(HEAD)
        with pytest.raises(ConnectionError):
            for _ in range(200):
                connection.sendall(b"X-A: b\r\n")
                time.sleep(0.05)


def test_the_rest_of_a_refused_request_is_given_up(make_app, listen):
    with connect(listen(make_app(), Hasty).port) as connection:
        connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\nabc")
        assert b"UnknownOperationException" in connection.recv(65_536)
        connection.sendall(b"def")  # stops uvicorn's own timer
        until_closed(connection)


def test_a_refused_request_whose_rest_comes_leaves_the_connection_in_use(port):
    with connect(port) as connection:
        connection.sendall(HEAD + b"Content-Length: 6\r\n\r\nabc")
        first = connection.recv(65_536)
        assert b"UnknownOperationException" in first
        connection.sendall(b"def" + b"GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        assert b'{"alive":true}' in until_closed(connection)


@pytest.mark.parametrize(
    "raw",
    [
        b"\x00\x01\x02",
        b"GET\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: abc\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
        b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST / HTTP/1.1\r\nHost\r\n\r\n",
        b"POST / HTTP/9.9\r\n\r\n",
        b"POST http:// HTTP/1.1\r\nHost: h\r\n\r\n",
        b"POST /\xff HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\nUpgrade: websocket\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_bytes_that_are_no_request(port, raw):
    with connect(port) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        answer = until_closed(connection)
    assert not answer.startswith(b"HTTP/1.1 5")
    with connect(port) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        assert b'{"alive":true}' in until_closed(connection)


def test_calls_in_flight_are_answered_when_the_server_ends(make_app, listen, wire):
    running, release = threading.Event(), threading.Event()

    def wait(account, request, notes):
        running.set()
        assert release.wait(20)
        return {}

    app = make_app(handlers={"CreateCollection": wait})
    listening = listen(app)
    sent = wire.signed("CreateCollection", {"CollectionId": "a"}, host=f"127.0.0.1:{listening.port}")
    head = b"".join(name + b": " + value + b"\r\n" for name, value in sent.headers)
    with connect(listening.port) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\n" + head + b"\r\n" + sent.body)
        assert running.wait(20)
        listening.server.should_exit = True
        time.sleep(0.2)
        release.set()
        assert until_closed(connection).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("path", [b"/metrics", b"/nowhere"])
def test_requests_far_ahead_of_their_replies_are_refused(port, path):
    request = b"GET " + path + b" HTTP/1.1\r\nHost: candid\r\n\r\n"
    with connect(port) as connection:
        threading.Thread(target=_send_quietly, args=(connection, request * 20_000), daemon=True).start()
        got = until_closed(connection)
    assert got.count(b"HTTP/1.1 ") < 200
    with connect(port) as other:
        other.sendall(b"GET /healthz HTTP/1.1\r\nHost: candid\r\nConnection: close\r\n\r\n")
        assert b"200 OK" in until_closed(other)


def test_a_few_requests_ahead_are_answered_in_order(port):
    request = b"GET /healthz HTTP/1.1\r\nHost: candid\r\n\r\n"
    last = b"GET /nowhere HTTP/1.1\r\nHost: candid\r\nConnection: close\r\n\r\n"
    with connect(port) as connection:
        connection.sendall(request * 10 + last)
        got = until_closed(connection)
    assert (got.count(b"200 OK"), got.count(b"404 Not Found")) == (10, 1)


def _send_quietly(connection, data):
    with suppress(OSError):  # the server closes
        connection.sendall(data)
