"""The verifier alone: a wheel of its own, in an environment that has `cryptography` and nothing of Candid."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ROOT / "verifiers" / "python"
BUILD = "import sys, hatchling.build as b; print(getattr(b, 'build_' + sys.argv[1])(sys.argv[2]))"


def build(kind: str, project: Path, target: Path) -> Path:
    command = [sys.executable, "-c", BUILD, kind, str(target)]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=True)
    return target / done.stdout.strip().splitlines()[-1]


def modules(path: Path) -> set[str]:
    if path.suffix == ".whl":
        names = zipfile.ZipFile(path).namelist()
    else:
        with tarfile.open(path) as archive:
            names = archive.getnames()
    return {Path(name).name for name in names if "candid_verify/" in name and name.endswith(".py")}


OURS = {path.name for path in (ROOT / "src" / "candid_verify").glob("*.py")}


def test_the_wheel_has_the_package(tmp_path):
    wheel = build("wheel", PROJECT, tmp_path)
    assert modules(wheel) == OURS
    names = zipfile.ZipFile(wheel).namelist()
    assert not [name for name in names if name.startswith("candid/")]
    entry_points = next(name for name in names if name.endswith("entry_points.txt"))
    assert "candid-verify = candid_verify.command:main" in zipfile.ZipFile(wheel).read(entry_points).decode()


def test_a_source_distribution_gives_the_same_wheel(tmp_path):
    source = build("sdist", PROJECT, tmp_path)
    with tarfile.open(source) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (inside,) = (tmp_path / "unpacked").iterdir()
    again = build("wheel", inside, tmp_path / "again")
    assert modules(source) - {"hatch_build.py"} == modules(again) == OURS


@pytest.fixture
def alone(tmp_path):
    """A folder with the wheel's content and `cryptography`'s, and nothing else to import but the standard library."""
    folder = tmp_path / "alone"
    zipfile.ZipFile(build("wheel", PROJECT, tmp_path)).extractall(folder)
    for name in ("cryptography", "cffi", "pycparser"):
        for file in distribution(name).files or ():
            if not str(file).startswith(".."):
                target = folder / str(file)
                target.parent.mkdir(parents=True, exist_ok=True)
                if not target.exists():
                    target.symlink_to(Path(str(file.locate())).resolve())
    return folder


@pytest.mark.slow
def test_verifies_alone(world, all_evidence, alone, tmp_path):
    """`-S` leaves out site-packages: an import of anything else would fail."""
    environment = {"PYTHONPATH": str(alone), "PATH": os.environ["PATH"]}
    base = [str(Path(sys.executable).resolve()), "-S"]
    for name in ("candid", "boto3", "numpy"):
        done = subprocess.run([*base, "-c", f"import {name}"], env=environment, capture_output=True, check=False)
        assert done.returncode == 1
    for name, evidence in all_evidence.items():
        (tmp_path / name).write_bytes(world.seal(evidence))
        command = [*base, "-m", "candid_verify", str(tmp_path / name), "--log-key", world.key, "--json"]
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
        assert json.loads(done.stdout)["verdict"] == "established"


def test_imports_nothing_of_candid_and_little_else():
    """In a fresh interpreter: what is there after the import, beyond the standard library."""
    code = "import sys, candid_verify.command; print(sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    found = set(json.loads(done.stdout.replace("'", '"')))
    foreign = {name for name in found - set(sys.stdlib_module_names) if not name.startswith("_")}
    assert {"candid_verify", "cryptography"} <= foreign
    assert not foreign & {"candid", "botocore", "boto3", "click", "numpy", "orjson", "pybase64", "rich", "starlette"}
