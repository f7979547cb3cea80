from __future__ import annotations

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from candid.evaluation.verification import evaluate_pairs, read_pairs
from candid.vision import (
    Engine,
    EngineClosed,
    Image,
    ImageLimits,
    ModelError,
    ModelMissing,
    UnknownContract,
    decode_image,
    open_engine,
)
from candid.vision.models import Models
from candid.vision.runtime import recording


def copied(models: Models, folder: Path, *, without: str = "") -> Models:
    for name in models.names():
        if name != without:
            for suffix in (".onnx", ".json"):
                shutil.copy(models.folder / f"{name}{suffix}", folder)
    return Models(folder)


def test_from_the_file_to_the_embedding(engine: Engine, astronaut_jpeg: bytes) -> None:
    image = decode_image(astronaut_jpeg, limits=ImageLimits())
    faces = engine.detect(image, max_faces=10)
    descriptions = engine.describe(image, faces, attributes=False)
    embeddings = engine.embed(image, faces, contract=engine.default_contract.id)
    assert len(faces) == len(descriptions) == len(embeddings) == 1
    assert np.array_equal(engine.embed_crops(engine.crops(image, faces)), embeddings)


def test_many_threads_get_what_one_gets(engine: Engine, astronaut: Image) -> None:
    parts = [Image(np.ascontiguousarray(astronaut.pixels[:, i * 7 :])) for i in range(12)]

    def work(image: Image) -> np.ndarray:
        return engine.embed(image, engine.detect(image, max_faces=1))

    expected = [work(part) for part in parts]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(work, parts * 2))
    for one, many in zip(expected * 2, found, strict=True):
        assert one @ many.T > 1 - 1e-4


def test_counters_count_each_pass(models: Models, astronaut: Image) -> None:
    engine = open_engine(models, provider="cpu")
    assert {name: count.passes for name, count in engine.counters().items() if count.passes} == {}
    with recording() as kept:
        engine.embed(astronaut, engine.detect(astronaut, max_faces=1))
    recorded: dict[str, int] = {}
    for runner, arrays in kept.calls:
        recorded[runner.name] = recorded.get(runner.name, 0) + sum(len(array) for array in arrays)
    counted = {name: count.rows for name, count in engine.counters().items() if count.rows}
    assert counted == recorded
    assert set(counted) == {"mtcnn-pnet", "mtcnn-rnet", "mtcnn-onet", "face-mesh", "mobilefacenet"}
    engine.close()


def test_memory_and_threads_stay_after_many_sizes(engine: Engine, astronaut: Image) -> None:
    threads = threading.active_count()
    for side in range(100, 400, 10):
        engine.detect(Image(np.ascontiguousarray(astronaut.pixels[:side, : 500 - side])), max_faces=5)
    assert threading.active_count() == threads


def test_a_closed_engine_refuses(models: Models, astronaut: Image) -> None:
    engine = open_engine(models, provider="cpu")
    faces = engine.detect(astronaut, max_faces=1)
    engine.close()
    with pytest.raises(EngineClosed):
        engine.detect(astronaut, max_faces=1)
    with pytest.raises(EngineClosed):
        engine.embed(astronaut, faces)
    engine.close()


def test_an_unknown_contract(engine: Engine, astronaut: Image) -> None:
    with pytest.raises(UnknownContract, match="old-1"):
        engine.embed(astronaut, [], contract="old-1")


def test_several_embedders_are_served_side_by_side(models: Models, tmp_path: Path, astronaut: Image) -> None:
    own = copied(models, tmp_path)
    first = own.card("mobilefacenet")
    content = own.path("mobilefacenet").read_bytes()
    own.put(replace(first, name="mine", version="100.5", identity="ab" * 32), content)
    engine = open_engine(own, embedder="mine", provider="cpu")
    try:
        assert engine.default_contract.model == "mine"
        assert [c.model for c in engine.contracts] == ["mine", "mobilefacenet"]
        faces = engine.detect(astronaut, max_faces=1)
        both = [engine.embed(astronaut, faces, contract=c.id) for c in engine.contracts]
        assert np.allclose(both[0], both[1])
        assert np.array_equal(engine.embed(astronaut, faces), both[0])
    finally:
        engine.close()


@pytest.mark.parametrize("name", ["face-mesh", "mtcnn-rnet", "mobilefacenet"])
def test_a_missing_model_is_named(models: Models, tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelMissing, match=f"{name}.*candid models pull"):
        open_engine(copied(models, tmp_path, without=name), provider="cpu")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"detector": "absent"}, "no model 'absent'"),
        ({"embedder": "absent"}, "no model 'absent'"),
        ({"embedder": "face-mesh"}, "not an embedder"),
        ({"detector": "blazeface-back"}, "cannot serve as the detector"),
        ({"provider": "tpu"}, "unknown provider"),
    ],
)
def test_what_cannot_be_opened(models: Models, options: dict[str, str], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        open_engine(models, **options)


def test_an_altered_model_is_refused(models: Models, tmp_path: Path, astronaut: Image) -> None:
    own = copied(models, tmp_path)
    file = tmp_path / "mtcnn-onet.onnx"
    file.write_bytes(file.read_bytes()[:-1] + b"\x01")
    engine = open_engine(own, provider="cpu")
    with pytest.raises(ModelError, match="altered or damaged"):
        engine.detect(astronaut, max_faces=1)
    with pytest.raises(ModelError, match="altered or damaged"):
        engine.warm_up()
    engine.close()


def test_persons_are_told_apart(engine: Engine, labelled_faces: Path) -> None:
    report = evaluate_pairs(engine, read_pairs(labelled_faces / "pairs.csv"), labelled_faces / "images")
    assert report.undetected == 0
    assert report.auc is not None
    assert report.auc > 0.99
    # What face_recognition (dlib) reaches on such photographs is 0.97.
    assert report.tar_at_far["0.001"] is not None
    assert report.tar_at_far["0.001"] > 0.97
