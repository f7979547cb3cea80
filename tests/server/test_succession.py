"""A log whose newest entries are lost with the disk: it goes on from a copy of its public files, or another begins."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import RunningServer, start_server
from tests.server.commands import open_customer, run, told

from candid.billing import default_prices
from candid.config import load_config
from candid.governance import Status, open_customers
from candid.ledger import Algorithm, FolderSource, LogReader, SigningKey, VerifierKey, open_checkpoint
from candid.server.data_folder import open_data_folder
from candid.server.secrets import read_secrets
from candid.server.succession import next_origin


@dataclass(frozen=True)
class Lost:
    """What is left of a server whose disk was lost, and what was done on it after its backup.

    Attributes:
        at: the folder of all this.
        backup: the backup.
        mirror: a copy of the log's public files, as of the end.
        older: another, older than the backup.
        key: the log's public key.
        erased: a face that was erased after the backup.
        kept: a face that was not.
        ids: of the customers, by what they are called here.
        receipt: of a call after the backup.
    """

    at: Path
    backup: Path
    mirror: Path
    older: Path
    key: str
    erased: str
    kept: str
    ids: dict[str, str]
    receipt: Path

    def candid(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        return run(self.at, *arguments)

    def copy(self, to: Path) -> Lost:
        """The same in a folder of its own, to be restored there."""
        shutil.copytree(self.at, to)
        names = {name: to / getattr(self, name).name for name in ("backup", "mirror", "older")}
        return Lost(to, **names, key=self.key, erased=self.erased, kept=self.kept, ids=self.ids, receipt=self.receipt)


def public_copy(running: RunningServer, to: Path) -> Path:
    return Path(shutil.copytree(running.data / "ledger", to, ignore=shutil.ignore_patterns(".state")))


@pytest.fixture(scope="module")
def lost(tmp_path_factory: pytest.TempPathFactory, group: bytes, astronaut: bytes) -> Lost:
    at = tmp_path_factory.mktemp("lost")
    running = start_server(at / "data")
    receipts: list[str] = []
    try:
        client = running.client()
        client.meta.events.register(
            "after-call.rekognition.*",
            lambda http_response, **_: receipts.append(http_response.headers["x-candid-receipt"]),
        )
        older = public_copy(running, at / "older")
        client.create_collection(CollectionId="c")
        client.create_collection(CollectionId="dropped")
        found = client.index_faces(CollectionId="c", Image={"Bytes": group})["FaceRecords"]
        client.create_user(CollectionId="c", UserId="u")
        faces = [record["Face"]["FaceId"] for record in found]
        client.associate_faces(CollectionId="c", UserId="u", FaceIds=faces[:2])
        ids = {name: open_customer(at, f"{name} GmbH", "--registration", "HRB 1") for name in ("closing", "changed")}
        ids["erased"], ids["ended"] = open_customer(at, "Vergessen AG"), open_customer(at, "Zu Ende AG")
        told(at, "customer", "update", ids["changed"], "--data", at / "data", "--name", "Anders GmbH")
        told(at, "erase", "--customer", ids["erased"], "--data", at / "data")
        told(at, "customer", "close", ids["ended"], "--data", at / "data")
        key = told(at, "key", "issue", ids["changed"], "--data", at / "data")["access_key_id"]
        prices = default_prices(0).as_json() | {"title": "Ours"}
        del prices["valid_from"]
        (at / "prices.json").write_text(json.dumps(prices))
        told(at, "prices", "set", at / "prices.json", "--data", at / "data")
        told(at, "backup", "--data", at / "data", "-o", at / "candid.backup")
        # What the backup does not know.
        told(at, "erase", "--face-id", faces[0], "--data", at / "data")
        client.delete_collection(CollectionId="dropped")
        told(at, "customer", "close", ids["closing"], "--data", at / "data")
        told(at, "key", "revoke", key, "--data", at / "data")
        ids["later"] = open_customer(at, "Danach GmbH")
        client.index_faces(CollectionId="c", Image={"Bytes": astronaut})
    finally:
        assert running.stop() == 0
    mirror = public_copy(running, at / "mirror")
    (at / "receipt").write_text(receipts[-1])
    shutil.rmtree(at / "data")
    return Lost(
        at=at,
        backup=at / "candid.backup",
        mirror=mirror,
        older=older,
        key=running.ready["log_public_key"],
        erased=faces[0],
        kept=faces[1],
        ids=ids,
        receipt=at / "receipt",
    )


def audited(at: Path, data: Path, key: str, *, unknown: int = 0) -> None:
    """Audit the log and the books; so many customers of the log the books may not know."""
    done = run(at, "evidence", "audit", "--data", data, "--log-key", key, "--openings", "--json")
    found = json.loads(done.stdout)
    missing = ["the log has this customer, and the books do not"] * unknown
    assert found["findings"] == []
    assert [each["message"] for each in found["openings"]["findings"]] == missing
    assert done.returncode == (1 if unknown else 0)


def entries(data: Path, key: str) -> list[dict[str, Any]]:
    reader = LogReader.open(FolderSource(data / "ledger"), VerifierKey.parse(key))
    return [json.loads(entry) for _, entry in reader.entries()]


def statuses(at: Path, data: Path, lost: Lost) -> dict[str, Status]:
    os.environ["XDG_CONFIG_HOME"] = str(at / "config")
    try:
        folder = open_data_folder(data, load_config())
        customers = open_customers(folder.governance, key=read_secrets(folder).master)
    finally:
        del os.environ["XDG_CONFIG_HOME"]
    try:
        found = {customer.id: customer.status for customer in customers.all()}
    finally:
        customers.close()
    return {name: found[each] for name, each in lost.ids.items() if each in found}


def test_the_log_goes_on_from_a_copy(lost: Lost, tmp_path: Path, group: bytes) -> None:
    lost = lost.copy(tmp_path / "machine")
    data = lost.at / "data"
    done = lost.candid("restore", lost.backup, "--data", data, "--log", lost.mirror, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["log_public_key"] == lost.key
    assert found["previous_log"] is None
    assert found["brought_up"] == {"closed": 1, "revoked": 1, "erased": 2, "unknown": 1, "outdated": 0}
    assert statuses(lost.at, data, lost) == {
        "closing": Status.CLOSED,
        "changed": Status.UNSCREENED,
        "ended": Status.CLOSED,
    }
    running = start_server(data)
    try:
        client = running.client()
        assert client.list_collections()["CollectionIds"] == ["c"]
        faces = [face["FaceId"] for face in client.list_faces(CollectionId="c")["Faces"]]
        assert lost.kept in faces
        assert lost.erased not in faces
        client.detect_faces(Image={"Bytes": group})
        url = f"{running.ready['url']}/log"
        assert told(lost.at, "receipt", "verify", lost.receipt, "--url", url, "--log-key", lost.key)
    finally:
        assert running.stop() == 0
    audited(lost.at, data, lost.key, unknown=1)
    assert sum(entry["kind"] == "log/1" for entry in entries(data, lost.key)) == 1


def test_a_copy_that_does_not_do(lost: Lost, tmp_path: Path) -> None:
    data = tmp_path / "data"

    def refused(copy: object, words: str) -> None:
        done = lost.candid("restore", lost.backup, "--data", data, "--log", copy)
        assert done.returncode == 2
        assert words in done.stderr
        assert "Traceback" not in done.stderr
        assert not (data / "candid.json").exists()

    refused(lost.older, "name a newer copy, or begin another log with `--new-log`")
    refused(tmp_path / "nothing", "has no file checkpoint")
    refused("ftp://example.org/log", "is no address of a log")
    changed = tmp_path / "changed"
    shutil.copytree(lost.mirror, changed)
    bundle = max((changed / "tile" / "entries").rglob("*.p/*"), key=lambda path: int(path.name))
    content = bundle.read_bytes()
    bundle.write_bytes(content[:100] + bytes([content[100] ^ 1]) + content[101:])
    refused(changed, "is not restored")
    both = lost.candid("restore", lost.backup, "--data", data, "--log", lost.mirror, "--new-log")
    assert (both.returncode, "either --log or --new-log" in both.stderr) == (2, True)


def test_another_log_begins(lost: Lost, tmp_path: Path, group: bytes) -> None:
    lost = lost.copy(tmp_path / "machine")
    data = lost.at / "data"
    done = lost.candid("restore", lost.backup, "--data", data, "--new-log", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    old, key = VerifierKey.parse(lost.key), found["log_public_key"]
    assert key.startswith(f"{old.name}/2+")
    newest = LogReader.open(FolderSource(lost.mirror), old).signed
    previous = found["previous_log"]
    assert (previous["origin"], previous["key"], previous["size"]) == (old.name, lost.key, newest.size)
    keys = sorted(path.name.partition(".")[2] for path in (lost.at / "config" / "candid" / "keys").iterdir())
    assert keys == ["key", "log.guard", "log.guard.ended-1", "log.key", "log.key.ended-1"]
    running = start_server(data)
    try:
        assert running.ready["log_public_key"] == key
        client = running.client()
        client.detect_faces(Image={"Bytes": group})
        client.delete_faces(CollectionId="c", FaceIds=[lost.kept])
        exported = lost.at / "never.evidence"
        claim = ("--claim", "never-served", "--subject", "Danach GmbH")
        told(lost.at, "evidence", "export", *claim, "--data", data, "-o", exported)
    finally:
        assert running.stop() == 0
    audited(lost.at, data, key)
    first, *rest = entries(data, key)
    assert first["previous"] == previous
    # That of Candid held when the log ended, or the operator's already did, which is to hold after a minute.
    ours = ['"title":"Ours"' in entry["note"] for entry in rest if entry["kind"] == "prices/1"]
    assert ours in ([False, True], [True])
    calls = [entry["number"] for entry in rest if entry["kind"] == "call/1"]
    assert calls == list(range(1, len(calls) + 1))
    events = [entry["event"] for entry in rest if entry["kind"] == "customer/1"]
    assert sorted(events) == sorted(["opened"] * 4 + ["updated", "closed", "erased"])
    verdict = json.loads(run(lost.at, "evidence", "verify", exported, "--log-key", key, "--json").stdout)
    assert verdict["verdict"] == "established"
    assert any(f"it succeeds the log “{old.name}”" in each for each in verdict["not_established"])
    # What the old log proves, it still proves.
    assert told(lost.at, "receipt", "verify", lost.receipt, "--data", lost.mirror, "--log-key", lost.key)
    # And once more: the next one names the second.
    again = lost.candid("restore", lost.backup, "--data", lost.at / "third", "--new-log", "--json")
    assert again.returncode == 0, again.stderr
    third = json.loads(again.stdout)
    assert third["log_public_key"].startswith(f"{old.name}/3+")
    assert third["previous_log"]["key"] == key
    audited(lost.at, lost.at / "third", third["log_public_key"])


def test_another_log_begins_where_the_key_is_lost(lost: Lost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has the name that is configured, and is not public before the witnesses that are configured know it."""
    lost = lost.copy(tmp_path / "machine")
    (log_key,) = (lost.at / "config" / "candid" / "keys").glob("*.log.key")
    log_key.unlink()
    data = lost.at / "data"
    for more in ((), ("--log", lost.mirror)):
        refused = lost.candid("restore", lost.backup, "--data", data, *more)
        assert refused.returncode == 2
        assert f"the key of its log, {log_key}, is missing" in refused.stderr
        assert "`--new-log` ends that log for good" in refused.stderr
    witness = SigningKey.generate("witness.example/w", Algorithm.COSIGNATURE).verifier
    (lost.at / "policy").write_text(f"witness W {witness} http://127.0.0.1:9/\nquorum W\n")
    monkeypatch.setenv("CANDID_LOG_WITNESSES", str(lost.at / "policy"))
    monkeypatch.setenv("CANDID_LOG_ORIGIN", "log.example.org")
    done = lost.candid("restore", lost.backup, "--data", data, "--new-log", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["log_public_key"].startswith("log.example.org/2+")
    assert found["previous_log"]["key"] == lost.key
    assert not (data / "ledger" / "checkpoint").exists()
    old = VerifierKey.parse(lost.key)
    guard = open_checkpoint(log_key.with_name(f"{log_key.name[:-3]}guard.ended-1").read_bytes(), old)
    assert found["previous_log"]["size"] == guard.size
    monkeypatch.delenv("CANDID_LOG_WITNESSES")
    running = start_server(data)
    assert running.stop() == 0
    audited(lost.at, data, found["log_public_key"])


def test_nothing_is_left_of_a_restore_that_fails(lost: Lost, tmp_path: Path) -> None:
    data, policy = tmp_path / "data", tmp_path / "policy"
    policy.write_text("no policy")
    lost = lost.copy(tmp_path / "machine")
    keys = lost.at / "config" / "candid" / "keys"
    before = {path.name: path.read_bytes() for path in keys.iterdir()}
    (tmp_path / "settings.toml").write_text(f'log.witnesses = "{policy}"\n')
    failed = lost.candid("restore", lost.backup, "--data", data, "--new-log", "--config", tmp_path / "settings.toml")
    assert (failed.returncode, "log.witnesses" in failed.stderr, "Traceback" in failed.stderr) == (2, True, False)
    assert list(data.iterdir()) == []
    assert {path.name: path.read_bytes() for path in keys.iterdir()} == before


@pytest.mark.parametrize(
    ("old", "base", "new"),
    [
        ("candid.local/000000000000", "", "candid.local/000000000000/2"),
        ("candid.local/123456789012", "", "candid.local/123456789012/2"),
        ("candid.local/123456789012/2", "", "candid.local/123456789012/3"),
        ("log.example.org", "", "log.example.org/2"),
        ("log.example.org/999", "", "log.example.org/1000"),
        ("log.example.org/2", "log.example.org", "log.example.org/3"),
        ("log.example.org", "log.example.org", "log.example.org/2"),
        ("candid.local/000000000000", "log.example.org", "log.example.org/2"),
        ("2", "", "2/2"),
        ("log/02", "", "log/02/2"),
    ],
)
def test_the_name_of_the_next_log(old: str, base: str, new: str) -> None:
    assert next_origin(old, base) == new
