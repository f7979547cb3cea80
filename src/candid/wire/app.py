"""The ASGI application: calls on `POST /`, three pages, the log's public files, and nothing else.

No CORS headers, ever.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from candid.governance import decide
from candid.wire import access_log, pages
from candid.wire.body import BodyLimits, BodyReader, Disconnected, Receive
from candid.wire.calls import Admit, Calls, Decide, Handler, Outcome, Record, ToRefusal
from candid.wire.canonical import header_values
from candid.wire.credentials import Credentials
from candid.wire.metrics import CONTENT_TYPE as METRICS_TYPE
from candid.wire.metrics import Metrics, Sample
from candid.wire.model import ServiceModel, load_model
from candid.wire.pool import Pool
from candid.wire.refusals import Refusal
from candid.wire.replies import ReplyWriter
from candid.wire.routing import CONTENT_TYPE, check_head, declared_length, route
from candid.wire.sigv4 import Request, Verifier
from candid.wire.underway import Underway

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


@dataclass(slots=True)
class _Call:
    """What is found out about one call while it is handled; one task's own."""

    request_id: str
    started: float
    operation: str = "unknown"
    received: int = 0
    outcome: Outcome = field(default_factory=Outcome)


class App:
    """The server of one region. Used from one event loop."""

    def __init__(
        self,
        *,
        handlers: Mapping[str, Handler],
        to_refusal: ToRefusal,
        credentials: Credentials,
        region: str,
        decide: Decide = decide,
        meters: Mapping[str, str] | None = None,
        record: Record | None = None,
        admit: Admit = lambda _customer, _meter: nullcontext(),
        underway: Underway | None = None,
        log: Path | None = None,
        workers: int = 16,
        queue: int = 64,
        checks: Mapping[str, pages.Check] | None = None,
        samples: Callable[[], Iterable[Sample]] = tuple,
        body_limits: BodyLimits | None = None,
        model: ServiceModel | None = None,
        strict_replies: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Put the application together.

        Args:
            handlers: the offered operations by name, from `candid.wire.binding.bind`.
            to_refusal: what rooms' errors are for a client, from `candid.wire.errors`.
            credentials: where access keys are looked up.
            region: the region that calls must be signed for.
            decide: says whether a call may happen.
            meters: what each operation is billed as.
            record: puts every decided call into the log; None, for benchmarks and tests of this room, into none.
            admit: holds calls to their customers' quotas.
            underway: counts calls that are under way.
            log: folder of the log's public files, served under `/log/`; None serves none.
            workers: calls handled at once.
            queue: calls that may wait.
            checks: what `/readyz` asks, by name.
            samples: other rooms' metrics, asked on the event loop: must be quick.
            body_limits: how bodies are read.
            model: the service model; None reads the installed one.
            strict_replies: make a reply that does not fit the model an error; for tests.
            clock: seconds since the epoch.

        Raises:
            ModelError: the installed service model cannot be read.
            ValueError: a handler answers to no operation of the model.
        """
        self._model = load_model() if model is None else model
        unknown = sorted(set(handlers) - set(self._model.operations))
        if unknown:
            raise ValueError(f"not operations of Amazon Rekognition: {', '.join(unknown)}")
        self._verifier = Verifier(credentials, region=region, clock=clock)
        writer = ReplyWriter(self._model, strict=strict_replies)
        self._calls = Calls(
            model=self._model,
            verifier=self._verifier,
            credentials=credentials,
            decide=decide,
            handlers=handlers,
            to_refusal=to_refusal,
            writer=writer,
            meters=dict(meters or {}),
            record=record,
            admit=admit,
            underway=Underway() if underway is None else underway,
            clock=clock,
        )
        self._log = log
        self._pool = Pool(workers=workers, queue=queue)
        self._bodies = BodyReader(BodyLimits() if body_limits is None else body_limits)
        self._checks = dict(checks or {})
        self._samples = samples
        self._metrics = Metrics()
        self._clock = clock
        self._closing = False

    def finish(self) -> None:
        """Take no more calls, and wait for those under way, also where nobody waits for their answers any more.

        After a second signal the event loop has ended before; what a call has begun is still done and recorded.
        """
        self._pool.finish()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection's request, or the server's start and end."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
        elif scope["path"] == "/" and scope["method"] == "POST":
            await self._call(scope, receive, send)
        else:
            await self._page(scope, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while (message := await receive())["type"] != "lifespan.shutdown":
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
        self._closing = True
        await self._pool.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _call(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = _Call(str(uuid.uuid4()), time.perf_counter())
        try:
            call.outcome = await self._outcome(call, scope, receive)
        except Refusal as refusal:
            call.outcome = Outcome(refusal=refusal)
        except Disconnected:
            call.outcome = Outcome(refusal=Refusal("ClientDisconnected", "", status=499))
        except Exception as error:  # noqa: BLE001 - such as credentials that cannot be read
            call.outcome = Outcome(refusal=self._calls.refusal_of(error, call.request_id))
        status, body = await self._answer(call, send)
        self._note(call, status, len(body))

    async def _outcome(self, call: _Call, scope: Scope, receive: Receive) -> Outcome:
        # A copy: the server may still append trailers to its list.
        headers = tuple(scope["headers"])
        check_head(headers)
        values = header_values(headers)
        operation = route(self._model, self._calls.handlers, values)
        call.operation = operation.name
        raw_path = scope.get("raw_path") or b"/"
        claim = self._verifier.claim(Request("POST", raw_path, scope["query_string"], headers))
        async with self._bodies.read(receive, operation, declared_length(values)) as body:
            call.received = len(body)
            return await self._pool.run(lambda: self._calls.handle(operation, claim, body, call.request_id))

    async def _answer(self, call: _Call, send: Send) -> tuple[int, bytes]:
        refusal = call.outcome.refusal
        headers = [
            (b"x-amzn-requestid", call.request_id.encode()),
            (b"content-type", CONTENT_TYPE.encode()),
        ]
        if call.outcome.receipt:
            headers.append((b"x-candid-receipt", call.outcome.receipt.encode()))
        if refusal is None:
            status, body = 200, call.outcome.body
        else:
            status, body = refusal.status, error_body(refusal)
            headers.append((b"x-amzn-errortype", refusal.name.encode()))
            if refusal.close:
                headers.append((b"connection", b"close"))
        await _send(send, status, headers, body)
        return status, body

    def _note(self, call: _Call, status: int, sent: int) -> None:
        seconds = time.perf_counter() - call.started
        outcome = call.outcome
        error = None if outcome.refusal is None else outcome.refusal.name
        account = None if outcome.customer is None else outcome.customer.account
        self._metrics.observe(operation=call.operation, result=error or "ok", seconds=seconds, received=call.received)
        access_log.write(
            access_log.Line(
                time=self._clock(),
                request_id=call.request_id,
                operation=call.operation,
                account=account,
                status=status,
                error=error,
                ms=1000 * seconds,
                bytes_in=call.received,
                bytes_out=sent,
            )
        )

    async def _page(self, scope: Scope, send: Send) -> None:
        page = await self._page_at(scope["path"], scope["method"])
        headers = [(b"content-type", page.content_type.encode()), (b"cache-control", page.cache_control.encode())]
        await _send(send, page.status, headers, page.body, head=scope["method"] == "HEAD")

    async def _page_at(self, path: str, method: str) -> pages.Page:
        log = self._log if path.startswith(pages.LOG) else None
        if log is None and path not in {"/healthz", "/readyz", "/metrics"}:
            return pages.json_page(404, {"message": "There is nothing here. Calls go to POST /."})
        if method not in {"GET", "HEAD"}:
            return pages.json_page(405, {"message": "This page is only read."})
        if log is not None:
            return await pages.log_file(log, path)
        if path == "/healthz":
            return pages.json_page(200, {"alive": True})
        if path == "/readyz":
            return await pages.readiness(self._checks, closing=self._closing)
        own = (
            Sample("candid_requests_in_flight", "gauge", "Calls being handled.", self._pool.in_flight),
            Sample("candid_requests_waiting", "gauge", "Calls waiting for a worker.", self._pool.waiting),
            Sample("candid_bodies_held_bytes", "gauge", "Bytes of bodies not answered yet.", self._bodies.held),
        )
        return pages.Page(200, METRICS_TYPE, self._metrics.render((*own, *self._samples())))


def error_body(refusal: Refusal) -> bytes:
    """The body of an error; SDKs look for the message under either spelling."""
    return orjson.dumps(
        {
            "__type": refusal.name,
            "Code": refusal.name,
            "Message": refusal.message,
            "message": refusal.message,
        }
    )


async def _send(
    send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes, *, head: bool = False
) -> None:
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else body})
