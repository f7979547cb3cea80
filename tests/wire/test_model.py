from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import botocore.loaders
import botocore.model
import pytest

from candid.wire.model import ModelError, _build, load_model, model_file


def test_it_says_what_botocores_own_loader_says(wire):
    raw = botocore.loaders.create_loader().load_service_model("rekognition", "service-2")
    theirs = botocore.model.ServiceModel(raw)
    assert sorted(wire.MODEL.operations) == sorted(theirs.operation_names)
    assert wire.MODEL.target_prefix == theirs.metadata["targetPrefix"]
    for name, operation in wire.MODEL.operations.items():
        their = theirs.operation_model(name)
        assert operation.input.name == their.input_shape.name
        assert list(operation.input.members) == list(their.input_shape.members)
        assert list(operation.input.required) == their.input_shape.required_members
        assert operation.output.name == their.output_shape.name
    for name, shape in wire.MODEL.shapes.items():
        their = theirs.shape_for(name)
        assert shape.kind == their.type_name
        assert (shape.low, shape.high) == (their.metadata.get("min"), their.metadata.get("max"))
        assert list(shape.enum) == their.metadata.get("enum", [])


@pytest.mark.parametrize(("operation", "images"), [("DetectFaces", 1), ("CompareFaces", 2), ("ListFaces", 0)])
def test_how_many_images_a_request_holds_and_how_long_it_can_be(wire, operation, images):
    found = wire.MODEL.operations[operation]
    assert found.images == images
    assert found.body_limit == 2**20 + images * 6_990_508


def test_loading_does_not_import_botocore():
    code = "import sys; from candid.wire import load_model; load_model(); print('botocore' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "False"


def test_the_file_is_the_installed_ones():
    assert model_file().is_file()
    assert load_model().errors >= {"InvalidParameterException", "ThrottlingException"}


def test_another_protocol_is_refused():
    with pytest.raises(ValueError, match=r"JSON 1\.1"):
        _build({"metadata": {"protocol": "rest-json", "jsonVersion": "1.1"}})


def test_no_botocore_is_said_in_words(monkeypatch):
    monkeypatch.setattr("candid.wire.model.find_spec", lambda name: None)
    with pytest.raises(ModelError, match="install Candid's dependencies"):
        load_model()


def test_a_botocore_without_the_model_is_said_in_words(monkeypatch, tmp_path):
    spec = SimpleNamespace(origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr("candid.wire.model.find_spec", lambda name: spec)
    with pytest.raises(ModelError, match="no model of Rekognition"):
        load_model()


def test_a_model_that_is_not_understood(tmp_path):
    path = tmp_path / "service-2.json"
    path.write_text('{"metadata": {}}')
    with pytest.raises(ModelError, match="not understood"):
        load_model(path)
