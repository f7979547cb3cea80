from __future__ import annotations

import json
import logging


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
