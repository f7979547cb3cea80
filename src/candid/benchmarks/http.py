"""The same work over HTTP, by one client and by eight, beside the floor measured in turns with it."""

from __future__ import annotations

import http.client
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from candid.benchmarks.recognition import floors
from candid.benchmarks.timing import Timing, in_turns, summary
from candid.server.process import OwnServer
from candid.vision import Engine

COLLECTION = "bench"


class CallFailed(Exception):
    """The server answered a call of the benchmark with an error."""


@dataclass(frozen=True, slots=True)
class OverHttp:
    """One operation over HTTP.

    Attributes:
        operation: its name.
        alone: one client, one call after the other.
        floor_ms: forward passes and JPEG decoding, medians, in turns with it.
        ratio: median alone over the floor.
        together: eight clients at once.
        per_second: calls answered a second for eight clients.
    """

    operation: str
    alone: Timing
    floor_ms: float
    ratio: float
    together: Timing
    per_second: float


@dataclass(frozen=True, slots=True)
class Serving:
    """A server process: start, memory, and its operations."""

    start_seconds: float
    at_rest_mib: float | None
    after_mib: float | None
    operations: list[OverHttp]


class Caller:
    """One connection that sends one signed request again and again; it costs as little as a client can."""

    def __init__(self, ready: Mapping[str, Any], operation: str, members: Mapping[str, Any]) -> None:
        url = urlsplit(ready["url"])
        self._connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=120)
        self._body = orjson.dumps(members)
        headers = {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"RekognitionService.{operation}",
        }
        request = AWSRequest("POST", ready["url"] + "/", headers=headers, data=self._body)
        credentials = Credentials(ready["access_key_id"], ready["secret_access_key"])
        SigV4Auth(credentials, "rekognition", ready["region"]).add_auth(request)
        self._headers = dict(request.headers)

    def __call__(self) -> bytes:
        """Send it and read the reply.

        Raises:
            CallFailed: the reply is an error.
        """
        self._connection.request("POST", "/", self._body, self._headers)
        reply = self._connection.getresponse()
        body = reply.read()
        if reply.status != 200:
            raise CallFailed(f"the server answered {reply.status}: {body[:200].decode(errors='replace')}")
        return body


def measure_serving(server: OwnServer, engine: Engine, photograph: bytes, *, rounds: int) -> Serving:
    """DetectFaces and IndexFaces with one client and with eight.

    Args:
        server: a fresh server.
        engine: one in this process, for the floor.
        photograph: a JPEG with one face.
        rounds: timed rounds.
    """
    at_rest = server.resident_mib()
    Caller(server.ready, "CreateCollection", {"CollectionId": COLLECTION})()
    image = {"Bytes": b64encode(photograph).decode()}
    floor = floors(engine, photograph)
    asked: list[tuple[str, dict[str, Any], str]] = [
        ("DetectFaces", {"Image": image}, "detect passes"),
        ("IndexFaces", {"Image": image, "CollectionId": COLLECTION}, "index passes"),
    ]
    operations = []
    for operation, members, passes in asked:
        alone = in_turns(
            {
                "call": Caller(server.ready, operation, members),
                "passes": floor[passes],
                "decode": floor["decode"],
            },
            rounds=rounds,
            warm_up=10,
        )
        floor_ms = alone["passes"].p50_ms + alone["decode"].p50_ms
        crowd, per_second = together(
            lambda o=operation, m=members: Caller(server.ready, o, m),  # type: ignore[misc]
            clients=8,
            calls=max(5, rounds // 4),
        )
        operations.append(
            OverHttp(
                operation=operation,
                alone=alone["call"],
                floor_ms=round(floor_ms, 3),
                ratio=round(alone["call"].p50_ms / floor_ms, 3),
                together=crowd,
                per_second=per_second,
            )
        )
    return Serving(server.start_seconds, at_rest, server.resident_mib(), operations)


def together(connect: Callable[[], Caller], *, clients: int, calls: int) -> tuple[Timing, float]:
    """Several clients at once, each with its own connection: how long calls took, and how many a second.

    Raises:
        CallFailed: a call was answered with an error.
    """
    taken: list[float] = []
    failures: list[Exception] = []

    def client() -> None:
        caller = connect()
        try:
            for _ in range(calls):
                started = time.perf_counter()
                caller()
                taken.append(1000 * (time.perf_counter() - started))
        except (CallFailed, OSError) as error:
            failures.append(error)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - started
    if failures:
        raise CallFailed(str(failures[0]))
    return summary(taken), round(len(taken) / seconds, 2)
