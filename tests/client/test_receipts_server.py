"""An unmodified boto3 client, a real server, and the log that it serves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.conftest import RunningServer, start_server

from candid.client.receipts import Counts, Report, check, collect, open_receipt
from candid.client.replies import read_replies
from candid.ledger import LogReader, UrlSource, VerifierKey


def report_of(server: RunningServer, file: Path, **options: Any) -> Report:
    source = UrlSource(f"{server.ready['url']}/log")
    return check(file, log_key=VerifierKey.parse(server.ready["log_public_key"]), source=source, wait=20, **options)


def error_of(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"]


def test_every_call_is_in_the_log_as_it_was_asked_for(
    server: RunningServer, astronaut: bytes, coffee: bytes, tmp_path: Path
) -> None:
    image, name = {"Bytes": astronaut}, "receipts"
    client = server.client()
    with collect(client, tmp_path / "receipts", log_key=server.ready["log_public_key"], strict=True) as collector:
        client.create_collection(CollectionId=name)
        face = client.index_faces(CollectionId=name, Image=image)["FaceRecords"][0]["Face"]["FaceId"]
        client.detect_faces(Image=image)
        client.compare_faces(SourceImage=image, TargetImage=image)
        client.search_faces(CollectionId=name, FaceId=face)
        client.search_faces_by_image(CollectionId=name, Image=image)
        client.create_user(CollectionId=name, UserId="anna")
        client.associate_faces(CollectionId=name, UserId="anna", FaceIds=[face])
        client.search_users(CollectionId=name, FaceId=face)
        client.search_users_by_image(CollectionId=name, Image=image)
        client.list_faces(CollectionId=name)
        client.delete_collection(CollectionId=name)
        answered = collector.counts.receipts
        assert error_of(client.describe_collection, CollectionId=name) == "ResourceNotFoundException"
        assert error_of(client.compare_faces, SourceImage={"Bytes": coffee}, TargetImage=image) == (
            "InvalidParameterException"
        )
        assert error_of(client.detect_faces, Image={"Bytes": b"no image"}) == "InvalidImageFormatException"
        decided = collector.counts.receipts
        arn = "arn:aws:rekognition:us-east-1:000000000000:project/a/version/b/1"
        assert error_of(client.describe_project_versions, ProjectArn=arn) == "UnknownOperationException"
        assert error_of(server.client(aws_secret_access_key="wrong").list_collections) == "InvalidSignatureException"
        assert (answered, decided, collector.counts) == (12, 15, Counts(receipts=15, undecided=1))
    report = report_of(server, tmp_path / "receipts")
    assert report.as_json()["verified"] is True, report
    assert (report.replies, report.checked, report.undecided, report.unpriced) == (16, 15, 1, ())
    assert len(report.customers) == 1
    assert report_of(server, tmp_path / "receipts", customer=report.customers[0]).broken == ()

    # The entries themselves: units where something was answered, none where not.
    key = VerifierKey.parse(server.ready["log_public_key"])
    reader = LogReader.open(UrlSource(f"{server.ready['url']}/log"), key)
    units = []
    for _, reply in read_replies(tmp_path / "receipts"):
        if reply is not None and reply.receipt is not None:
            entry = json.loads(reader.entry(open_receipt(reply.receipt, key).entry.index))
            units.append((entry["outcome"], entry["units"]))
    assert units == [("ok", 1)] * 12 + [("error", 0)] * 3


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server whose customer is closed."""
    running = start_server(tmp_path_factory.mktemp("closed") / "data")
    yield running
    running.kill()


def candid(server: RunningServer, *arguments: object) -> subprocess.CompletedProcess[str]:
    """The command, with the keys of a server that `start_server` started."""
    command = [sys.executable, "-m", "candid", *map(str, arguments), "--data", str(server.data)]
    environment = {**os.environ, "XDG_CONFIG_HOME": str(server.data.parent / "config")}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)


def test_a_denial_has_a_receipt(own: RunningServer, tmp_path: Path) -> None:
    listed = candid(own, "customer", "list", "--json")
    assert listed.returncode == 0, listed.stderr
    (customer,) = json.loads(listed.stdout)
    client = own.client()
    with collect(client, tmp_path / "receipts", log_key=own.ready["log_public_key"], strict=True) as collector:
        client.list_collections()
        closed = candid(own, "customer", "close", customer["customer"])
        assert closed.returncode == 0, closed.stderr
        seen = error_of(client.list_collections)
        counts = collector.counts
    assert (seen, counts) == ("AccessDeniedException", Counts(receipts=2))
    report = report_of(own, tmp_path / "receipts")
    assert (report.checked, report.missing, report.broken) == (2, (), ())


def test_the_command_line(server: RunningServer, astronaut: bytes, tmp_path: Path) -> None:
    file, url = tmp_path / "receipts", f"{server.ready['url']}/log"
    client = server.client()
    with collect(client, file):
        client.detect_faces(Image={"Bytes": astronaut})
    (tmp_path / "one").write_text(json.loads(file.read_text())["receipt"])
    for arguments in (["check", file], ["verify", file], ["verify", tmp_path / "one"]):
        code = "from candid.cli.receipt import receipt; receipt()"
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                code,
                *map(str, arguments),
                "--log-key",
                server.ready["log_public_key"],
                "--url",
                url,
            ],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        assert "verified: " in done.stdout
