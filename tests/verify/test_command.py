"""The command `candid-verify`."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from candid_verify.command import main


@pytest.fixture
def files(world, all_evidence, tmp_path):
    """A file for each verdict, and the log's key in a file."""
    kinds = {
        "established": world.seal(all_evidence["erased"]),
        "not-established": world.seal(world.never_served(country="NL")),
        "invalid": b"x",
    }
    for name, data in kinds.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "log.key").write_text(f"{world.key}\n")
    return tmp_path


@pytest.mark.parametrize(("name", "code"), [("established", 0), ("not-established", 1), ("invalid", 2)])
def test_exit_codes_and_both_outputs(world, files, capfd, name, code):
    assert main([str(files / name), "--log-key", world.key, "--json"]) == code
    out, err = capfd.readouterr()
    assert json.loads(out)["verdict"] == name
    assert not err
    assert main([str(files / name), "--log-key", str(files / "log.key")]) == code
    out, err = capfd.readouterr()
    assert name in out.split("\n")[0]
    assert ("no evidence file" in out) == (name == "invalid")
    assert not err


def test_report_and_policy(world, files, capfd):
    (files / "policy").write_text("quorum none\n")
    arguments = [str(files / "established"), "--log-key", world.key, "--witness-policy", str(files / "policy")]
    assert main([*arguments, "--report", str(files / "r.html")]) == 0
    assert "demands no witness" in (files / "r.html").read_text("utf-8")
    capfd.readouterr()


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["nowhere", "--log-key", "KEY"], "nowhere cannot be read: No such file"),
        (["established", "--log-key", "nonsense"], "cannot be read as the log's key"),
        (["established", "--log-key", "a+b+c"], "no public key"),
        (["established", "--log-key", "KEY", "--witness-policy", "invalid"], "witness policy"),
        (["established", "--log-key", "KEY", "--witness-policy", "nowhere"], "cannot be read as the witness policy"),
        (["established", "--log-key", "KEY", "--report", "no/where"], "cannot be written"),
    ],
)
def test_wrong_use_is_a_sentence(world, files, capfd, monkeypatch, arguments, why):
    monkeypatch.chdir(files)
    assert main([world.key if each == "KEY" else each for each in arguments]) == 2
    out, err = capfd.readouterr()
    assert err.startswith("candid-verify: ")
    assert why in err
    assert not out


def test_help_has_an_example(capfd):
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    assert "Example: candid-verify" in capfd.readouterr().out


def test_runs_as_a_module_and_speaks_utf_8_whatever_the_terminal(world, files):
    (files / "o").write_bytes(world.seal(world.never_served(subject="Ёлка")))
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    command = [sys.executable, "-m", "candid_verify", str(files / "o"), "--log-key", world.key]
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert "“Ёлка”" in done.stdout.decode()
