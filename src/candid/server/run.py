"""Runs the ASGI application with uvicorn: own socket, ready file, clean end on SIGTERM."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from candid.wire.connection import GuardedConnection

# Seconds that calls in flight may still take once SIGTERM has come.
GRACE_SECONDS = 30
# A client that sends its request this slowly is not served: seconds between two requests on a connection.
KEEP_ALIVE_SECONDS = 75


class _Server(uvicorn.Server):
    """A server that leaves signals to `serve`.

    uvicorn's own handling raises the signal again once it has ended, which would end the process before the
    gallery and the log are closed, and with the exit code of a failure.
    """

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class ListenError(Exception):
    """The address cannot be listened on; the message says which and why."""


def bind(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        ListenError: the port is taken, or the address is not one of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=1024, reuse_port=False)
    except OSError as error:
        raise ListenError(
            f"cannot listen on {host}:{port}: {error.strerror}; choose another --port"
        ) from error
    listener.setblocking(False)
    return listener


def url_of(listener: socket.socket) -> str:
    """The URL that clients on this machine use."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(app: Any, listener: socket.socket, *, ready: Callable[[], None]) -> None:  # noqa: ANN401
    """Serve until SIGTERM or SIGINT; calls in flight are answered.

    Args:
        app: the ASGI application.
        listener: from `bind`.
        ready: called once, when connections are accepted. What it raises ends the server and is raised here.
    """
    config = uvicorn.Config(
        app,
        http=GuardedConnection,
        loop="auto",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = _Server(config)

    def stop() -> None:
        server.force_exit = server.should_exit  # the second signal does not wait for calls in flight
        server.should_exit = True

    async def main() -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started and not serving.done():
            await asyncio.sleep(0.005)
        try:
            if server.started:
                ready()
        finally:
            # Ended in order also where `ready` raises; then at once.
            server.should_exit = server.should_exit or sys.exception() is not None
            await serving

    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(main())
