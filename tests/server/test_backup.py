"""`candid backup` of a running server and `candid restore`, through the command line."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conftest import RunningServer, start_server


@pytest.fixture
def config(tmp_path: Path) -> dict[str, str]:
    return {"XDG_CONFIG_HOME": str(tmp_path / "config")}


def candid(config: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "candid", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **config},
    )


@pytest.fixture
def filled(tmp_path: Path, astronaut: bytes, group: bytes) -> RunningServer:
    running = start_server(tmp_path / "data")
    client = running.client()
    client.create_collection(CollectionId="c", Tags={"a": "b"})
    client.index_faces(CollectionId="c", Image={"Bytes": group})
    kept = client.index_faces(CollectionId="c", Image={"Bytes": astronaut}, ExternalImageId="astronaut")
    client.create_user(CollectionId="c", UserId="u")
    client.associate_faces(CollectionId="c", UserId="u", FaceIds=[kept["FaceRecords"][0]["Face"]["FaceId"]])
    return running


def on_another_machine(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A folder and settings as on a machine that has the keys, and that never ran this log."""
    there = tmp_path / "elsewhere"
    shutil.copytree(tmp_path / "config", there / "config", ignore=shutil.ignore_patterns("*.log.guard"))
    return there / "restored", {"XDG_CONFIG_HOME": str(there / "config")}


def test_a_backup_of_a_running_server_is_restored(
    filled: RunningServer, tmp_path: Path, config: dict[str, str], astronaut: bytes
) -> None:
    file = tmp_path / "candid.backup"
    try:
        made = candid(config, "backup", "--data", str(filled.data), "-o", str(file), "--json")
        assert made.returncode == 0, made.stderr
        assert json.loads(made.stdout)["size"] == file.stat().st_size
        again = candid(config, "backup", "--data", str(filled.data), "-o", str(file))
        assert (again.returncode, "exists already" in again.stderr) == (2, True)
        # What is enrolled afterwards is not in it.
        filled.client().delete_faces(
            CollectionId="c",
            FaceIds=[face["FaceId"] for face in filled.client().list_faces(CollectionId="c")["Faces"]],
        )
    finally:
        assert filled.stop() == 0
    target, there = on_another_machine(tmp_path)
    restored = candid(there, "restore", str(file), "--data", str(target))
    assert restored.returncode == 0, restored.stderr
    running = start_server(target)
    try:
        client = running.client()
        assert running.ready["access_key_id"] == filled.ready["access_key_id"]
        assert running.ready["log_public_key"] == filled.ready["log_public_key"]
        assert client.describe_collection(CollectionId="c")["FaceCount"] == 5
        found = client.search_users_by_image(CollectionId="c", Image={"Bytes": astronaut})
        assert [match["User"]["UserId"] for match in found["UserMatches"]] == ["u"]
    finally:
        assert running.stop() == 0


def test_a_log_that_has_gone_on_since_is_not_written_twice(
    filled: RunningServer, tmp_path: Path, config: dict[str, str]
) -> None:
    file, target = tmp_path / "candid.backup", tmp_path / "restored"
    try:
        assert candid(config, "backup", "--data", str(filled.data), "-o", str(file)).returncode == 0
    finally:
        assert filled.stop() == 0
    refused = candid(config, "restore", str(file), "--data", str(target))
    assert refused.returncode == 2
    assert "would show two histories. Restore with `--log FOLDER` or `--log URL`" in refused.stderr
    assert "or with `--new-log`, which ends that log for good" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not any(target.iterdir())


def test_what_cannot_be_restored(filled: RunningServer, tmp_path: Path, config: dict[str, str]) -> None:
    assert filled.stop() == 0
    file = tmp_path / "candid.backup"
    assert candid(config, "backup", "--data", str(filled.data), "-o", str(file)).returncode == 0

    def refused(source: Path, words: str, *more: str) -> None:
        target = tmp_path / "target"
        done = candid(config, "restore", str(source), "--data", str(target), *more)
        assert done.returncode == 2, done.stderr
        assert words in done.stderr
        assert "Traceback" not in done.stderr
        assert not (target / "candid.json").exists()
        shutil.rmtree(target, ignore_errors=True)

    content = file.read_bytes()
    broken = tmp_path / "broken"
    broken.write_bytes(content[: len(content) // 2])
    refused(broken, "cannot be restored")
    with tarfile.open(file) as tar:
        info = tar.getmember("governance.db")
    at = info.offset_data + info.size // 2
    broken.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    refused(broken, "governance.db")
    broken.write_bytes(content.replace(b'"format": 1', b'"format": 2', 1))
    refused(broken, "changed")
    broken.write_bytes(b"no backup")
    refused(broken, "no backup of Candid")
    refused(tmp_path / "missing", "no backup of Candid")
    other = tmp_path / "other.key"
    other.write_bytes(bytes(32))
    other.chmod(0o600)
    refused(file, "another key", "--key-file", str(other))
    refused(file, "is missing", "--key-file", str(tmp_path / "nowhere.key"))
    occupied = candid(config, "restore", str(file), "--data", str(filled.data))
    assert (occupied.returncode, "not empty" in occupied.stderr) == (2, True)


def rewritten(source: Path, target: Path, name: str, change: Callable[[tarfile.TarInfo, bytes], bytes | None]) -> None:
    """Copy a backup; `change` alters the member `name` in place and returns its content, or None to leave it out."""
    with tarfile.open(source) as old, tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as new:
        for member in old.getmembers():
            file = old.extractfile(member)
            assert file is not None
            content: bytes | None = file.read()
            if member.name == name:
                content = change(member, content or b"")
            if content is not None:
                member.size = len(content)
                new.addfile(member, io.BytesIO(content))


def link_to_itself(member: tarfile.TarInfo, _: bytes) -> bytes:
    member.type, member.linkname = tarfile.SYMTYPE, member.name
    return b""


def missing(_: tarfile.TarInfo, __: bytes) -> None:
    return None


def sparse(member: tarfile.TarInfo, content: bytes) -> bytes:
    """A hundred bytes that unpack to a terabyte (GNU's sparse format 1.0)."""
    member.pax_headers = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": member.name,
        "GNU.sparse.realsize": str(1 << 40),
    }
    return b"1\n0\n100\n".ljust(512, b"\0") + content[:100]


def too_deep(_: tarfile.TarInfo, __: bytes) -> bytes:
    return b"[" * 200_000


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("manifest.json", link_to_itself, "no backup of Candid"),
        ("manifest.json", too_deep, "no backup of Candid"),
        ("manifest.json", sparse, "no backup of Candid"),
        ("manifest.json", missing, "no backup of Candid"),
        ("manifest.hmac", link_to_itself, "not what it should be"),
        ("manifest.hmac", missing, "no manifest"),
        ("candid.json", link_to_itself, "not what it should be"),
        ("candid.json", sparse, "not what it should be"),
        ("candid.json", missing, "take another copy"),
    ],
)
def test_a_hostile_backup(
    name: str,
    change: Callable[[tarfile.TarInfo, bytes], bytes | None],
    words: str,
    tmp_path: Path,
    config: dict[str, str],
) -> None:
    """Whoever holds a backup, but no key, makes `restore` neither fail in an odd way nor fill the disk."""
    assert candid(config, "init", "--data", str(tmp_path / "data")).returncode == 0
    assert candid(config, "backup", "--data", str(tmp_path / "data"), "-o", str(tmp_path / "b")).returncode == 0
    rewritten(tmp_path / "b", tmp_path / "hostile", name, change)
    done = candid(config, "restore", str(tmp_path / "hostile"), "--data", str(tmp_path / "restored"))
    assert (done.returncode, words in done.stderr) == (2, True), done.stderr
    assert "Traceback" not in done.stderr
    restored = tmp_path / "restored"
    assert not restored.exists() or not any(restored.iterdir())


def test_a_key_file_of_another_place_is_named_for_the_server(tmp_path: Path, config: dict[str, str]) -> None:
    key = str(tmp_path / "my.key")
    elsewhere = {**config, "CANDID_KEY_FILE": key}
    assert candid(elsewhere, "init", "--data", str(tmp_path / "data")).returncode == 0
    assert candid(elsewhere, "backup", "--data", str(tmp_path / "data"), "-o", str(tmp_path / "b")).returncode == 0
    restored = candid(config, "restore", str(tmp_path / "b"), "--data", str(tmp_path / "restored"), "--key-file", key)
    assert restored.returncode == 0, restored.stderr
    assert f"CANDID_KEY_FILE={key} candid serve" in restored.stdout


def test_a_folder_that_was_never_served(tmp_path: Path, config: dict[str, str]) -> None:
    assert candid(config, "init", "--data", str(tmp_path / "data")).returncode == 0
    made = candid(config, "backup", "--data", str(tmp_path / "data"), "-o", str(tmp_path / "b"))
    assert made.returncode == 0, made.stderr
    restored = candid(config, "restore", str(tmp_path / "b"), "--data", str(tmp_path / "restored"))
    assert restored.returncode == 0, restored.stderr
    running = start_server(tmp_path / "restored")
    assert running.stop() == 0
