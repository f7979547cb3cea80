"""The models folder: what is there, what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from candid.vision.errors import ModelError, ModelMissing
from candid.vision.models import Models, default_folder, open_models
from candid.vision.models.building import card_of
from candid.vision.models.recipes import RECIPES

MODEL = b"the bytes of a model"
CARD = card_of(RECIPES["iris"], MODEL)


@pytest.fixture
def models(tmp_path) -> Models:
    models = open_models(tmp_path / "models")
    models.put(CARD, MODEL)
    return models


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"CANDID_MODELS": "/m", "XDG_CACHE_HOME": "/c", "HOME": "/h"}, "/m"),
        ({"XDG_CACHE_HOME": "/c", "HOME": "/h"}, "/c/candid/models"),
        ({"HOME": "/h"}, "/h/.cache/candid/models"),
        ({"XDG_CACHE_HOME": "", "HOME": "/h"}, "/h/.cache/candid/models"),
        ({"XDG_CACHE_HOME": "relative", "CANDID_MODELS": "", "HOME": "/h"}, "/h/.cache/candid/models"),
    ],
)
def test_default_folder(environment, folder):
    assert default_folder(environment) == Path(folder)


def test_what_was_put_is_there(models):
    assert models.names() == ("iris",)
    assert models.names("iris") == ("iris",)
    assert models.names("embedder") == ()
    assert models.card("iris") == CARD
    assert models.path("iris").read_bytes() == MODEL


def test_a_folder_that_is_not_there_is_empty(tmp_path):
    models = open_models(tmp_path / "nothing")
    assert models.names() == ()
    with pytest.raises(ModelMissing, match="candid models pull"):
        models.path("iris")


def test_an_altered_file_is_refused_also_after_it_was_opened(models):
    path = models.path("iris")
    path.write_bytes(MODEL[:-1] + b"L")
    with pytest.raises(ModelError, match="altered or damaged"):
        models.path("iris")
    path.write_bytes(MODEL)
    assert models.path("iris") == path


def test_a_missing_file_is_missing(models):
    models.path("iris").unlink()
    with pytest.raises(ModelMissing, match="candid models pull"):
        models.path("iris")


def test_a_card_under_another_name_is_refused(models):
    (models.folder / "iris.json").rename(models.folder / "other.json")
    with pytest.raises(ModelError, match="card of 'iris'"):
        models.card("other")


@pytest.mark.parametrize("name", ["../iris", "", ".iris", "a/b", "IRIS", "x" * 65, "iris\n"])
def test_a_name_that_is_no_file_name_is_refused(models, name):
    with pytest.raises(ModelError, match="cannot name a model"):
        models.path(name)


def test_put_replaces_and_leaves_nothing_behind(models):
    models.put(card_of(RECIPES["iris"], b"new"), b"new")
    assert models.path("iris").read_bytes() == b"new"
    assert sorted(path.name for path in models.folder.iterdir()) == ["iris.json", "iris.onnx"]


def test_a_put_that_fails_half_way_leaves_no_card_beside_another_model(models):
    # A folder stands where the card's temporary file would be written.
    (models.folder / f".iris.json.{os.getpid()}.tmp").mkdir()
    with pytest.raises(ModelError, match="cannot write"):
        models.put(card_of(RECIPES["iris"], b"new"), b"new")
    with pytest.raises(ModelMissing):
        models.card("iris")
    assert models.names() == ()


def test_a_folder_that_cannot_be_made_says_so(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ModelError, match="cannot write"):
        open_models(tmp_path / "file" / "models").put(CARD, MODEL)
