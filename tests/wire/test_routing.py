from __future__ import annotations

import pytest


def test_every_operation_of_the_model_is_answered(ask, wire):
    assert len(wire.MODEL.operations) >= 75
    for name in wire.MODEL.operations:
        reply = ask(wire.signed(name, {}))
        assert reply.status in {200, 400}
        if name not in wire.HANDLERS:
            assert reply.json["message"] == f"Candid does not offer {name} yet."


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
