from __future__ import annotations

import asyncio
import json
import logging
import re
import threading

import pytest

from candid.wire import App, BodyLimits, FixedCredentials, Refusal, Sample

REQUEST_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


def test_a_call_is_answered_as_aws_does(ask, wire):
    reply = ask(wire.signed("DescribeCollection", {"CollectionId": "staff"}))
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/x-amz-json-1.1"
    assert REQUEST_ID.fullmatch(reply.headers["x-amzn-requestid"])
    assert reply.json == {
        "FaceCount": 3,
        "FaceModelVersion": "7.0",
        "CollectionARN": "arn:aws:rekognition:us-east-1:123456789012:collection/staff",
        "CreationTimestamp": 1_800_000_000.25,
    }


def test_no_two_calls_share_a_request_id(ask, wire):
    sent = wire.signed("DescribeCollection", {"CollectionId": "staff"})
    assert len({ask(sent).headers["x-amzn-requestid"] for _ in range(20)}) == 20


def test_no_cors_header_whatever_the_origin(ask, wire):
    origin = {"Origin": "https://example.com"}
    replies = [
        ask(wire.signed("DescribeCollection", {"CollectionId": "staff"}, headers=origin)),
        ask(wire.Sent("OPTIONS", "/", headers=[(b"origin", b"https://example.com")])),
        ask(wire.Sent("GET", "/metrics", headers=[(b"origin", b"https://example.com")])),
    ]
    assert not [name for reply in replies for name in reply.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("operation", "request_", "error", "message"),
    [
        (
            "DescribeCollection",
            {"CollectionId": "missing"},
            "ResourceNotFoundException",
            "missing does not exist",
        ),
        ("DescribeCollection", {}, "InvalidParameterException", "Value null at 'collectionId'"),
        ("DescribeCollection", {"CollectionId": 1}, "SerializationException", "NUMBER_VALUE"),
        ("DetectLabels", {}, "UnknownOperationException", "Candid does not offer DetectLabels yet."),
        ("DescribeCollections", {}, "UnknownOperationException", "RekognitionService.<an operation>"),
        ("", {}, "UnknownOperationException", "RekognitionService.<an operation>"),
    ],
)
def test_what_is_refused(ask, wire, operation, request_, error, message):
    reply = ask(wire.signed(operation, request_))
    assert (reply.status, reply.error) == (400, error)
    assert message in reply.json["message"]


def test_every_operation_of_the_model_is_answered(ask, wire):
    assert len(wire.MODEL.operations) >= 75
    for name in wire.MODEL.operations:
        reply = ask(wire.signed(name, {}))
        assert reply.status in {200, 400}
        if name not in wire.HANDLERS:
            assert reply.json["message"] == f"Candid does not offer {name} yet."


def test_a_bug_is_a_500_that_tells_nothing_but_where_to_look(ask, wire, caplog):
    reply = ask(wire.signed("DescribeCollection", {"CollectionId": "bug"}))
    assert (reply.status, reply.error) == (500, "InternalServerError")
    assert reply.headers["x-amzn-requestid"] in reply.json["message"]
    assert reply.headers["x-amzn-requestid"] in caplog.text
    assert "KeyError" in caplog.text
    assert "describe_collection" in caplog.text
    assert "Personal" not in caplog.text + reply.body.decode()


def test_a_closed_customer_is_denied(ask, wire):
    reply = ask(wire.signed("DescribeCollection", {"CollectionId": "staff"}, key=wire.CLOSED_KEY))
    assert (reply.status, reply.error) == (400, "AccessDeniedException")
    assert "rekognition:DescribeCollection because this account has been closed." in reply.json["message"]


@pytest.mark.parametrize(
    ("name", "values", "error"),
    [
        (b"content-type", [], "UnknownOperationException"),
        (b"content-type", [b"application/x-amz-json-1.0"], "UnknownOperationException"),
        (b"content-type", [b"application/json"], "UnknownOperationException"),
        (b"content-type", [b"application/x-amz-json-1.1"] * 2, "UnknownOperationException"),
        (b"x-amz-target", [], "UnknownOperationException"),
        (b"x-amz-target", [b"DetectFaces"], "UnknownOperationException"),
        (b"x-amz-target", [b"Other.DetectFaces"], "UnknownOperationException"),
        (b"x-amz-target", [b"RekognitionService.DetectFaces"] * 2, "UnknownOperationException"),
        (b"x-amz-target", [b"RekognitionService.\xff"], "UnknownOperationException"),
        (b"content-encoding", [b"gzip"], "SerializationException"),
        (b"content-length", [b"+5"], "SerializationException"),
        (b"content-length", [b"5", b"5"], "SerializationException"),
        (b"content-length", [b"9" * 30], "SerializationException"),
    ],
)
def test_what_a_head_must_hold(ask, wire, name, values, error):
    reply = ask(wire.with_header(wire.signed("DetectFaces", {}), name, *values))
    assert (reply.status, reply.error) == (400, error)


@pytest.mark.parametrize("kind", ["application/x-amz-json-1.1; charset=utf-8", "Application/X-Amz-Json-1.1"])
def test_content_types_that_mean_the_same(ask, wire, kind):
    sent = wire.signed("DescribeCollection", {"CollectionId": "staff"}, headers={"Content-Type": kind})
    assert ask(sent).status == 200


@pytest.mark.parametrize("extra", [[(b"x", b"y")] * 101, [(b"x", b"y" * 32_769)]])
def test_a_head_that_is_too_long(ask, wire, extra):
    sent = wire.signed("DetectFaces", {})
    reply = ask(wire.Sent(headers=[*sent.headers, *extra], body=sent.body))
    assert (reply.status, reply.headers["connection"]) == (431, "close")


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


def test_a_stranger_is_refused_before_the_body_is_read(app, loop, wire):
    async def receive():
        raise AssertionError("the body is not to be read")

    async def send(message):
        statuses.append(message.get("status"))

    statuses: list[int | None] = []
    sent = wire.signed("DetectFaces", {}, key="CNDDUNKNOWN")
    scope = {"type": "http", "method": "POST", "path": "/", "raw_path": b"/", "query_string": b""}
    loop.run_until_complete(app(scope | {"headers": sent.headers}, receive, send))
    assert statuses[0] == 400


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


def test_more_calls_at_once_than_workers_and_queue(make_app, loop, wire):
    running, release = threading.Semaphore(0), threading.Event()

    def wait(account, request):
        running.release()
        assert release.wait(20)
        return {}

    app = make_app(handlers={"CreateCollection": wait}, workers=2, queue=1)
    sent = wire.signed("CreateCollection", {"CollectionId": "a"})

    async def run():
        waiting = [asyncio.create_task(wire.ask_async(app, sent)) for _ in range(3)]
        await asyncio.to_thread(lambda: [running.acquire() for _ in range(2)])
        metrics = (await wire.ask_async(app, wire.Sent("GET", "/metrics"))).body.decode()
        refused = await wire.ask_async(app, sent)
        release.set()
        return metrics, refused, await asyncio.gather(*waiting)

    metrics, refused, answered = loop.run_until_complete(run())
    assert "candid_requests_in_flight 2" in metrics
    assert "candid_requests_waiting 1" in metrics
    assert (refused.status, refused.error) == (400, "ThrottlingException")
    assert [reply.status for reply in answered] == [200, 200, 200]


def test_credentials_that_cannot_be_read_are_a_500(make_app, ask, wire, caplog):
    class Broken(FixedCredentials):
        def lookup(self, access_key_id):
            raise OSError("/secret/path is gone")

    reply = ask(wire.signed("DetectFaces", {}), make_app(credentials=Broken({})))
    assert (reply.status, reply.error) == (500, "InternalServerError")
    assert "/secret/path" not in reply.body.decode() + caplog.text


def test_a_table_can_name_a_fault_of_the_server(make_app, ask, wire):
    full = Refusal("InternalServerError", "The server's storage is full; nothing was changed.", status=500)
    app = make_app(to_refusal=lambda error: full)
    reply = ask(wire.signed("DescribeCollection", {"CollectionId": "bug"}), app)
    assert (reply.status, reply.json["message"]) == (500, full.message)


def test_a_handler_for_nothing_in_the_model_is_refused_at_start(make_app):
    with pytest.raises(ValueError, match="DetectSmiles"):
        make_app(handlers={"DetectSmiles": lambda account, request: {}})


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


def test_metrics_count_calls_and_name_nobody(make_app, ask, wire):
    app = make_app(
        samples=lambda: [Sample("candid_engine_passes_total", "counter", "Forward passes.", 7, {"model": 'a"b'})]
    )
    body = {"CollectionId": "staff"}
    for request in (
        wire.signed("DescribeCollection", body),
        wire.signed("DescribeCollection", {}),
        wire.Sent(),
    ):
        ask(request, app)
    page = ask(wire.Sent("GET", "/metrics"), app)
    text = page.body.decode()
    assert page.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    for line in (
        'candid_requests_total{operation="DescribeCollection",result="ok"} 1',
        'candid_requests_total{operation="DescribeCollection",result="InvalidParameterException"} 1',
        'candid_requests_total{operation="unknown",result="UnknownOperationException"} 1',
        'candid_request_seconds_count{operation="DescribeCollection"} 2',
        'candid_engine_passes_total{model="a\\"b"} 7',
        "# TYPE candid_request_seconds histogram",
        "candid_requests_in_flight 0",
        "candid_bodies_held_bytes 0",
    ):
        assert line in text.splitlines()
    assert text.count("# TYPE candid_requests_total ") == 1
    for secret in (wire.KEY, wire.CUSTOMER.account, wire.CUSTOMER.id, wire.CUSTOMER.name, "staff"):
        assert secret not in text


def test_the_access_log_is_json_and_names_nobody(ask, wire, caplog):
    caplog.set_level(logging.INFO, "candid.access")
    reply = ask(wire.signed("DescribeCollection", {"CollectionId": "staff"}))
    ask(wire.signed("DescribeCollection", {"CollectionId": "missing"}))
    ask(wire.signed("DescribeCollection", {"CollectionId": "staff"}, secret="wrong"))
    first, second, third = (json.loads(line) for line in caplog.messages)
    assert set(first) == {
        *("time", "request_id", "operation", "account", "status", "error", "ms", "bytes_in", "bytes_out")
    }
    assert first["request_id"] == reply.headers["x-amzn-requestid"]
    assert (first["operation"], first["account"]) == ("DescribeCollection", "123456789012")
    assert (first["status"], first["error"], first["bytes_in"]) == (200, None, 25)
    assert first["bytes_out"] == len(reply.body)
    assert (second["status"], second["error"]) == (400, "ResourceNotFoundException")
    assert (third["account"], third["error"]) == (None, "InvalidSignatureException")
    for secret in (wire.KEY, wire.CUSTOMER.name, "staff", "missing"):
        assert secret not in caplog.text
