"""uvicorn's HTTP connection, with limits that uvicorn does not set: pass `GuardedConnection` as `http=`.

- A request's head must be complete within twenty seconds of the connection, or of its own first byte.
- What still comes of a request that has been answered must be over within twenty seconds, too.
- No more than 64 KiB (and what one read brings) are taken in that bring neither a complete head nor a byte of
  a body: endless headers, endless trailers, endless chunk extensions.
- No more than sixteen requests are queued behind the one that is being answered.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

PATIENCE_SECONDS = 20.0
MOST_BARREN_BYTES = 64 * 1024
# Requests sent ahead of their replies. uvicorn queues all that one read brings, thousands of small ones, and answers
# nobody else until it has answered them.
MOST_AHEAD = 16


class TooManyAhead(Exception):
    """A client sends requests much faster than it takes replies; the parser stops, and the client gets a 400."""


class GuardedConnection(HttpToolsProtocol):
    """One connection."""

    patience = PATIENCE_SECONDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        self._barren = 0  # bytes since the last complete head, byte of a body, or end of a message
        self._within = False  # a message: its head is complete, its end has not come
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start waiting for the first head."""
        super().connection_made(transport)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, unless too much has come that leads nowhere."""
        if self.transport.is_closing():
            return
        self._barren += len(data)
        super().data_received(data)
        if self._barren > MOST_BARREN_BYTES + len(data) and not self.transport.is_closing():
            self.send_400_response("The request's headers are too long.")

    def on_message_begin(self) -> None:
        """A head begins."""
        if len(self.pipeline) >= MOST_AHEAD:
            raise TooManyAhead
        super().on_message_begin()
        self._start_timer()

    def on_headers_complete(self) -> None:
        """A head is complete."""
        self._barren = 0
        self._within = True
        self._stop_timer()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of a body came."""
        self._barren = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request is complete."""
        self._barren = 0
        self._within = False
        super().on_message_complete()
        if self.cycle.response_complete:  # answered before; uvicorn's own timer has been stopped since
            self._start_timer()

    def on_response_complete(self) -> None:
        """A reply is sent, perhaps before its request was complete."""
        super().on_response_complete()
        if self._within:
            self._start_timer()

    def _start_timer(self) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(self.patience, self._overdue)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _overdue(self) -> None:
        self._timer = None
        if not self.transport.is_closing():
            self.transport.close()
