from __future__ import annotations

import asyncio
import json
import logging
import threading

import pytest

from candid.wire import BodyLimits


def test_a_body_longer_than_its_operation_can_need(ask, wire):
    long = b'{"CollectionId":"' + b"a" * wire.MODEL.operations["DescribeCollection"].body_limit + b'"}'
    reply = ask(wire.signed("DescribeCollection", long))
    assert (reply.status, reply.error) == (413, "RequestEntityTooLargeException")
    assert "connection" not in reply.headers, "the rest is swallowed, so that the client reads the reply"
    chunked = wire.with_header(wire.signed("DescribeCollection", long), b"content-length")
    assert ask(chunked).headers["connection"] == "close"


def test_a_body_that_only_a_too_large_image_can_have(ask, wire):
    limit = wire.MODEL.operations["DetectFaces"].body_limit
    assert ask(wire.signed("DetectFaces", b" " * (limit + 1))).error == "ImageTooLargeException"
    two_images = wire.MODEL.operations["CompareFaces"].body_limit
    assert two_images > 2 * 5 * 2**20 * 4 / 3


def never_again(messages):
    """A `receive` that gives these messages and then nothing for ever."""
    remaining = list(messages)

    async def receive():
        if remaining:
            return remaining.pop(0)
        await asyncio.sleep(60)
        raise AssertionError

    return receive


def ask_with(app, loop, sent, receive):
    got = []

    async def send(message):
        got.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "raw_path": b"/", "query_string": b""}
    loop.run_until_complete(app(scope | {"headers": sent.headers}, receive, send))
    return got


@pytest.mark.parametrize("limits", [BodyLimits(idle=0.02), BodyLimits(total=0.02)])
def test_a_body_that_does_not_come_is_given_up(make_app, loop, wire, limits):
    receive = never_again([{"type": "http.request", "body": b"{", "more_body": True}])
    got = ask_with(make_app(body_limits=limits), loop, wire.signed("DetectFaces", {}), receive)
    assert got[0]["status"] == 408
    assert (b"connection", b"close") in got[0]["headers"]
    assert json.loads(got[1]["body"])["Code"] == "RequestTimeoutException"


def test_a_client_that_goes_away(make_app, loop, wire, caplog):
    caplog.set_level(logging.INFO, "candid.access")
    receive = never_again([{"type": "http.disconnect"}])
    ask_with(make_app(), loop, wire.signed("DetectFaces", {}), receive)
    assert json.loads(caplog.messages[-1])["error"] == "ClientDisconnected"


def test_more_bodies_at_once_than_may_be_held(make_app, ask, wire):
    app = make_app(body_limits=BodyLimits(held=100))
    reply = ask(wire.signed("DescribeCollection", {"CollectionId": "a" * 100}), app)
    assert (reply.status, reply.error) == (400, "ThrottlingException")
    assert ask(wire.signed("DescribeCollection", {"CollectionId": "a"}), app).status == 200


def test_a_body_counts_as_held_until_its_call_is_answered(make_app, loop, wire):
    running, release = threading.Event(), threading.Event()

    def wait(account, request, notes):
        running.set()
        assert release.wait(20)
        return {}

    app = make_app(handlers={"CreateCollection": wait}, workers=1, queue=1)
    sent = wire.signed("CreateCollection", {"CollectionId": "a"})

    async def run():
        waiting = asyncio.create_task(wire.ask_async(app, sent))
        await asyncio.to_thread(running.wait)
        metrics = (await wire.ask_async(app, wire.Sent("GET", "/metrics"))).body.decode()
        release.set()
        assert (await waiting).status == 200
        return metrics, (await wire.ask_async(app, wire.Sent("GET", "/metrics"))).body.decode()

    during, after = loop.run_until_complete(run())
    assert f"candid_bodies_held_bytes {len(sent.body)}" in during.splitlines()
    assert "candid_bodies_held_bytes 0" in after.splitlines()
