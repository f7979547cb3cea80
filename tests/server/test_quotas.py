"""Quotas in the way of calls: beside a running server with boto3 as it comes, and at the gate with a clock to turn."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config as ClientConfig
from botocore.exceptions import ClientError
from tests.conftest import RunningServer, start_server
from tests.recording.conftest import Clock, Desk, Party
from tests.server.commands import run, told

from candid.billing.errors import InvalidQuota, QuotaExceeded
from candid.billing.quotas import LOOK_EVERY
from candid.billing.quotasettings import CustomerQuota, Limit, change_settings
from candid.client.header import open_receipt
from candid.ledger import FolderSource, LogReader, SigningKey, VerifierKey
from candid.server.quotas import QuotaGate

DENIED = "AccessDeniedException"
NOVEMBER = 1_793_491_200.0  # 2026-11-01T00:00:00Z
NEXT = 1_796_083_200.0  # 2026-12-01T00:00:00Z
USED_UP = "the monthly limit of {} units of {} is used up; it is reset on {} at 00:00 UTC"


# A server


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    server = start_server(tmp_path_factory.mktemp("quotas") / "data")
    yield server
    assert server.stop() == 0, server.log.read_text()


def limit(server: RunningServer, meter: str, hard: int) -> None:
    """Set a quota beside the server, which follows at the next look."""
    told(server.data.parent, "usage", "quota", server.ready["account"], "--meter", meter, "--hard", hard,
         "--data", server.data)  # fmt: skip
    time.sleep(LOOK_EVERY + 0.05)


def call_in_log(server: RunningServer, request: str) -> dict[str, Any]:
    """The entry of a call, as soon as it is public."""
    key = VerifierKey.parse(server.ready["log_public_key"])
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for _, data in LogReader.open(FolderSource(server.data / "ledger"), key).entries():
            if (entry := json.loads(data)).get("request") == request:
                return entry
        time.sleep(0.2)
    pytest.fail(f"the log does not show the call {request}")


def refusal_of(call: Any, **arguments: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response


def test_calls_pass_until_the_quota_is_reached(running: RunningServer, astronaut: bytes) -> None:
    client = running.client()
    client.detect_faces(Image={"Bytes": astronaut})  # before there is any quota
    limit(running, "image-group-2", 3)
    client.detect_faces(Image={"Bytes": astronaut})
    client.detect_faces(Image={"Bytes": astronaut})
    found = refusal_of(client.detect_faces, Image={"Bytes": astronaut})
    assert (found["Error"]["Code"], found["ResponseMetadata"]["HTTPStatusCode"]) == (DENIED, 400)
    reset = time.gmtime()
    first = f"{reset.tm_year + reset.tm_mon // 12}-{reset.tm_mon % 12 + 1:02}-01"
    assert found["Error"]["Message"] == f"This call is refused because {USED_UP.format(3, 'image-group-2', first)}."
    # It is in the log as a denial, which costs nothing, and has its receipt.
    receipt = open_receipt(
        found["ResponseMetadata"]["HTTPHeaders"]["x-candid-receipt"],
        VerifierKey.parse(running.ready["log_public_key"]),
    )
    entry = call_in_log(running, found["ResponseMetadata"]["RequestId"])
    assert receipt.entry.time == entry["time"]
    assert {name: entry[name] for name in ("outcome", "error", "units")} == {
        "outcome": "denied", "error": DENIED, "units": 0,
    }  # fmt: skip
    assert (entry["decision"]["allowed"], entry["decision"]["rule"]) == (False, "quota")
    # Other meters go on.
    client.list_collections()


@pytest.mark.parametrize("retries", [None, {"mode": "legacy"}, {"mode": "standard"}, {"mode": "adaptive"}])
@pytest.mark.parametrize("operation", ["list_collections", "create_collection"])
def test_no_sdk_tries_a_refused_call_again(
    running: RunningServer, operation: str, retries: dict[str, str] | None
) -> None:
    """Each attempt would be one more entry of the log."""
    limit(running, "free", 0)
    client = boto3.client(
        "rekognition",
        endpoint_url=running.ready["url"],
        region_name=running.ready["region"],
        aws_access_key_id=running.ready["access_key_id"],
        aws_secret_access_key=running.ready["secret_access_key"],
        config=ClientConfig(retries=retries),
    )
    attempts: list[int] = []
    client.meta.events.register("response-received.rekognition", lambda context, **_: attempts.append(1))
    arguments = {} if operation == "list_collections" else {"CollectionId": "never"}
    found = refusal_of(getattr(client, operation), **arguments)
    assert found["Error"]["Code"] == DENIED
    assert isinstance(client.exceptions.AccessDeniedException(found, operation), ClientError)  # one of the model's
    assert found["ResponseMetadata"]["RetryAttempts"] == 0
    assert len(attempts) == 1
    told(running.data.parent, "usage", "quota", running.ready["account"], "--clear", "--data", running.data)


def test_calls_at_once_restart_and_a_damaged_file(tmp_path: Path) -> None:
    server = start_server(tmp_path / "data")
    try:
        limit(server, "free", 20)
        client = server.client(config=ClientConfig(retries={"total_max_attempts": 1}, max_pool_connections=8))

        def call(_: int) -> str:
            try:
                client.list_collections()
            except ClientError as error:
                return str(error.response["Error"]["Code"])
            return "ok"

        with ThreadPoolExecutor(8) as pool:
            found = Counter(pool.map(call, range(48)))
        assert found == {"ok": 20, DENIED: 28}
        assert server.stop() == 0
        server = start_server(tmp_path / "data")
        client = server.client()
        assert call(0) == DENIED
        assert server.stop() == 0
        # Nobody knows what customers may use: nothing is served, and the operator is told why.
        (server.data / "billing" / "quotas.json").write_text("{")
        server = start_server(tmp_path / "data")
        client = server.client()
        assert [call(0), call(1)] == ["InternalServerError"] * 2
        told_of = server.log.read_text().count("No call is served until this is mended: the file of quotas is no JSON")
        assert told_of == 1
        done = run(tmp_path, "usage", "quota", server.ready["account"], "--clear", "--data", server.data)
        assert (done.returncode, "the file of quotas is no JSON" in done.stderr) == (2, True)
        (server.data / "billing" / "quotas.json").unlink()
        assert call(0) == "ok"
    finally:
        server.stop()


# The gate alone


class Reads:
    """A recorder that counts how often its log is read; all else is the recorder's."""

    def __init__(self, recorder: Any) -> None:
        self._recorder, self.entries_read = recorder, 0
        self.state, self.observe = recorder.state, recorder.observe

    @property
    def log(self) -> Reads:
        return self

    def entries(self, start: int = 0) -> Iterator[tuple[int, bytes]]:
        for each in self._recorder.log.entries(start):
            self.entries_read += 1
            yield each


@dataclass
class Gate:
    """A gate before a real recorder, for one customer."""

    desk: Desk
    party: Party
    path: Path

    def open(self) -> None:
        self.recorder = self.desk.serve()
        self.reads = Reads(self.recorder)
        self.gate = QuotaGate(self.path, self.reads, self.desk.signer.verifier, clock=self.desk.clock)

    def allow(self, units: int) -> None:
        change_settings(self.path, self.party.pseudonym, lambda _: CustomerQuota({"image-group-2": Limit(hard=units)}))

    def call(self) -> bool:
        """A call, from the gate into the log; whether it was let through."""
        try:
            with self.gate.admit(self.party.customer, "image-group-2"):
                self.recorder.call(self.party.facts(started=int(self.desk.clock.now * 1000)), secret=None)
        except QuotaExceeded:
            return False
        return True


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    desk = Desk(tmp_path, SigningKey.generate("candid.local/quotas"), Clock(NOVEMBER))
    found = Gate(desk, Party(1), tmp_path / "billing" / "quotas.json")
    found.open()
    found.recorder.act(found.party.opened(), [b"label"])
    found.recorder.act(found.party.issued())
    yield found
    for recorder in desk.opened:
        recorder.close()


def test_the_log_is_read_once_when_the_first_quota_appears(gate: Gate) -> None:
    assert [gate.call() for _ in range(3)] == [True] * 3
    assert gate.reads.entries_read == 0
    gate.allow(5)
    assert gate.call()
    once = gate.reads.entries_read
    assert once >= gate.recorder.state.size - 1
    assert [gate.call() for _ in range(3)] == [True, False, False]
    assert gate.reads.entries_read == once


def test_another_month_begins_at_nothing(gate: Gate) -> None:
    gate.allow(2)
    assert [gate.call() for _ in range(3)] == [True, True, False]
    gate.desk.clock.now = NEXT - 0.001
    assert not gate.call()
    gate.desk.clock.now = NEXT
    assert [gate.call() for _ in range(3)] == [True, True, False]


def test_a_restart_forgets_nothing_and_reads_only_the_month(gate: Gate) -> None:
    assert [gate.call() for _ in range(40)] == [True] * 40
    gate.desk.clock.now = NEXT
    gate.allow(2)
    assert gate.call()
    gate.recorder.close()
    gate.open()
    assert [gate.call() for _ in range(2)] == [True, False]
    assert gate.reads.entries_read < 30


def test_threads_never_pass_the_limit(gate: Gate) -> None:
    """From the first call on: some come while the log is being read."""
    assert [gate.call() for _ in range(7)] == [True] * 7
    gate.allow(57)
    passed, ready = [], threading.Barrier(8)

    def work() -> None:
        ready.wait()
        passed.extend(gate.call() for _ in range(25))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert Counter(passed) == {True: 50, False: 150}


def test_a_damaged_file_lets_nothing_through(gate: Gate, caplog: pytest.LogCaptureFixture) -> None:
    gate.allow(1)
    whole = gate.path.read_bytes()
    gate.path.write_bytes(whole[:-4])
    with caplog.at_level(logging.ERROR, "candid.quotas"):
        for _ in range(3):
            with pytest.raises(InvalidQuota, match="is no JSON"):
                gate.call()
    assert [each.getMessage().split(":")[0] for each in caplog.records] == ["No call is served until this is mended"]
    gate.path.write_bytes(whole)
    assert [gate.call() for _ in range(2)] == [True, False]
