"""A user's own files: each family that is taken, and what is refused."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from candid.cli import main
from candid.vision.errors import ModelError
from candid.vision.models import Kind, open_models
from candid.vision.models.adding import Wishes, add
from candid.vision.models.references import run_once

RANDOM = np.random.default_rng(5)
F = TensorProto.FLOAT


def _model(nodes, inputs, outputs, constants) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info(name, F, shape) for name, shape in inputs],
        [helper.make_tensor_value_info(name, F, shape) for name, shape in outputs],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _embedder(dim=128, *, batch=1, layout="NCHW", scaled=False, target=None, side=112) -> onnx.ModelProto:
    """Average colour of each half, times a matrix: small, but each image has its own answer."""
    shape = [batch, 3, side, side] if layout == "NCHW" else [batch, side, side, 3]
    nodes, name = [], "data"
    constants = {"w": RANDOM.normal(size=(6, dim)).astype(np.float32), "half": np.float32(127.5)}
    if scaled:
        nodes += [helper.make_node("Sub", [name, "half"], ["s0"]), helper.make_node("Div", ["s0", "half"], ["s1"])]
        name = "s1"
    if layout == "NHWC":
        nodes.append(helper.make_node("Transpose", [name], ["t"], perm=[0, 3, 1, 2]))
        name = "t"
    nodes.append(
        helper.make_node("AveragePool", [name], ["p"], kernel_shape=[side // 2, side], strides=[side // 2, side])
    )
    constants["shape"] = np.array(target or [batch if isinstance(batch, int) else -1, 6], np.int64)
    nodes += [helper.make_node("Reshape", ["p", "shape"], ["r"]), helper.make_node("MatMul", ["r", "w"], ["fc1"])]
    used = {each for node in nodes for each in node.input}
    return _model(nodes, [("data", shape)], [("fc1", [batch, dim])], {k: v for k, v in constants.items() if k in used})


def _scrfd(*, points=True, side="?") -> onnx.ModelProto:
    nodes, outputs, constants = [], [], {}
    for size in (1, 4, 10) if points else (1, 4):
        for stride in (8, 16, 32):
            key = f"{size}_{stride}"
            constants[f"k{key}"] = RANDOM.normal(size=(2 * size, 3, 1, 1)).astype(np.float32)
            constants[f"s{size}"] = np.array([-1, size], np.int64)
            window = {"kernel_shape": [stride, stride], "strides": [stride, stride]}
            nodes += [
                helper.make_node("AveragePool", ["input.1"], [f"p{key}"], **window),
                helper.make_node("Conv", [f"p{key}", f"k{key}"], [f"c{key}"]),
                helper.make_node("Transpose", [f"c{key}"], [f"t{key}"], perm=[2, 3, 0, 1]),
                helper.make_node("Reshape", [f"t{key}", f"s{size}"], [f"o{key}"]),
            ]
            outputs.append((f"o{key}", ["?", size]))
    return _model(nodes, [("input.1", [1, 3, side, side])], outputs, constants)


def _yunet() -> onnx.ModelProto:
    nodes, outputs, constants = [], [], {}
    for part, size in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)):
        for stride in (8, 16, 32):
            key = f"{part}_{stride}"
            constants[f"k{key}"] = RANDOM.normal(size=(size, 3, 1, 1)).astype(np.float32)
            constants[f"s{key}"] = np.array([1, (640 // stride) ** 2, size], np.int64)
            window = {"kernel_shape": [stride, stride], "strides": [stride, stride]}
            nodes += [
                helper.make_node("AveragePool", ["input"], [f"p{key}"], **window),
                helper.make_node("Conv", [f"p{key}", f"k{key}"], [f"c{key}"]),
                helper.make_node("Transpose", [f"c{key}"], [f"t{key}"], perm=[0, 2, 3, 1]),
                helper.make_node("Reshape", [f"t{key}", f"s{key}"], [key]),
            ]
            outputs.append((key, [1, (640 // stride) ** 2, size]))
    return _model(nodes, [("input", [1, 3, 640, 640])], outputs, constants)


@pytest.fixture
def models(tmp_path):
    return open_models(tmp_path / "models")


def _file(tmp_path: Path, model: onnx.ModelProto | bytes, name: str = "My Net.onnx") -> Path:
    path = tmp_path / name
    path.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
    return path


# what: model, kind, then family, layout, colour, sides, low, high, batch, dim
TAKEN = {
    "arcface": (_embedder(512), "embedder", ("arcface", "NCHW", "RGB", 112, -1.0, 1.0, 0, 512)),
    "arcface, free batch": (_embedder(64, batch="n"), "embedder", ("arcface", "NCHW", "RGB", 112, -1.0, 1.0, 0, 64)),
    "arcface, batch of 2": (_embedder(192, batch=2), "embedder", ("arcface", "NCHW", "RGB", 112, -1.0, 1.0, 0, 192)),
    "channels last": (_embedder(layout="NHWC"), "embedder", ("arcface", "NHWC", "RGB", 112, -1.0, 1.0, 0, 128)),
    "sface": (_embedder(scaled=True), "embedder", ("arcface", "NCHW", "RGB", 112, 0.0, 255.0, 0, 128)),
    "scrfd": (_scrfd(), "detector", ("scrfd", "NCHW", "RGB", 0, -0.99609375, 0.99609375, 1, 0)),
    "scrfd without points": (
        _scrfd(points=False, side=320),
        "detector",
        ("scrfd", "NCHW", "RGB", 320, -0.99609375, 0.99609375, 1, 0),
    ),
    "yunet": (_yunet(), "detector", ("yunet", "NCHW", "BGR", 640, 0.0, 255.0, 0, 0)),
}


@pytest.mark.parametrize("what", TAKEN)
def test_each_family_is_recognised_and_runs(models, tmp_path, what):
    model, kind, wanted = TAKEN[what]
    path = _file(tmp_path, model)
    card = add(models, path, Wishes(kind=Kind(kind), licence="mine"))
    feed = card.input
    assert (card.family, feed.layout, feed.colour, feed.height, feed.low, feed.high, feed.batch, card.dim) == wanted
    assert (card.name, card.kind, card.licence, card.source) == ("my-net", kind, "mine", None)
    assert card.identity == hashlib.sha256(path.read_bytes()).hexdigest()
    assert models.card("my-net") == card
    assert [output.name for output in card.outputs] and models.names(kind) == ("my-net",)


@pytest.mark.parametrize("what", [what for what, (_, _, wanted) in TAKEN.items() if wanted[6] == 0])
def test_a_free_batch_gives_each_image_its_own_answer(models, tmp_path, what):
    model, kind, _ = TAKEN[what]
    card = add(models, _file(tmp_path, model), Wishes(kind=Kind(kind)))
    shape = [size.dim_value or 4 for size in model.graph.input[0].type.tensor_type.shape.dim]
    images = RANDOM.normal(size=(4, *shape[1:])).astype(np.float32)
    together = run_once(models.path(card.name).read_bytes(), images)
    batch = shape[0]
    for at in range(0, 4, batch):
        alone = run_once(model.SerializeToString(), images[at : at + batch])
        for name, value in alone.items():
            np.testing.assert_allclose(together[name][at : at + batch], value, rtol=1e-4, atol=1e-4)


def test_a_batch_that_cannot_be_freed_stays_fixed(models, tmp_path):
    card = add(models, _file(tmp_path, _embedder(target=[-1, 6])), Wishes(kind=Kind.EMBEDDER))
    assert card.input.batch == 0
    mixed = _embedder()
    mixed.graph.node.append(helper.make_node("ReduceSum", ["fc1", "axes"], ["all"], keepdims=1))
    mixed.graph.node.append(helper.make_node("Add", ["fc1", "all"], ["mixed"]))
    mixed.graph.initializer.append(numpy_helper.from_array(np.array([0], np.int64), "axes"))
    mixed.graph.output[0].name = "mixed"
    path = _file(tmp_path, mixed, "mixed.onnx")
    card = add(models, path, Wishes(kind=Kind.EMBEDDER))
    # It adds up over the batch, so a free batch would let one face change another's embedding.
    assert card.input.batch == 1
    assert models.path("mixed").read_bytes() == path.read_bytes()


def test_the_contract_of_a_users_embedder(models, tmp_path):
    path = _file(tmp_path, _embedder(256))
    contract = add(models, path, Wishes(kind=Kind.EMBEDDER, name="mine")).contract
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert (contract.model, contract.digest, contract.dim) == ("mine", digest, 256)
    assert contract.version == f"100.{int(digest[:8], 16)}"
    assert contract.preprocessing == "p1"


def test_what_the_user_says_goes_before_what_was_found(models, tmp_path):
    wishes = Wishes(kind=Kind.EMBEDDER, colour="BGR", span=(0.0, 1.0), layout="NCHW")
    feed = add(models, _file(tmp_path, _embedder()), wishes).input
    assert (feed.colour, feed.low, feed.high) == ("BGR", 0.0, 1.0)
    with pytest.raises(ModelError, match="is not NHWC"):
        add(models, _file(tmp_path, _embedder()), Wishes(kind=Kind.EMBEDDER, layout="NHWC"))


def _external() -> onnx.ModelProto:
    model = _embedder()
    tensor = model.graph.initializer[0]
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../../etc/passwd"
    tensor.ClearField("raw_data")
    return model


def _custom() -> onnx.ModelProto:
    model = _embedder()
    model.graph.node[0].domain = "com.example"
    model.opset_import.append(helper.make_opsetid("com.example", 1))
    return model


def _loop() -> onnx.ModelProto:
    model = _embedder()
    body = helper.make_graph([], "body", [], [])
    model.graph.node.append(helper.make_node("Loop", ["", ""], ["l"], body=body))
    return model


def _two_inputs() -> onnx.ModelProto:
    model = _embedder()
    model.graph.input.append(helper.make_tensor_value_info("more", F, [1]))
    return model


def _not_finite() -> onnx.ModelProto:
    model = _embedder()
    model.graph.node.append(helper.make_node("Log", ["fc1"], ["log"]))
    model.graph.output[0].name = "log"
    return model


def _functions() -> onnx.ModelProto:
    model = _embedder()
    node = helper.make_node("Relu", ["a"], ["b"])
    model.functions.append(helper.make_function("own", "F", ["a"], ["b"], [node], [helper.make_opsetid("", 17)]))
    return model


REFUSED = {
    "weights elsewhere": (_external, "embedder", "weights in other files"),
    "custom operator": (_custom, "embedder", "com.example.AveragePool"),
    "functions": (_functions, "embedder", "functions of its own"),
    "loop": (_loop, "embedder", "loops and branches"),
    "two inputs": (_two_inputs, "embedder", "its inputs are: data .*; more"),
    "small embedding": (lambda: _embedder(32), "embedder", r"outputs are fc1 \(1, 32\).*ArcFace"),
    "other size": (lambda: _embedder(side=96), "embedder", "96×96 pixels"),
    "detector as embedder": (_scrfd, "embedder", "no embedder that Candid knows"),
    "embedder as detector": (_embedder, "detector", "no detector that Candid knows"),
    "not finite": (_not_finite, "embedder", "not finite"),
    "other kind": (_embedder, "mesh", "cannot be added"),
    "noise": (lambda: b"\x08\x07" + bytes(range(200)), "embedder", "no ONNX file"),
    "empty": (lambda: b"", "embedder", "no ONNX file"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_others_are_refused_and_nothing_is_written(models, tmp_path, what):
    make, kind, message = REFUSED[what]
    with pytest.raises(ModelError, match=message):
        add(models, _file(tmp_path, make()), Wishes(kind=Kind(kind)))
    assert models.names() == () and not models.folder.exists()


def test_a_file_that_is_too_long_is_refused_unread(models, tmp_path):
    path = _file(tmp_path, b"")
    os.truncate(path, (1 << 30) + 1)
    with pytest.raises(ModelError, match="over 1024 MiB"):
        add(models, path, Wishes(kind=Kind.EMBEDDER))


def test_a_missing_file_is_said(models, tmp_path):
    with pytest.raises(ModelError, match="cannot read"):
        add(models, tmp_path / "none.onnx", Wishes(kind=Kind.EMBEDDER))


def test_names_of_candids_own_and_of_other_models_are_refused(models, tmp_path):
    with pytest.raises(ModelError, match="one of Candid's own"):
        add(models, _file(tmp_path, _embedder()), Wishes(kind=Kind.EMBEDDER, name="mobilefacenet"))
    with pytest.raises(ModelError, match="cannot name a model"):
        add(models, _file(tmp_path, _embedder()), Wishes(kind=Kind.EMBEDDER, name="../up"))
    first = _file(tmp_path, _embedder())
    add(models, first, Wishes(kind=Kind.EMBEDDER, name="mine"))
    assert add(models, first, Wishes(kind=Kind.EMBEDDER, name="mine")).name == "mine"
    with pytest.raises(ModelError, match="another model 'mine'"):
        add(models, _file(tmp_path, _embedder(256), "b.onnx"), Wishes(kind=Kind.EMBEDDER, name="mine"))


SMALL = _embedder(64).SerializeToString()


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_an_altered_file_ends_in_a_card_or_a_model_error(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("altered")
    content = bytearray(SMALL)
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    else:
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        card = add(open_models(folder / "m"), _file(folder, bytes(content)), Wishes(kind=Kind.EMBEDDER))
    except ModelError:
        return
    assert card.dim in range(64, 2049)


def test_the_command_adds_shows_and_refuses(tmp_path):
    path, folder = _file(tmp_path, _embedder()), str(tmp_path / "m")
    runner = CliRunner()
    common = ["--kind", "embedder", "--license", "mine", "--folder", folder]
    added = runner.invoke(main, ["models", "add", str(path), *common, "--name", "mine", "--json"])
    assert added.exit_code == 0 and json.loads(added.stdout)["licence"] == "mine"
    again = runner.invoke(main, ["models", "add", str(path), *common, "--range", "0", "255", "--colour", "BGR"])
    assert again.exit_code == 0 and "my-net" in again.stdout
    refused = runner.invoke(main, ["models", "add", str(path), "--kind", "detector", "--folder", folder])
    assert refused.exit_code == 2 and "no detector" in refused.stderr and refused.stdout == ""
    (tmp_path / "m" / "mine.onnx").write_bytes(b"altered")
    verified = runner.invoke(main, ["models", "verify", "mine", "my-net", "--folder", folder, "--json"])
    assert verified.exit_code == 1 and "not verified: mine" in verified.stderr
    verdicts = {v["name"]: v for v in json.loads(verified.stdout)}
    assert not verdicts["mine"]["digest_matches"] and "altered" in verdicts["mine"]["problem"]
    assert verdicts["my-net"] == {"name": "my-net", "digest_matches": True, "difference": None, "problem": ""}
    shown = runner.invoke(main, ["models", "show", "mine", "--folder", folder])
    assert shown.exit_code == 0 and "100." in shown.stdout
    missing = runner.invoke(main, ["models", "show", "nothing", "--folder", folder])
    assert missing.exit_code == 2 and "candid models pull" in missing.stderr
    listed = runner.invoke(main, ["models", "list", "--folder", folder])
    assert listed.exit_code == 0 and "not pulled yet" in listed.stdout
