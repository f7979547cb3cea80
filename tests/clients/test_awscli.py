"""The AWS command line, unmodified, as the README shows it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import RunningServer

Aws = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def aws(server: RunningServer, tmp_path: Path) -> Aws:
    """Runs `aws rekognition …` with the environment that the server prints."""
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL_REKOGNITION": server.ready["url"],
        "AWS_DEFAULT_REGION": server.ready["region"],
        "AWS_ACCESS_KEY_ID": server.ready["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": server.ready["secret_access_key"],
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_PAGER": "",
        "AWS_MAX_ATTEMPTS": "1",
    }
    command = [sys.executable, str(Path(sys.executable).with_name("aws")), "rekognition"]

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            cwd=tmp_path,
        )

    return run


def json_of(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_readme(aws: Aws, astronaut: bytes, altered: Callable[[bytes], bytes], tmp_path: Path) -> None:
    (tmp_path / "anna.jpg").write_bytes(astronaut)
    (tmp_path / "who.jpg").write_bytes(altered(astronaut))
    created = json_of(aws("create-collection", "--collection-id", "cli-people"))
    assert created["StatusCode"] == 200
    photograph = ["--image-bytes", "fileb://anna.jpg", "--external-image-id", "anna"]
    indexed = json_of(aws("index-faces", "--collection-id", "cli-people", *photograph))
    found = json_of(
        aws("search-faces-by-image", "--collection-id", "cli-people", "--image-bytes", "fileb://who.jpg")
    )
    assert [match["Face"]["FaceId"] for match in found["FaceMatches"]] == [
        indexed["FaceRecords"][0]["Face"]["FaceId"]
    ]
    assert json_of(aws("list-collections", "--query", "contains(CollectionIds, 'cli-people')")) is True
    assert aws("delete-collection", "--collection-id", "cli-people").returncode == 0


def test_an_error_is_read_aloud(aws: Aws) -> None:
    done = aws("describe-collection", "--collection-id", "not-there")
    assert done.returncode in {254, 255}  # of version 2 and of version 1
    assert "ResourceNotFoundException" in done.stderr
    assert "not-there" in done.stderr


def test_what_is_not_offered_says_so(aws: Aws, astronaut: bytes, tmp_path: Path) -> None:
    (tmp_path / "anna.jpg").write_bytes(astronaut)
    done = aws("detect-labels", "--image-bytes", "fileb://anna.jpg")
    assert done.returncode != 0
    assert "DetectLabels" in done.stderr
