"""More than ten thousand requests that nobody should send: never a 500, never a crash."""

from __future__ import annotations

import base64
import json
import socket

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.slow

BODIES, MEMBERS, HEADS, PATHS, RAW = 6000, 4000, 2500, 300, 600


def fuzz(examples: int) -> settings:
    return settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="session")
def everything(make_app, wire):
    """An application that offers every operation of the model, and answers each with nothing."""
    return make_app(handlers=dict.fromkeys(wire.MODEL.operations, lambda account, request, notes: {}))


def check(reply):
    assert reply.status < 500, reply.json
    document = reply.json
    assert isinstance(document, dict)
    if reply.status != 200:
        assert "message" in document
        assert len(reply.body) < 8192, "an error repeats nothing long"


NASTY = st.sampled_from(
    [
        b"",
        b"\x00",
        b"{",
        b"[" * 200_000,
        b'{"a":' * 200_000,
        b'{"Image":' * 900 + b"1" + b"}" * 900,
        b'{"Image":' + b"[" * 1000 + b"]" * 1000 + b"}",
        b'{"MaxResults":NaN}',
        b'{"MaxResults":-Infinity}',
        b'{"MaxResults":1e999}',
        b'{"MaxResults":1E400}',
        b'{"MaxResults":' + b"9" * 5000 + b"}",
        b'{"MaxResults":-9223372036854775809}',
        b'{"MaxResults":18446744073709551616}',
        b'{"CollectionId":"\\ud800"}',
        b'{"CollectionId":"\\udc00\\ud800"}',
        b'{"CollectionId":"\xed\xa0\x80"}',
        b'{"CollectionId":"\xc0\xaf"}',
        b'{"CollectionId":"\\u0000"}',
        b'{"CollectionId":"a","CollectionId":1}',
        b'{"Image":{"Bytes":"===="}}',
        b'{"Image":{"Bytes":"AAA"}}',
        b'{"Image":{"Bytes":"\\u0041A=="}}',
        b"\xef\xbb\xbf{}",
        "{}".encode("utf-16"),
        b"{}" + b" " * 100_000,
        b'{"' + b"a" * 100_000 + b'":1}',
        b'{"CollectionId":"' + b"a" * 500_000 + b'"}',
        b'{"CollectionId":"' + b"-" * 100_000 + b'!"}',
        json.dumps({"Tags": {str(n): "x" for n in range(20_000)}}).encode(),
        json.dumps({"CollectionId": "a", "FaceIds": ["x"] * 50_000}).encode(),
        json.dumps({"Image": {"Bytes": base64.b64encode(bytes(5 * 2**20 + 1)).decode()}}).encode(),
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from([2**31, -(2**31) - 1, 2**63, 2**64, 10**400, "", "a" * 5000, "\x00", "AAAA", "A==="])
)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4))


def mutated(data, raw: bytes) -> bytes:
    """The bytes with a few of them replaced, removed, doubled or put in."""
    changed = bytearray(raw)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(changed)))
        piece = data.draw(st.binary(max_size=6))
        changed[at : at + data.draw(st.integers(0, 6))] = piece
    return bytes(changed)


@fuzz(BODIES)
@given(st.data())
def test_any_body(ask, everything, wire, data):
    operation = data.draw(st.sampled_from(sorted(wire.MODEL.operations)))
    kind = data.draw(st.sampled_from(["binary", "json", "nasty", "mutated"]))
    if kind == "binary":
        body = data.draw(st.binary(max_size=300))
    elif kind == "json":
        body = json.dumps(data.draw(JSON)).encode()
    elif kind == "nasty":
        body = data.draw(NASTY)
    else:
        valid = {"CollectionId": "a", "Image": {"Bytes": "YWJj"}, "MaxResults": 5, "Tags": {"a": "b"}}
        body = mutated(data, json.dumps(valid).encode())
    check(ask(wire.signed(operation, body), everything))


def fuzzed(shape, shapes, depth=0):
    """Values of a shape's own form, with something else now and then in any place."""
    if depth > 6:
        return SCALARS
    if shape.kind == "structure":
        members = {name: fuzzed(shapes[member], shapes, depth + 1) for name, member in shape.members.items()}
        own = st.fixed_dictionaries({}, optional=members)
    elif shape.kind == "list":
        own = st.lists(fuzzed(shapes[shape.member], shapes, depth + 1), max_size=4)
    elif shape.kind == "map":
        own = st.dictionaries(st.text(), fuzzed(shapes[shape.value], shapes, depth + 1), max_size=4)
    elif shape.kind == "string":
        own = st.sampled_from(shape.enum) if shape.enum else st.text() | st.just("arn:aws:rekognition:a:1:b/c")
    elif shape.kind == "blob":
        own = st.binary(max_size=30).map(lambda blob: base64.b64encode(blob).decode())
    else:
        own = SCALARS
    return st.one_of(own, own, own, own, SCALARS)


@fuzz(MEMBERS)
@given(st.data())
def test_any_member(ask, everything, wire, data):
    operation = wire.MODEL.operations[data.draw(st.sampled_from(sorted(wire.MODEL.operations)))]
    request = data.draw(fuzzed(operation.input, wire.MODEL.shapes))
    check(ask(wire.signed(operation.name, json.dumps(request).encode()), everything))


NAMES = st.sampled_from(
    [
        *(b"authorization", b"host", b"x-amz-date", b"x-amz-target", b"content-type", b"content-length"),
        *(b"x-amz-security-token", b"x-amz-content-sha256", b"content-encoding", b"transfer-encoding"),
        *(b"x-amz-meta", b"date", b"expect", b"cookie", b"x-forwarded-for"),
    ]
) | st.binary(min_size=1, max_size=12)
VALUES = st.binary(max_size=60) | st.sampled_from(
    [b"AWS4-HMAC-SHA256 Credential=,SignedHeaders=,Signature=", b"99999999T999999Z", b"-1", b"1e9", b"\xff" * 40]
)


@fuzz(HEADS)
@given(st.data())
def test_any_head(ask, everything, wire, data):
    sent = wire.signed("ListFaces", {"CollectionId": "a"})
    headers = list(sent.headers)
    for name, value in data.draw(st.lists(st.tuples(NAMES, VALUES), max_size=4)):
        if data.draw(st.booleans()):
            headers = [(n, v) for n, v in headers if n != name]
        headers.insert(data.draw(st.integers(0, len(headers))), (name, value))
    if data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(headers) - 1))
        headers[at] = (headers[at][0], mutated(data, headers[at][1]))
    if data.draw(st.integers(0, 20)) == 0:
        headers *= data.draw(st.integers(2, 400))
    query = data.draw(st.just(b"") | st.binary(max_size=40))
    check(ask(wire.Sent(headers=headers, query=query, body=sent.body), everything))


@fuzz(PATHS)
@given(method=st.text(max_size=8), path=st.text(max_size=12).map("/".__add__), query=st.binary(max_size=20))
@example(method="POST", path="/", query=b"X-Amz-Signature=a")
def test_any_path(ask, everything, wire, method, path, query):
    check(ask(wire.Sent(method, path, query), everything))


def answer(port: int, raw: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        got = b""
        try:
            connection.sendall(raw)
            connection.shutdown(socket.SHUT_WR)
            while chunk := connection.recv(65_536):
                got += chunk
        except ConnectionError:
            pass
    return got


def test_any_bytes_on_a_real_socket(everything, listen, wire):
    port = listen(everything).port

    @fuzz(RAW)
    @given(st.data())
    def run(data):
        sent = wire.signed("ListFaces", {"CollectionId": "a"}, host=f"127.0.0.1:{port}")
        headers = [pair for pair in sent.headers if pair[0] != b"content-length"]
        framing = data.draw(
            st.sampled_from(
                [
                    b"content-length: %d" % len(sent.body),
                    b"content-length: %d" % (len(sent.body) - 1),
                    b"content-length: %d" % (len(sent.body) + 1),
                    b"content-length: -1",
                    b"content-length: 99999999999999999999",
                    b"transfer-encoding: chunked",
                    b"transfer-encoding: chunked\r\ncontent-length: 5",
                    b"transfer-encoding: gzip",
                ]
            )
        )
        body = sent.body
        if b"chunked" in framing:
            size = data.draw(st.integers(1, 9))
            parts = [body[at : at + size] for at in range(0, len(body), size)]
            body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
        lines = [name + b": " + value for name, value in headers]
        raw = b"POST / HTTP/1.1\r\n" + b"\r\n".join([*lines, framing, b"connection: close"]) + b"\r\n\r\n" + body
        if data.draw(st.booleans()):
            raw = mutated(data, raw)
        got = answer(port, raw)
        assert not got.startswith(b"HTTP/1.1 5"), got

    run()
    request = b"GET /readyz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(request)
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_nothing_is_held_afterwards(ask, everything, wire):
    text = ask(wire.Sent("GET", "/metrics"), everything).body.decode()
    assert "candid_bodies_held_bytes 0" in text.splitlines()
    assert "candid_requests_in_flight 0" in text.splitlines()
    assert 'result="InternalServerError"' not in text
