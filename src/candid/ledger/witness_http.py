"""The small HTTP server of a witness: `POST /add-checkpoint` and `GET /<origin hash>/checkpoint`."""

from __future__ import annotations

import logging
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from candid.ledger.encoding import decode_decimal
from candid.ledger.errors import FormatError
from candid.ledger.witness import MAX_REQUEST, SIZE_TYPE, Witness, WitnessRefusal

_LOGGER = logging.getLogger(__name__)
_TEXT = "text/plain; charset=utf-8"


class WitnessServer(ThreadingHTTPServer):
    """Serves one witness; `serve_forever()` and `shutdown()` as of any server of the standard library."""

    daemon_threads = True

    def __init__(self, witness: Witness, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; port 0 takes a free one."""
        self.witness = witness
        super().__init__((host, port), _Handler)

    @property
    def url(self) -> str:
        """The submission and monitoring prefix."""
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"


class _Handler(BaseHTTPRequestHandler):
    server: WitnessServer
    protocol_version = "HTTP/1.1"
    timeout = 30  # seconds that a client may take for anything

    def do_POST(self) -> None:
        """Answer add-checkpoint."""
        if self.path != "/add-checkpoint":
            self._answer(404, b"unknown path\n", close=True)
            return
        try:
            length = decode_decimal(self.headers.get("Content-Length", "").encode(), "the length")
        except FormatError:
            self._answer(411, b"a Content-Length is needed\n", close=True)
            return
        if length > MAX_REQUEST:
            self._answer(413, b"the request is too large\n", close=True)
            return
        try:
            self._answer(200, self.server.witness.add_checkpoint(self.rfile.read(length)))
        except WitnessRefusal as refusal:
            if refusal.size is None:
                self._answer(refusal.status, f"{refusal}\n".encode())
            else:
                self._answer(refusal.status, b"%d\n" % refusal.size, content_type=SIZE_TYPE)

    def do_GET(self) -> None:
        """Answer the newest cosigned checkpoint of a log."""
        origin_hash, _, rest = self.path.removeprefix("/").partition("/")
        latest = self.server.witness.latest(origin_hash) if rest == "checkpoint" else None
        if latest is None:
            self._answer(404, b"nothing was cosigned here under this name\n")
        else:
            self._answer(200, latest)

    def _answer(self, status: int, body: bytes, *, content_type: str = _TEXT, close: bool = False) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        if close:  # the request's body was not read, so the connection cannot go on
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Log through logging instead of to standard error."""
        _LOGGER.debug(format, *args)
