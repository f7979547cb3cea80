"""An unmodified boto3 client whose requests go to the real application in this process, without a socket."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config as ClientConfig

from candid.config import Config
from candid.gallery import FaceBox, NewFace
from candid.governance import Access
from candid.operations.images import BucketFolders, ImageSource
from candid.operations.registry import offered
from candid.operations.rooms import Rooms
from candid.server.application import Application, face_models, open_application
from candid.server.data_folder import create_data_folder
from candid.server.recording import CallRecord
from candid.server.secrets import create_secrets
from candid.vision import ImageLimits, PixelRoom
from candid.wire import App, FixedCredentials
from candid.wire.binding import bind
from candid.wire.errors import to_refusal

REGION, ACCOUNT, OTHER_ACCOUNT = "us-east-1", "123456789012", "210987654321"
KEY, OTHER_KEY, SECRET = "CNDDAAAAAAAAAAAAAAAA", "CNDDBBBBBBBBBBBBBBBB", "not-a-secret"
KEYS = ((KEY, ACCOUNT), (OTHER_KEY, OTHER_ACCOUNT))


@dataclass(frozen=True)
class InProcess:
    """The application, the rooms behind it, and clients. A reply that does not fit the model is a 500.

    Calls are recorded, so one whose entry cannot stand in the log is a 500, too.
    """

    client: Any
    other: Any  # another customer's
    rooms: Rooms
    buckets: Path

    def enrol(self, collection: str, vectors: Any) -> list[str]:
        """Faces with these embeddings, past the models; their ids."""
        contract = self.rooms.models.default.id
        new = [
            NewFace(embedding=each, box=FaceBox(0.1, 0.1, 0.5, 0.5), confidence=99.0, image_id=IMAGE)
            for each in vectors
        ]
        return [
            face.face_id for face in self.rooms.gallery.faces.add(ACCOUNT, collection, new, contract=contract)
        ]


IMAGE = "00000000-0000-4000-8000-000000000000"


@contextmanager
def in_process(base: Path) -> Iterator[InProcess]:
    """Open everything under a folder while the block runs."""
    config = Config(key_file=str(base / "keys" / "master.key"))
    folder = create_data_folder(base / "data", config)
    with open_application(folder, create_secrets(folder), config) as application, _running_loop() as loop:
        rooms = _rooms(application, folder.buckets)
        customers = application.customers
        opened = {key: customers.open_customer(name="A", country="CH", account=account) for key, account in KEYS}
        operations = offered()
        app = App(
            handlers=bind(operations, rooms=rooms, region=REGION),
            meters={name: str(operation.bills) for name, operation in operations.items()},
            record=CallRecord(application.recorder, customers),
            to_refusal=to_refusal,
            credentials=FixedCredentials({key: Access(customer, SECRET) for key, customer in opened.items()}),
            region=REGION,
            workers=4,
            queue=256,
            strict_replies=True,
        )
        yield InProcess(_client(app, loop, KEY), _client(app, loop, OTHER_KEY), rooms, folder.buckets)
        asyncio.run_coroutine_threadsafe(app._pool.close(), loop).result()


def _rooms(application: Application, buckets: Path) -> Rooms:
    return Rooms(
        engine=application.engine,
        gallery=application.gallery,
        images=ImageSource(BucketFolders(buckets)),
        models=face_models(application.engine),
        limits=ImageLimits(),
        pixels=PixelRoom(200_000_000),
    )


@contextmanager
def _running_loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def _client(app: App, loop: asyncio.AbstractEventLoop, key: str) -> Any:
    client = boto3.client(
        "rekognition",
        endpoint_url="http://127.0.0.1:9000",
        region_name=REGION,
        aws_access_key_id=key,
        aws_secret_access_key=SECRET,
        config=ClientConfig(retries={"total_max_attempts": 1}),
    )

    def send(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        return asyncio.run_coroutine_threadsafe(_ask(app, request), loop).result()

    client.meta.events.register("before-send.rekognition", send)
    return client


async def _ask(app: App, request: AWSPreparedRequest) -> AWSResponse:
    body = request.body if isinstance(request.body, bytes) else str(request.body or "").encode()
    headers = {name.lower(): value for name, value in request.headers.items()}
    headers = {"host": "127.0.0.1:9000", "content-length": str(len(body))} | headers
    got: dict[str, Any] = {"body": b""}

    async def receive() -> Mapping[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def reply(message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            got["status"] = message["status"]
            got["headers"] = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            got["body"] += message["body"]

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "headers": [(name.encode(), _text(value)) for name, value in headers.items()],
    }
    await app(scope, receive, reply)
    return AWSResponse(request.url, got["status"], got["headers"], _Body(got["body"]))


def _text(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


@dataclass(frozen=True)
class _Body:
    """What botocore reads a response's bytes from."""

    whole: bytes

    def stream(self) -> Iterator[bytes]:
        yield self.whole
