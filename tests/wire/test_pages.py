from __future__ import annotations

import json
import threading

import pytest

from candid.wire import App, pages


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/healthz", 200),
        ("HEAD", "/healthz", 200),
        ("GET", "/readyz", 200),
        ("GET", "/metrics", 200),
        ("POST", "/healthz", 405),
        ("GET", "/", 404),
        ("PUT", "/", 404),
        ("OPTIONS", "/", 404),
        ("POST", "/healthz/", 404),
        ("GET", "/favicon.ico", 404),
        ("POST", "//", 404),
        ("GET", "/log/checkpoint", 404),  # of an application without a log
        ("POST", "/log/checkpoint", 404),
    ],
)
def test_pages(ask, wire, method, path, status):
    reply = ask(wire.Sent(method, path))
    assert reply.status == status
    assert (reply.body == b"") is (method == "HEAD")


def fails():
    raise RuntimeError("Jane Personal")


@pytest.mark.parametrize(
    ("checks", "status", "said"),
    [
        ({}, 200, {}),
        ({"gallery": lambda: None}, 200, {"gallery": "ok"}),
        (
            {"gallery": lambda: None, "models": lambda: "two models are missing"},
            503,
            {"gallery": "ok", "models": "two models are missing"},
        ),
        ({"storage": fails}, 503, {"storage": "the check failed: RuntimeError"}),
    ],
)
def test_readiness(make_app, ask, wire, checks, status, said):
    reply = ask(wire.Sent("GET", "/readyz"), make_app(checks=checks))
    assert reply.status == status
    assert reply.json == {"ready": status == 200, "checks": said}


def test_a_server_that_shuts_down_is_not_ready(make_app, ask, loop, wire):
    app: App = make_app()
    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    sent = []

    async def receive():
        return next(messages)

    async def send(message):
        sent.append(message["type"])

    loop.run_until_complete(app({"type": "lifespan"}, receive, send))
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    reply = ask(wire.Sent("GET", "/readyz"), app)
    assert (reply.status, reply.json["checks"]) == (503, {"server": "it is shutting down"})


def test_a_check_that_does_not_answer(loop):
    released = threading.Event()
    checks = {"storage": lambda: released.wait(20) and None}
    page = loop.run_until_complete(pages.readiness(checks, closing=False, patience=0.05))
    released.set()
    assert page.status == 503
    assert json.loads(page.body)["checks"] == {"storage": "no answer within 0.05 s"}


def test_a_websocket_is_closed(app, loop):
    sent = []

    async def send(message):
        sent.append(message["type"])

    loop.run_until_complete(app({"type": "websocket", "path": "/"}, None, send))
    assert sent == ["websocket.close"]
