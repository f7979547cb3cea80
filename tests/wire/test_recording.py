"""Every decided call stands in a real log before its reply leaves; where that cannot be written, none is answered."""

from __future__ import annotations

import asyncio
import errno
import json
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.governance.entering import enter_all

from candid.governance import Customers, open_customers
from candid.governance.decision import POLICY_VERSION
from candid.ledger import Log, LogOptions, SigningKey
from candid.ledger.receipt import Receipt
from candid.ledger.storage import Disk
from candid.ledger.tree import hash_leaf
from candid.recording import Recorder, Software, open_recorder, vrf_key
from candid.recording.calls import face_tag
from candid.server.recording import CallRecord
from candid.vision.runtime.tally import count
from candid.wire import App
from candid.wire.errors import to_refusal as real_table
from candid_verify.commitments import pseudonym

SIGNER = SigningKey.generate("candid.local/wire", randomness=lambda _: bytes(range(32)))
NOT_WRITTEN = "The server cannot write its log, and answers nothing that would not stand in it; try again."
FACE = "11111111-0000-4000-8000-000000000000"


class Fillable(Disk):
    """A disk that tests fill up and empty."""

    full = False

    def write(self, descriptor: int, data: bytes) -> int:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(descriptor, data)

    def free(self, folder: Path) -> int:
        return 0 if self.full else super().free(folder)


@dataclass
class Desk:
    """An application with a log of its own, one customer that is served and one that is closed."""

    app: App
    recorder: Recorder
    customers: Customers
    disk: Fillable
    keys: dict[str, tuple[str, str]]  # open, closed → id and secret
    done: list[str] = field(default_factory=list)  # collections that an operation was done with

    @property
    def size(self) -> int:
        return self.recorder.log.status().size

    def entries(self, start: int = 0) -> list[dict[str, Any]]:
        return [json.loads(data) for _, data in self.recorder.log.entries(start)]


def handlers(done: list[str], wire: Any) -> dict[str, Any]:
    def describe(account: str, request: Any, notes: Any) -> Any:
        done.append(request["CollectionId"])
        notes.collection = request["CollectionId"]
        return wire.HANDLERS["DescribeCollection"](account, request, notes)

    def index(account: str, request: Any, notes: Any) -> Any:
        notes.collection = request["CollectionId"]
        notes.count(found=2, unindexed=1)
        notes.enrol([FACE])
        count("detector", 3)
        return {"FaceModelVersion": "7.0"}

    return wire.HANDLERS | {"DescribeCollection": describe, "IndexFaces": index}


@pytest.fixture
def desk(tmp_path: Path, make_app: Any, wire: Any) -> Iterator[Desk]:
    disk = Fillable()
    options = LogOptions(publish_interval=None, disk=disk)
    Log.create(tmp_path / "ledger", SIGNER, options).close()
    software = Software("candid", "0.0.0")
    recorder = open_recorder(tmp_path, SIGNER, options, software=software, disk=disk)
    recorder.start(software=software, models=[], engine=dict)
    customers = open_customers(tmp_path / "governance.db", key=bytes(32))
    keys = {}
    for name in ("open", "closed"):
        opened = customers.open_customer(name="Jane Personal", country="CH")
        issued = customers.issue(opened.id)
        keys[name] = (issued.key.id, issued.secret)
        if name == "closed":
            customers.close_customer(opened.id)
    enter_all(tmp_path / "governance.db")
    done: list[str] = []
    app = make_app(
        handlers=handlers(done, wire),
        to_refusal=lambda error: real_table(error) or wire.HANDLED(error),
        credentials=customers,
        record=CallRecord(recorder, customers),
        meters={"DescribeCollection": "free", "IndexFaces": "image-group-1"},
        log=tmp_path / "ledger",
    )
    yield Desk(app, recorder, customers, disk, keys, done)
    disk.full = False
    customers.close()
    recorder.close()


@pytest.fixture
def call(desk: Desk, ask: Any, wire: Any) -> Any:
    def run(operation: str = "DescribeCollection", request: Any = None, *, key: str = "open", **other: Any) -> Any:
        identity, secret = desk.keys[key]
        body = {"CollectionId": "staff"} if request is None else request
        return ask(wire.signed(operation, body, **{"key": identity, "secret": secret} | other), desk.app)

    return run


def receipt_of(reply: Any) -> Receipt:
    text = reply.headers["x-candid-receipt"]
    assert "=" not in text
    return Receipt.open(urlsafe_b64decode(text + "=" * (-len(text) % 4)), SIGNER.verifier)


@pytest.mark.parametrize(
    ("key", "collection", "status", "outcome", "error"),
    [
        ("open", "staff", 200, "ok", None),
        ("closed", "staff", 400, "denied", "AccessDeniedException"),
        ("open", "missing", 400, "error", "ResourceNotFoundException"),
        ("open", "bug", 500, "error", "InternalServerError"),
    ],
)
def test_a_decided_call_has_a_receipt_of_its_entry(desk, call, key, collection, status, outcome, error):
    before = desk.size
    reply = call(request={"CollectionId": collection}, key=key)
    assert reply.status == status
    receipt = receipt_of(reply)
    assert (receipt.origin, receipt.entry.index, desk.size) == (SIGNER.name, before, before + 1)
    ((_, data),) = desk.recorder.log.entries(before)
    assert receipt.entry.leaf_hash == hash_leaf(data)
    entry = json.loads(data)
    assert entry["request"] == reply.headers["x-amzn-requestid"]
    assert (entry["kind"], entry["operation"]) == ("call/1", "DescribeCollection")
    assert (entry["outcome"], entry.get("error"), entry["units"]) == (outcome, error, int(outcome == "ok"))
    assert entry["decision"]["allowed"] is (key == "open")
    assert entry["decision"]["policy"] == POLICY_VERSION
    assert entry["started"] <= entry["time"]
    access = desk.customers.lookup(desk.keys[key][0])
    assert (entry["customer"], entry["key"], entry["number"]) == (access.customer.pseudonym, access.key, 1)
    assert ("collection" in entry) is (outcome == "ok")
    assert desk.done == ([] if key == "closed" else [collection])


def test_no_name_and_no_id_stands_in_the_log(desk, call):
    call()
    call("IndexFaces", {"CollectionId": "staff", "Image": {"Bytes": "AAAA"}})
    call(request={"CollectionId": "bug"})
    raw = b"".join(data for _, data in desk.recorder.log.entries(0))
    account = desk.customers.all()[0].account
    for text in ("Personal", "staff", FACE, account, *desk.keys["open"], *desk.keys["closed"]):
        assert text.encode() not in raw


def test_what_an_operation_notes_stands_in_its_entry(desk, call):
    call("IndexFaces", {"CollectionId": "staff", "Image": {"Bytes": "AAAA"}})
    entry = desk.entries()[-1]
    assert (entry["meter"], entry["units"]) == ("image-group-1", 1)
    assert (entry["counts"], entry["stored"]) == ({"found": 2, "unindexed": 1}, {"faces": 1})
    assert entry["engine"] == {"detector": 3}
    assert entry["enrolled"] == [face_tag(FACE, vrf_key(SIGNER))]
    whose = next(each for each in desk.customers.all() if each.pseudonym == entry["customer"])
    secret = desk.customers.secret(whose.id)
    assert entry["collection"] == pseudonym("collection", "staff", secret=secret).commitment


@pytest.mark.parametrize(
    ("operation", "request_", "other", "error"),
    [
        ("DescribeCollection", {}, {}, "InvalidParameterException"),
        ("DescribeCollection", {"CollectionId": 1}, {}, "SerializationException"),
        ("DescribeCollection", b"no json", {}, "SerializationException"),
        ("DescribeCollection", None, {"secret": "wrong"}, "InvalidSignatureException"),
        ("DescribeCollection", None, {"key": "CNDDNOBODY"}, "UnrecognizedClientException"),
        ("DescribeCollection", None, {"region": "eu-west-1"}, "InvalidSignatureException"),
        ("DetectLabels", {}, {}, "UnknownOperationException"),
        ("", {}, {}, "UnknownOperationException"),
    ],
)
def test_what_comes_to_no_decision_has_no_receipt_and_no_entry(desk, ask, wire, operation, request_, other, error):
    before = desk.size
    identity, secret = desk.keys["open"]
    body = {"CollectionId": "staff"} if request_ is None else request_
    reply = ask(wire.signed(operation, body, **{"key": identity, "secret": secret} | other), desk.app)
    assert (reply.status, reply.error) == (400, error)
    assert "x-candid-receipt" not in reply.headers
    assert (desk.size, desk.done) == (before, [])


def test_without_a_log_there_is_no_receipt(ask, wire):
    reply = ask(wire.signed("DescribeCollection", {"CollectionId": "staff"}))
    assert reply.status == 200
    assert "x-candid-receipt" not in reply.headers


def refused_for_the_log(reply: Any) -> None:
    assert (reply.status, reply.error, reply.json["message"]) == (500, "InternalServerError", NOT_WRITTEN)
    assert "x-candid-receipt" not in reply.headers
    assert set(reply.json) == {"__type", "Code", "Message", "message"}, "nothing of the reply that was to be"


def test_where_the_log_cannot_be_written_no_reply_leaves_and_then_nothing_is_done(desk, call, caplog):
    assert call().status == 200
    desk.disk.full = True
    refused_for_the_log(call(request={"CollectionId": "first"}))  # found out only when it is to be written
    size = desk.size
    for name in ("second", "third"):
        refused_for_the_log(call(request={"CollectionId": name}))
        refused_for_the_log(call(request={"CollectionId": name}, key="closed"))
    assert desk.done == ["staff", "first"], "what cannot be recorded is not done"
    assert desk.size == size
    assert "Personal" not in caplog.text
    assert str(desk.keys) not in caplog.text


def test_it_goes_on_as_soon_as_the_log_can_be_written(desk, call):
    call()
    desk.disk.full = True
    for name in ("first", "second"):
        refused_for_the_log(call(request={"CollectionId": name}))
    desk.disk.full = False
    reply = call(request={"CollectionId": "staff"})
    assert reply.status == 200
    entries = desk.entries()
    assert entries[receipt_of(reply).entry.index]["request"] == reply.headers["x-amzn-requestid"]
    assert [entry["refused"] for entry in entries if entry["kind"] == "resumed/1"] != []
    calls = [entry for entry in entries if entry["kind"] == "call/1"]
    assert [entry["number"] for entry in calls] == list(range(1, len(calls) + 1))
    assert sum(entry["units"] for entry in calls) == 2, "what was not answered is not billed"


def test_calls_at_once_are_numbered_without_a_gap(desk, loop, wire):
    identity, secret = desk.keys["open"]
    sent = wire.signed("DescribeCollection", {"CollectionId": "staff"}, key=identity, secret=secret)

    async def run() -> list[Any]:
        return await asyncio.gather(*(wire.ask_async(desk.app, sent) for _ in range(30)))

    replies = loop.run_until_complete(run())
    assert {reply.status for reply in replies} == {200}
    entries = desk.entries()
    told = {reply.headers["x-amzn-requestid"]: receipt_of(reply).entry.index for reply in replies}
    calls = {entry["request"]: (at, entry["number"]) for at, entry in enumerate(entries) if entry["kind"] == "call/1"}
    assert told == {request: at for request, (at, _) in calls.items()}
    assert [number for _, number in sorted(calls.values())] == list(range(1, 31))


def test_the_receipt_leads_to_an_entry_of_the_public_log(desk, call, ask, wire):
    index = receipt_of(call()).entry.index
    desk.recorder.log.publish()
    reply = ask(wire.Sent("GET", "/log/checkpoint"), desk.app)
    assert (reply.status, int(reply.body.split(b"\n")[1])) == (200, index + 1)
