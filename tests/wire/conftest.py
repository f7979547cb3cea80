"""An application with real handlers, asked in process or over a socket, and requests signed by botocore."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials

from candid.governance import Access, Category, Customer, Status
from candid.operations.notes import Notes
from candid.server.run import bind, url_of
from candid.wire import App, FixedCredentials, Refusal, load_model
from candid.wire.connection import GuardedConnection

REGION = "us-east-1"
KEY, SECRET = "CNDDAAAAAAAAAAAAAAAA", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
CLOSED_KEY = "CNDDCLOSEDCLOSEDCLOS"
CUSTOMER = Customer("cus-a", "123456789012", "Jane Personal", "CH", Category.OTHER, Status.UNSCREENED, 0.0)
CLOSED = Customer("cus-b", "210987654321", "Joe Personal", "CH", Category.OTHER, Status.CLOSED, 0.0)
CREDENTIALS = FixedCredentials({KEY: Access(CUSTOMER, SECRET), CLOSED_KEY: Access(CLOSED, SECRET)})

MODEL = load_model()


class RoomError(Exception):
    """An error of a room, which the table below knows."""


def to_refusal(error: Exception) -> Refusal | None:
    return Refusal("ResourceNotFoundException", str(error)) if isinstance(error, RoomError) else None


def describe_collection(account: str, request: Mapping[str, Any], notes: Notes) -> dict[str, Any]:
    name = request["CollectionId"]
    if name == "missing":
        raise RoomError(f"The collection id: {name} does not exist")
    if name == "bug":
        raise KeyError("Jane Personal")
    return {
        "FaceCount": 3,
        "FaceModelVersion": "7.0",
        "CollectionARN": f"arn:aws:rekognition:{REGION}:{account}:collection/{name}",
        "CreationTimestamp": 1_800_000_000.25,
        "UserCount": None,
    }


def detect_faces(account: str, request: Mapping[str, Any], notes: Notes) -> dict[str, Any]:
    size = len(request["Image"].get("Bytes", b""))
    return {"FaceDetails": [{"Confidence": 99.5, "AgeRange": {"Low": 1, "High": size}}]}


def nothing(account: str, request: Mapping[str, Any], notes: Notes) -> dict[str, Any]:
    return {}


HANDLERS = {
    "DescribeCollection": describe_collection,
    "DetectFaces": detect_faces,
    "CompareFaces": nothing,
    "IndexFaces": nothing,
    "CreateCollection": nothing,
    "DeleteFaces": nothing,
    "ListFaces": nothing,
    "SearchFaces": nothing,
    "TagResource": nothing,
}


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        """The error's name, said alike in the three places where SDKs look."""
        names = {self.json["__type"], self.json["Code"], self.headers["x-amzn-errortype"]}
        assert len(names) == 1
        assert self.json["message"] == self.json["Message"]
        return names.pop()


@dataclass(frozen=True)
class Sent:
    """A request as it goes over the wire."""

    method: str = "POST"
    path: str = "/"
    query: bytes = b""
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""


def signed(
    operation: str,
    body: bytes | Mapping[str, Any] = b"{}",
    *,
    key: str = KEY,
    secret: str = SECRET,
    region: str = REGION,
    service: str = "rekognition",
    headers: Mapping[str, str] | None = None,
    host: str = "127.0.0.1:9000",
) -> Sent:
    """A request for an operation, signed by botocore's own signer."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    all_headers = {
        "Host": host,
        "X-Amz-Target": f"RekognitionService.{operation}",
        "Content-Type": "application/x-amz-json-1.1",
        **(headers or {}),
    }
    request = AWSRequest("POST", f"http://{host}/", headers=all_headers, data=raw)
    SigV4Auth(BotoCredentials(key, secret), service, region).add_auth(request)
    sent = [(name.lower().encode(), str(value).encode("latin-1")) for name, value in request.headers.items()]
    return Sent(headers=[*sent, (b"content-length", str(len(raw)).encode())], body=raw)


def with_header(sent: Sent, name: bytes, *values: bytes) -> Sent:
    """The request with these values of a header, or without it."""
    kept = [(n, v) for n, v in sent.headers if n != name]
    return Sent(sent.method, sent.path, sent.query, [*kept, *((name, value) for value in values)], sent.body)


async def ask_async(app: App, sent: Sent, *, chunk: int = 65_536) -> Reply:
    """One request to the application, without a socket."""
    parts = [sent.body[at : at + chunk] for at in range(0, len(sent.body), chunk)] or [b""]
    messages = iter(
        {"type": "http.request", "body": part, "more_body": at < len(parts)} for at, part in enumerate(parts, 1)
    )
    got: dict[str, Any] = {"body": b""}

    async def receive() -> dict[str, Any]:
        return next(messages)

    async def send(message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            got["status"], got["headers"] = message["status"], message["headers"]
        else:
            got["body"] += message["body"]

    scope = {
        "type": "http",
        "method": sent.method,
        "path": sent.path,
        "raw_path": sent.path.encode(),
        "query_string": sent.query,
        "headers": sent.headers,
    }
    await app(scope, receive, send)
    headers = {name.decode(): value.decode() for name, value in got["headers"]}
    assert int(headers["content-length"]) == len(got["body"]) or sent.method == "HEAD"
    return Reply(got["status"], headers, got["body"])


@pytest.fixture(scope="session")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    running = asyncio.new_event_loop()
    yield running
    running.run_until_complete(running.shutdown_default_executor())
    running.close()


@pytest.fixture(scope="session")
def make_app(loop: asyncio.AbstractEventLoop) -> Iterator[Callable[..., App]]:
    made: list[App] = []

    def make(**settings: Any) -> App:
        defaults = {"handlers": HANDLERS, "to_refusal": to_refusal, "credentials": CREDENTIALS}
        defaults |= {"region": REGION, "workers": 2, "model": MODEL, "strict_replies": True}
        made.append(App(**defaults | settings))
        return made[-1]

    yield make
    for app in made:
        loop.run_until_complete(app._pool.close())


@pytest.fixture(scope="session")
def app(make_app: Callable[..., App]) -> App:
    return make_app()


@pytest.fixture(scope="session")
def ask(app: App, loop: asyncio.AbstractEventLoop) -> Callable[..., Reply]:
    return lambda sent, to=app: loop.run_until_complete(ask_async(to, sent))


class Wire(SimpleNamespace):
    """What tests write requests with."""

    def __repr__(self) -> str:
        return "wire"  # Hypothesis prints it with every failing example


@pytest.fixture(scope="session")
def wire() -> Wire:
    return Wire(
        KEY=KEY,
        SECRET=SECRET,
        CLOSED_KEY=CLOSED_KEY,
        REGION=REGION,
        CUSTOMER=CUSTOMER,
        MODEL=MODEL,
        HANDLERS=HANDLERS,
        HANDLED=to_refusal,
        Sent=Sent,
        signed=signed,
        with_header=with_header,
        ask_async=ask_async,
    )


@dataclass(frozen=True)
class Listening:
    url: str
    port: int
    server: uvicorn.Server


def _listening() -> Iterator[Callable[..., Listening]]:
    running: list[tuple[uvicorn.Server, threading.Thread]] = []

    def start(app: App, connection: type[GuardedConnection] = GuardedConnection) -> Listening:
        listener = bind("127.0.0.1", 0)
        config = uvicorn.Config(app, http=connection, log_config=None, access_log=False, server_header=False)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
        thread.start()
        while not server.started:
            time.sleep(0.005)
        running.append((server, thread))
        return Listening(url_of(listener), listener.getsockname()[1], server)

    yield start
    for server, thread in running:
        server.should_exit = True
        thread.join(timeout=20)
        assert not thread.is_alive()


@pytest.fixture
def listen() -> Iterator[Callable[..., Listening]]:
    """Serve an application on a real socket, as `candid serve` does."""
    yield from _listening()


@pytest.fixture(scope="module")
def listen_module() -> Iterator[Callable[..., Listening]]:
    """The same for all tests of a module."""
    yield from _listening()
