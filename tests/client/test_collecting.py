"""Collecting from unmodified boto3 clients, of a server that answers well and one that does not."""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, HTTPClientError
from tests.client.conftest import NOW, SIGNER, Answer, Operator, ScriptedServer
from tests.conftest import small_file_system

from candid.client.expectations import Asked
from candid.client.receipts import CollectError, Counts, ReceiptError, collect
from candid.client.replies import Reply, read_replies
from candid.ledger import SigningKey
from candid.ledger.errors import KeyFormatError

IMAGE = {"Bytes": b"x"}


def answer(receipt: str | None, *, request: str = "request-1", error: str | None = None, status: int = 400) -> Answer:
    headers = {"x-amzn-requestid": request}
    if receipt is not None:
        headers["x-candid-receipt"] = receipt
    if error is None:
        return Answer(headers=headers)
    return Answer(status, {"__type": error, "Message": "no"}, headers)


def replies(file: Path) -> list[Reply | None]:
    return [reply for _, reply in read_replies(file)] if file.stat().st_size else []


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "receipts"


def test_an_answer_and_its_receipt(scripted: ScriptedServer, operator: Operator, file: Path) -> None:
    receipt = operator.promise(operator.enter())
    scripted.script.append(answer(receipt))
    client = scripted.client()
    with collect(client, file, log_key=str(SIGNER.verifier), clock=lambda: NOW) as collector:
        assert client.detect_faces(Image=IMAGE)["FaceDetails"] == []
        assert collector.counts == Counts(receipts=1)
    (found,) = replies(file)
    assert found == Reply(
        id=found.id,
        time=NOW * 1000,
        operation="DetectFaces",
        request="request-1",
        status=200,
        receipt=receipt,
        asked=Asked("image-group-2", 1),
    )
    assert file.stat().st_mode & 0o777 == 0o600


def test_errors_have_receipts_too(scripted: ScriptedServer, operator: Operator, file: Path) -> None:
    receipt = operator.promise(operator.enter())
    scripted.script.append(answer(receipt, error="AccessDeniedException"))
    scripted.script.append(answer(None, error="InvalidSignatureException"))
    client = scripted.client()
    with collect(client, file, log_key=SIGNER.verifier) as collector:
        for code in ("AccessDeniedException", "InvalidSignatureException"):
            with pytest.raises(ClientError, match=code):
                client.list_collections()
        assert collector.counts == Counts(receipts=1, undecided=1)
    denied, unsigned = replies(file)
    assert (denied.status, denied.error, denied.receipt) == (400, "AccessDeniedException", receipt)
    assert (unsigned.status, unsigned.error, unsigned.receipt) == (400, "InvalidSignatureException", None)


def test_each_attempt_is_kept(scripted: ScriptedServer, operator: Operator, file: Path) -> None:
    broken, good = operator.promise(operator.enter()), operator.promise(operator.enter())
    scripted.script += [
        Answer(0),
        answer(broken, request="request-1", error="InternalServerError", status=500),
        answer(good, request="request-2"),
    ]
    client = scripted.client(attempts=3)
    with collect(client, file, log_key=SIGNER.verifier) as collector:
        client.detect_faces(Image=IMAGE)
        assert collector.counts == Counts(receipts=2, unanswered=1)
    assert [(reply.attempt, reply.status, reply.receipt) for reply in replies(file)] == [
        (1, None, None),
        (2, 500, broken),
        (3, 200, good),
    ]


@pytest.mark.parametrize("strict", [False, True])
def test_a_reply_without_a_receipt(scripted: ScriptedServer, file: Path, caplog, strict: bool) -> None:
    scripted.script.append(answer(None))
    client = scripted.client()
    with collect(client, file, strict=strict) as collector:
        if strict:
            with pytest.raises(ReceiptError, match=r"the reply to DetectFaces \(request request-1\) has no receipt"):
                client.detect_faces(Image=IMAGE)
        else:
            client.detect_faces(Image=IMAGE)
        assert collector.counts == Counts(missing=1)
    assert [record.levelno for record in caplog.records if record.name == "candid.client"] == [logging.WARNING]
    assert [reply.receipt for reply in replies(file)] == [None]


@pytest.mark.parametrize("receipt", ["nonsense", "x" * 20_000, "of another log"])
@pytest.mark.parametrize("strict", [False, True])
def test_a_receipt_that_is_not_the_logs(scripted, operators, file: Path, receipt: str, strict: bool) -> None:
    if receipt == "of another log":
        other = operators(SigningKey.generate("other.example/log"))
        receipt = other.promise(other.enter())
    scripted.script.append(answer(receipt))
    client = scripted.client()
    with collect(client, file, log_key=SIGNER.verifier, strict=strict) as collector:
        if strict:
            with pytest.raises(ReceiptError, match="not one of the log candid"):
                client.detect_faces(Image=IMAGE)
        else:
            client.detect_faces(Image=IMAGE)
        assert collector.counts == Counts(refused=1)
    (kept,) = replies(file)
    assert kept.receipt == receipt[:8192]


def test_without_a_key_receipts_are_only_kept(scripted: ScriptedServer, file: Path) -> None:
    scripted.script.append(answer("anything"))
    client = scripted.client()
    with collect(client, file) as collector:
        client.detect_faces(Image=IMAGE)
        assert collector.counts == Counts(receipts=1)


def test_what_a_hostile_server_says_is_kept_within_limits(scripted: ScriptedServer, file: Path) -> None:
    scripted.script.append(answer("é" * 9000, request="ü" * 5000, error="\ud800" + "x" * 5000))
    client = scripted.client()
    with collect(client, file), pytest.raises(ClientError):
        client.detect_faces(Image=IMAGE)
    (kept,) = replies(file)
    assert kept.error[:3] == "?xx"
    assert (len(kept.request), len(kept.error), len(kept.receipt)) == (200, 200, 8192)


def test_a_server_that_is_not_there(scripted: ScriptedServer, file: Path) -> None:
    client = scripted.client()
    scripted.socket.close()
    with collect(client, file) as collector:
        with pytest.raises((EndpointConnectionError, HTTPClientError)):
            client.detect_faces(Image=IMAGE)
        assert collector.counts == Counts(unanswered=1)


def test_after_closing_nothing_is_collected(scripted: ScriptedServer, file: Path) -> None:
    scripted.script += [answer(None), answer(None)]
    client = scripted.client()
    collector = collect(client, file)
    client.detect_faces(Image=IMAGE)
    collector.close()
    collector.close()
    client.detect_faces(Image=IMAGE)
    assert (len(replies(file)), collector.counts) == (1, Counts(missing=1))


def test_closing_while_a_call_is_under_way(scripted: ScriptedServer, file: Path) -> None:
    scripted.script.append(answer(None))
    client = scripted.client()
    collector = collect(client, file)
    client.meta.events.register_first("response-received.rekognition", lambda **_: collector.close())
    client.detect_faces(Image=IMAGE)
    assert (replies(file), collector.counts) == ([], Counts())


def test_several_collectors_and_threads_share_a_file(scripted: ScriptedServer, file: Path) -> None:
    scripted.script += [answer(None, request="x" * 150)] * 64
    clients = [scripted.client() for _ in range(4)]
    collectors = [collect(client, file, durable=True) for client in clients]

    def work(client: Any) -> None:
        for _ in range(8):
            client.detect_faces(Image=IMAGE)

    threads = [threading.Thread(target=work, args=(client,)) for client in clients * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for collector in collectors:
        collector.close()
    assert len(replies(file)) == 64
    assert None not in replies(file)


def test_a_line_that_was_cut_off_stays_one(scripted: ScriptedServer, file: Path) -> None:
    file.write_bytes(b'{"cut')
    scripted.script.append(answer(None))
    client = scripted.client()
    with collect(client, file):
        client.detect_faces(Image=IMAGE)
    assert [reply is None for reply in replies(file)] == [True, False]


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("trouble", ["a full disk", "a closed file"])
def test_a_file_that_cannot_be_written(scripted, tmp_path: Path, caplog, strict: bool, trouble: str) -> None:
    with small_file_system(tmp_path / "small", "64k") as folder:
        scripted.script += [answer(None, error="InvalidSignatureException")] * 300
        client = scripted.client()
        (folder / "ballast").write_bytes(bytes(40_000))
        with collect(client, folder / "receipts", strict=strict, durable=True) as collector:
            if trouble == "a closed file":
                os.dup2(os.open(os.devnull, os.O_RDONLY), collector._descriptor)
            said: Exception | None = None
            while collector.counts.unwritten == 0:
                try:
                    client.detect_faces(Image=IMAGE)
                except ClientError as error:
                    assert "InvalidSignature" in str(error)
                except CollectError as error:
                    said = error
        assert (said is not None) is strict
        assert "cannot be written" in caplog.text or "has no room" in caplog.text


def test_wrong_use(scripted: ScriptedServer, tmp_path: Path) -> None:
    with pytest.raises(CollectError, match="a client of s3 gets no receipts"):
        collect(scripted.client(service="s3"), tmp_path / "file")
    with pytest.raises(KeyFormatError):
        collect(scripted.client(), tmp_path / "file", log_key="no key")
    with pytest.raises(CollectError, match="cannot be opened for collecting receipts: Is a directory"):
        collect(scripted.client(), tmp_path)
    with pytest.raises(CollectError, match="No such file"):
        collect(scripted.client(), tmp_path / "none" / "file")
    assert list(tmp_path.iterdir()) == []


def test_no_room_to_end_a_line_that_was_cut_off(scripted: ScriptedServer, tmp_path: Path) -> None:
    with small_file_system(tmp_path / "small", "64k") as folder:
        file = folder / "receipts"
        with file.open("wb", buffering=0) as opened, contextlib.suppress(OSError):
            while opened.write(b"x" * 4096):
                pass
        before = len(list(Path("/proc/self/fd").iterdir()))
        with pytest.raises(CollectError, match="No space left"):
            collect(scripted.client(), file)
        assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_importing_it_is_light() -> None:
    code = (
        "import sys, candid.client.receipts;"
        "heavy = {'boto3', 'botocore', 'numpy', 'onnxruntime', 'faiss', 'click', 'candid.vision', 'candid.server'};"
        "sys.exit(' '.join(heavy & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_only_the_client_that_was_named_is_collected_from(scripted: ScriptedServer, file: Path) -> None:
    scripted.script += [answer(None)] * 2
    named, other = scripted.client(), scripted.client()
    with collect(named, file) as collector:
        other.detect_faces(Image=IMAGE)
        assert collector.counts == Counts()
        named.detect_faces(Image=IMAGE)
        assert collector.counts == Counts(missing=1)
