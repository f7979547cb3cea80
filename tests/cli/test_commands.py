"""The command line as a person meets it: help, settings, data folders, errors that say what to do."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from candid.cli import _COMMANDS

Done = subprocess.CompletedProcess[str]


def candid(*arguments: str, **environment: str) -> Done:
    return subprocess.run(
        [sys.executable, "-m", "candid", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environment},
    )


def test_help_names_every_command_and_imports_none() -> None:
    code = (
        "import sys\n"
        "from candid.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'cv2', 'onnxruntime', 'faiss', 'boto3'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name in _COMMANDS:
        assert f"\n  {name} " in done.stdout


@pytest.mark.parametrize("name", sorted(_COMMANDS))
def test_each_command_helps_with_an_example(name: str) -> None:
    done = candid(name, "--help")
    assert done.returncode == 0, done.stderr
    if "Commands:" not in done.stdout:
        assert f"candid {name}" in done.stdout


def test_config_show() -> None:
    done = candid("config", "show", "--json", CANDID_PORT="1234", CANDID_S3_SECRET_ACCESS_KEY="hidden")
    settings = {each["key"]: each["value"] for each in json.loads(done.stdout)}
    assert settings["port"] == 1234
    assert "hidden" not in done.stdout


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"CANDID_PORT": "99999"}, "between 0 and 65535"),
        ({"CANDID_PORT": "+1"}, "whole number"),
        ({"CANDID_KEEP_CROPS": "perhaps"}, "true or false"),
        ({"CANDID_LOG_LEVEL": "loud"}, "one of debug, info"),
        ({"CANDID_ACCOUNT": "12"}, "twelve digits"),
        ({"CANDID_HOST": ""}, "must not be empty"),
        ({"CANDID_REGION": "a b"}, "like us-east-1"),
    ],
)
def test_settings_that_cannot_be_used(environment: dict[str, str], says: str) -> None:
    done = candid("config", "show", **environment)
    assert (done.returncode, says in done.stderr) == (2, True), done.stderr


@pytest.mark.parametrize(
    ("content", "says"),
    [("prot = 1\n", "unknown setting 'prot'"), ("port = \n", "not valid TOML"), ("[s3]\nx = 1\n", "'s3.x'")],
)
def test_files_that_cannot_be_used(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "candid.toml").write_text(content)
    done = candid("config", "show", "--config", str(tmp_path / "candid.toml"))
    assert (done.returncode, says in done.stderr) == (2, True), done.stderr


def test_init_is_idempotent(tmp_path: Path) -> None:
    environment = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    arguments = ("init", "--data", str(tmp_path / "data"), "--account", "123456789012", "--json")
    first, second = (json.loads(candid(*arguments, **environment).stdout) for _ in range(2))
    assert first == second
    assert first["account"] == "123456789012"
    assert first["log_public_key"].startswith("candid.local/123456789012+")
    key = Path(first["key_file"])
    assert not key.is_relative_to(tmp_path / "data")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    verified = candid(
        "ledger", "verify", "--data", str(tmp_path / "data"), "--log-key", first["log_public_key"], **environment
    )
    assert verified.returncode == 0, verified.stderr


def test_init_leaves_other_folders_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    done = candid("init", "--data", str(tmp_path), XDG_CONFIG_HOME=str(tmp_path / "config"))
    assert (done.returncode, "no data folder" in done.stderr) == (2, True)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_two_folders_with_one_key_file_have_logs_of_their_own(tmp_path: Path) -> None:
    environment = {"CANDID_KEY_FILE": str(tmp_path / "my.key")}
    keys = set()
    for name in ("one", "two"):
        done = candid("init", "--data", str(tmp_path / name), "--json", **environment)
        assert done.returncode == 0, done.stderr
        keys.add(json.loads(done.stdout)["log_public_key"])
    assert len(keys) == 2
