"""An operator's own embedder: added, calibrated, made the default, and collections moved to it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import onnx
import pytest
from onnx import helper
from tests.conftest import start_server

from candid.vision.models import default_folder


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A models folder of its own, as `candid models pull` left it."""
    folder = tmp_path / "models"
    shutil.copytree(default_folder(os.environ), folder)
    return folder


def own_embedder(models: Path, to: Path) -> None:
    """Candid's embedder with its output turned upside down: as another maker's file, it is a model of its own."""
    model = onnx.load(models / "mobilefacenet.onnx")
    last = model.graph.output[0].name
    model.graph.initializer.append(helper.make_tensor("minus", onnx.TensorProto.FLOAT, [1], [-1.0]))
    model.graph.node.append(helper.make_node("Mul", [last, "minus"], ["turned"]))
    model.graph.output[0].name = "turned"
    onnx.save(model, to)


def test_both_versions_are_served_and_kept_crops_move(
    tmp_path: Path, models: Path, astronaut: bytes, group: bytes
) -> None:
    environment = {
        "CANDID_MODELS": str(models),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
    }

    def candid(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "candid", *arguments],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env={**os.environ, **environment},
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def enrol(collection: str, **settings: str) -> str:
        running = start_server(tmp_path / "data", environment={**environment, **settings})
        try:
            client = running.client()
            version = client.create_collection(CollectionId=collection)["FaceModelVersion"]
            client.index_faces(CollectionId=collection, Image={"Bytes": astronaut}, ExternalImageId="astronaut")
            client.index_faces(CollectionId=collection, Image={"Bytes": group})
        finally:
            assert running.stop() == 0
        return version

    old = enrol("kept", CANDID_KEEP_CROPS="true")
    assert enrol("not-kept") == old

    own_embedder(models, tmp_path / "own.onnx")
    candid("models", "add", str(tmp_path / "own.onnx"), "--kind", "embedder", "--name", "own")
    card = json.loads(candid("models", "show", "own", "--json"))
    curve = models / "calibrations"
    curve.mkdir()
    contract = f"own-{card['version']}-{card['digest'][:12]}-{card['preprocessing']}-192"
    points = {"measured_on": "made up", "points": [[-1, 0], [0.47, 80], [0.65, 99], [1, 100]]}
    (curve / f"{contract}.json").write_text(json.dumps(points))

    moved = json.loads(candid("upgrade", "--data", str(tmp_path / "data"), "--embedder", "own", "--json"))
    by_name = {each["collection"]: each for each in moved}
    assert by_name["kept"]["moved"] is True
    assert by_name["kept"]["version"] == card["version"] != old
    assert by_name["not-kept"] == {
        "account": "000000000000",
        "collection": "not-kept",
        "version": old,
        "faces": 5,
        "moved": False,
        "without_crop": 5,
    }

    running = start_server(tmp_path / "data", environment={**environment, "CANDID_EMBEDDER": "own"})
    try:
        client = running.client()
        for collection, version in (("kept", card["version"]), ("not-kept", old)):
            found = client.search_faces_by_image(CollectionId=collection, Image={"Bytes": astronaut})
            assert found["FaceModelVersion"] == version
            assert [m["Face"]["ExternalImageId"] for m in found["FaceMatches"]] == ["astronaut"]
        assert client.create_collection(CollectionId="new")["FaceModelVersion"] == card["version"]
    finally:
        assert running.stop() == 0
