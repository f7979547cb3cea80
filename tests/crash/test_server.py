"""The real server: killed under load, and on a disk that is full. Nothing that was acknowledged is lost."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from tests.conftest import RunningServer, small_file_system, start_server

from candid.ledger import FolderSource, LogReader, VerifierKey, verify_log
from candid.ledger.checkpoint import open_checkpoint
from candid.ledger.receipt import Receipt
from candid_verify.audit import Audit, Promise
from candid_verify.canonical import decode_bytes
from candid_verify.entries import parse_entry


class Ledger:
    """What was acknowledged, held against the log's public files."""

    def __init__(self, running: RunningServer) -> None:
        self.folder = running.data / "ledger"
        self.key = VerifierKey.parse(running.ready["log_public_key"])
        self.receipts: list[tuple[str, str]] = []  # request id and receipt; appended to by many threads
        self.checkpoints: list[Any] = []

    def public(self) -> Any:
        return open_checkpoint((self.folder / "checkpoint").read_bytes(), self.key).checkpoint

    def note(self, response: dict[str, Any]) -> None:
        headers = response["ResponseMetadata"]["HTTPHeaders"]
        self.receipts.append((headers["x-amzn-requestid"], headers["x-candid-receipt"]))

    def remember(self) -> None:
        """The public checkpoint as it is now must hold for ever."""
        self.checkpoints.append(self.public())

    def check(self) -> list[dict[str, Any]]:
        """Everything acknowledged stands at its place, every checkpoint holds, and the audit finds nothing."""
        source, promises = FolderSource(self.folder), []
        receipts = [(request, Receipt.open(decode_bytes(text), self.key).entry) for request, text in self.receipts]
        until = time.monotonic() + 10  # seconds; a server publishes every second
        while self.public().size <= max((entry.index for _, entry in receipts), default=-1):
            assert time.monotonic() < until, "an acknowledged entry is not published"
            time.sleep(0.02)
        verify_log(source, self.key)
        reader = LogReader.open(source, self.key)
        entries = [entry for _, entry in reader.entries()]
        for request, receipt in receipts:
            assert parse_entry(entries[receipt.index])["request"] == request
            promises.append(Promise(receipt.index, receipt.leaf_hash))
        audit = Audit(receipts=promises)
        for index, entry in enumerate(entries):
            audit.feed(index, entry)
        assert audit.finish().findings == ()
        for checkpoint in self.checkpoints:
            reader.check_extends(checkpoint)
        return [parse_entry(entry) for entry in entries]


def command(running: RunningServer, *arguments: str, config: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "candid", *arguments, "--data", str(running.data)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "XDG_CONFIG_HOME": str(config or running.data.parent / "config")},
    )


def work(running: RunningServer, ledger: Ledger, number: int, photograph: bytes) -> None:
    """Calls of every kind until the server is gone."""
    client = running.client()
    with suppress(BotoCoreError):
        for count in range(1 << 30):
            try:
                if (number + count) % 3 == 0:
                    ledger.note(client.detect_faces(Image={"Bytes": photograph}))
                elif (number + count) % 3 == 1:
                    ledger.note(client.list_collections())
                else:
                    ledger.note(client.index_faces(CollectionId="c", Image={"Bytes": photograph}))
            except ClientError as error:
                ledger.note(error.response)


def load(running: RunningServer, ledger: Ledger, photograph: bytes, turn: int) -> list[threading.Thread]:
    """Callers, and a command beside the server."""
    threads = [threading.Thread(target=work, args=(running, ledger, number, photograph)) for number in range(6)]
    beside = (running, "customer", "open", "--name", f"Acme {turn}", "--country", "DE")
    threads.append(threading.Thread(target=command, args=beside))
    for thread in threads:
        thread.daemon = True
        thread.start()
    return threads


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_twelve_kills(tmp_path, astronaut):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance, ledger = random.Random(seed), None
    for turn in range(12):
        running = start_server(tmp_path / "data")
        try:
            if ledger is None:
                ledger = Ledger(running)
                ledger.note(running.client().create_collection(CollectionId="c"))
            ledger.check()
            threads = load(running, ledger, astronaut, turn)
            time.sleep(chance.uniform(0.2, 2.5))
            ledger.remember()
        finally:
            running.kill()
        for thread in threads:
            thread.join(60)
    running = start_server(tmp_path / "data")
    assert running.stop() == 0
    entries = ledger.check()
    starts = [entry["previous"] for entry in entries if entry["kind"] == "start/1"]
    assert starts == ["none"] + ["unclean"] * 12
    # Every command that ran beside a server that was killed has its act in the log, entered once.
    opened = [entry["customer"] for entry in entries if entry["kind"] == "customer/1"]
    assert len(set(opened)) == len(opened) == 13
    assert len(ledger.receipts) > 50


def fill_up(folder: Path) -> Path:
    """Leave no room on a small file system."""
    ballast = folder / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    return ballast


def until_refused(call: Any, ledger: Ledger) -> ClientError:
    """Call until the log takes nothing any more; the error."""
    for _ in range(200):
        try:
            ledger.note(call())
        except ClientError as error:
            return error
    pytest.fail("the disk was never full")


def readiness(running: RunningServer) -> int:
    try:
        with urllib.request.urlopen(running.ready["url"] + "/readyz") as reply:
            return reply.status
    except urllib.error.HTTPError as error:
        return error.code


def test_a_full_disk(tmp_path, astronaut):
    with small_file_system(tmp_path / "data", "90m") as folder:
        running = start_server(folder)
        try:
            ledger, client = Ledger(running), running.client()
            for _ in range(3):
                ledger.note(client.detect_faces(Image={"Bytes": astronaut}))
            ballast = fill_up(folder)
            error = until_refused(lambda: client.detect_faces(Image={"Bytes": astronaut}), ledger)
            assert error.response["Error"]["Code"] == "InternalServerError"
            assert "cannot write its log" in error.response["Error"]["Message"]
            assert "x-candid-receipt" not in error.response["ResponseMetadata"]["HTTPHeaders"]
            refused = 0
            for _ in range(5):
                with pytest.raises(ClientError, match="cannot write its log"):
                    client.list_collections()
                refused += 1
            assert readiness(running) == 503

            ballast.unlink()
            for _ in range(3):
                ledger.note(client.detect_faces(Image={"Bytes": astronaut}))
            assert command(running, "customer", "open", "--name", "Acme", "--country", "DE").returncode == 0
            assert readiness(running) == 200
        finally:
            code = running.stop()
        assert code == 0, running.log.read_text()
        entries = ledger.check()
        resumed = [entry for entry in entries if entry["kind"] == "resumed/1"]
        assert sum(entry["refused"] for entry in resumed) == refused
        calls = [entry for entry in entries if entry["kind"] == "call/1"]
        assert [entry["number"] for entry in calls] == list(range(1, len(calls) + 1))
        assert [entry["error"] for entry in calls if entry["outcome"] != "ok"] == ["InternalServerError"]


def test_a_server_that_ends_while_the_disk_is_full(tmp_path, astronaut):
    with small_file_system(tmp_path / "data", "90m") as folder:
        running = start_server(folder)
        ledger, client = Ledger(running), running.client()
        ballast = fill_up(folder)
        until_refused(lambda: client.detect_faces(Image={"Bytes": astronaut}), ledger)
        assert running.stop() == 3
        assert "the log takes no entries" in running.log.read_text().splitlines()[-1]
        ballast.unlink()
        running = start_server(folder)
        assert running.stop() == 0
        entries = ledger.check()
        assert [entry["previous"] for entry in entries if entry["kind"] == "start/1"] == ["none", "unclean"]
