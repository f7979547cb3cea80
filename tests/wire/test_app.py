from __future__ import annotations

import re

import pytest

from candid.wire import FixedCredentials, Refusal

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
        make_app(handlers={"DetectSmiles": lambda account, request, notes: {}})
