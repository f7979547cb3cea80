"""What `docs/receipts.md` shows is run as it stands there, with the clients that it speaks of."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import REPOSITORY, RunningServer

from candid.client.receipts import Report, check
from candid.ledger import UrlSource, VerifierKey

PAGE = (REPOSITORY / "docs" / "receipts.md").read_text()
JAVASCRIPT = Path(__file__).with_name("js")

CALLS = """
import { DescribeCollectionCommand, ListCollectionsCommand, RekognitionClient } from "@aws-sdk/client-rekognition";

const client = new RekognitionClient({ maxAttempts: 1 });
collectReceipts(client, process.env.RECEIPTS);
await client.send(new ListCollectionsCommand({}));
try {
  await client.send(new DescribeCollectionCommand({ CollectionId: "not-there" }));
} catch (error) {
  console.log(error.name);
}
"""


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return found


def environment(server: RunningServer, **more: str) -> dict[str, str]:
    ready = server.ready
    return {
        **os.environ,
        "AWS_ENDPOINT_URL_REKOGNITION": ready["url"],
        "AWS_DEFAULT_REGION": ready["region"],
        "AWS_REGION": ready["region"],
        "AWS_ACCESS_KEY_ID": ready["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": ready["secret_access_key"],
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_PAGER": "",
        "AWS_MAX_ATTEMPTS": "1",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        **more,
    }


def checked(server: RunningServer, file: Path) -> Report:
    key = VerifierKey.parse(server.ready["log_public_key"])
    return check(file, log_key=key, source=UrlSource(f"{server.ready['url']}/log"), wait=20)


def test_the_python_example(server: RunningServer, tmp_path: Path) -> None:
    code = block("python").replace("http://127.0.0.1:9000", server.ready["url"])
    code = code.replace("candid.local/000000000000+…", server.ready["log_public_key"])
    assert code.count(server.ready["log_public_key"]) == 1
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment(server), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Counts(receipts=1, missing=0")
    assert checked(server, tmp_path / "receipts.jsonl").checked == 1


def test_the_javascript_example(server: RunningServer, tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None or not (JAVASCRIPT / "node_modules" / "@aws-sdk").is_dir():
        pytest.skip("node or the JavaScript SDK is missing; install node and npm, then run: make js-client")
    file = tmp_path / "receipts.jsonl"
    done = subprocess.run(
        [node, "--input-type=module", "-"],
        input=block("js") + CALLS,
        cwd=JAVASCRIPT,
        env=environment(server, RECEIPTS=str(file)),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stdout) == (0, "ResourceNotFoundException\n"), done.stderr
    report = checked(server, file)
    assert (report.checked, report.unpriced) == (2, ())
    assert report.as_json()["verified"] is True
    assert file.stat().st_mode & 0o777 == 0o600


def test_the_command_line_example(server: RunningServer, tmp_path: Path) -> None:
    (command,) = [line.strip() for line in PAGE.splitlines() if line.startswith("    aws rekognition")]
    done = subprocess.run(
        ["sh", "-c", command], cwd=tmp_path, env=environment(server), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    code = "from candid.cli.receipt import receipt; receipt()"
    where = ["--log-key", server.ready["log_public_key"], "--url", f"{server.ready['url']}/log"]
    done = subprocess.run(
        [sys.executable, "-c", code, "verify", "receipt.txt", *where],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "ListCollections, outcome ok, free: 1" in done.stdout
