"""Reading a request's body: never more than its operation can need, never longer than it may take."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from candid.wire.model import ModelledOperation
from candid.wire.refusals import Refusal, body_too_large, image_too_large, throttled, too_slow

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

# Up to this length a body that is refused is still taken in and thrown away, so that the client reads why;
# past it the connection is closed.
_SWALLOWED = 64 * 1024 * 1024
_IMAGE_BYTES = 5 * 1024 * 1024


class Disconnected(Exception):
    """The client went away before its request was complete."""


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """How bodies are read.

    Attributes:
        idle: seconds without a byte after which a request is given up.
        total: seconds that a body may take.
        held: bytes that the bodies of all calls may have together, until each is answered.
    """

    idle: float = 10.0
    total: float = 120.0
    held: int = 256 * 1024 * 1024


class BodyReader:
    """Reads bodies on one event loop, and knows how much it holds."""

    def __init__(self, limits: BodyLimits) -> None:
        self._limits = limits
        self._held = 0  # touched by the event loop only

    @property
    def held(self) -> int:
        """Bytes of bodies of calls that are not answered yet."""
        return self._held

    @asynccontextmanager
    async def read(self, receive: Receive, operation: ModelledOperation, declared: int | None) -> AsyncIterator[bytes]:
        """The whole body; it counts as held until the block ends.

        Args:
            receive: of ASGI.
            operation: whose limit holds.
            declared: what Content-Length says; None where it says nothing.

        Raises:
            Refusal: the body is too long, too slow, or the server holds too many.
            Disconnected: the client went away.
        """
        limit = operation.body_limit
        if declared is not None and declared > limit:
            raise _too_large(operation, close=declared > _SWALLOWED)
        chunks: list[bytes] = []
        size = 0
        deadline = asyncio.get_running_loop().time() + self._limits.total
        try:
            more = True
            while more:
                message = await self._next(receive, deadline)
                chunk: bytes = message.get("body", b"")
                size += len(chunk)
                self._held += len(chunk)
                if size > limit:
                    raise _too_large(operation, close=declared is None)
                if self._held > self._limits.held:
                    raise throttled()
                chunks.append(chunk)
                more = message.get("more_body", False)
            body = b"".join(chunks)
            chunks.clear()
            yield body
        finally:
            self._held -= size

    async def _next(self, receive: Receive, deadline: float) -> MutableMapping[str, Any]:
        now = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(min(deadline, now + self._limits.idle)):
                message = await receive()
        except TimeoutError:
            raise too_slow() from None
        if message["type"] == "http.disconnect":
            raise Disconnected
        return message


def _too_large(operation: ModelledOperation, *, close: bool) -> Refusal:
    """A body that long can only hold an image that is too large, where the operation takes one."""
    if operation.images:
        refusal = image_too_large(_IMAGE_BYTES)
        refusal.close = close
        return refusal
    return body_too_large(operation.body_limit, close=close)
