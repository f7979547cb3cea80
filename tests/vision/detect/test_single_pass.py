"""The decoding of added detectors, against graphs that answer what a known face would give."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from candid.vision.detect.single_pass import SinglePass, decode_scrfd, decode_yunet
from candid.vision.errors import ModelError
from candid.vision.facts import Image
from candid.vision.runtime import Lanes, Provider, Runner, open_session

SIDE = 128
# In pixels of the 128 pixel square; the image is twice as large.
BOX = np.array([30.0, 20, 70, 76])
FIVE = np.array([[40.0, 40], [60, 40], [50, 50], [42, 62], [58, 62]])


def answering(outputs: dict[str, np.ndarray]) -> bytes:
    """A model that answers the same to every image (and looks at it, as a model must)."""
    nodes = [helper.make_node("ReduceMax", ["image"], ["seen"], keepdims=0)]
    nodes += [helper.make_node("Constant", [], ["zero"], value_float=0.0)]
    nodes += [helper.make_node("Mul", ["seen", "zero"], ["nothing"])]
    for name, value in outputs.items():
        nodes.append(
            helper.make_node("Constant", [], [f"{name}.c"], value=numpy_helper.from_array(value.astype(np.float32)))
        )
        nodes.append(helper.make_node("Add", [f"{name}.c", "nothing"], [name]))
    graph = helper.make_graph(
        nodes,
        "answers",
        [helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, [1, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, list(v.shape)) for n, v in outputs.items()],
    )
    file = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return file.SerializeToString()


def scrfd(each: int = 2, *, points: bool = True) -> dict[str, np.ndarray]:
    outputs: dict[str, dict[int, np.ndarray]] = {"score": {}, "bbox": {}, "kps": {}}
    for stride in (8, 16, 32):
        across = SIDE // stride
        cells = across * across * each
        score, sides, five = np.zeros((cells, 1)), np.zeros((cells, 4)), np.zeros((cells, 10))
        if stride == 16:
            column, row = 3, 3
            at = (row * across + column) * each + each - 1
            centre = np.array([column, row]) * stride
            score[at] = 0.9
            sides[at] = np.concatenate([centre - BOX[:2], BOX[2:] - centre]) / stride
            five[at] = ((FIVE - centre) / stride).ravel()
        outputs["score"][stride], outputs["bbox"][stride], outputs["kps"][stride] = score, sides, five
    kinds = ["score", "bbox", "kps"] if points else ["score", "bbox"]
    return {f"{kind}_{stride}": outputs[kind][stride] for kind in kinds for stride in (8, 16, 32)}


def yunet() -> dict[str, np.ndarray]:
    outputs = {}
    for stride in (8, 16, 32):
        across = SIDE // stride
        parts = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
        values = {name: np.zeros((1, across * across, size)) for name, size in parts.items()}
        if stride == 8:
            column, row = 6, 5
            at, corner = row * across + column, np.array([column, row])
            values["cls"][0, at], values["obj"][0, at] = 0.9, 0.9
            centre, size = (BOX[:2] + BOX[2:]) / 2, BOX[2:] - BOX[:2]
            values["bbox"][0, at] = np.concatenate([centre / stride - corner, np.log(size / stride)])
            values["kps"][0, at] = (FIVE / stride - corner).ravel()
        outputs |= {f"{name}_{stride}": value for name, value in values.items()}
    return outputs


def detector(outputs: dict[str, np.ndarray], decode: Callable[..., object]) -> SinglePass:
    content = answering(outputs)
    runner = Runner(
        "added",
        lambda: open_session(content, provider=Provider.CPU),
        lanes=Lanes(1),
        slots=1,
        max_batch=1,
    )
    names = tuple(outputs)
    return SinglePass(
        runner=runner,
        decode=decode,
        outputs=names,
        height=SIDE,
        width=SIDE,
        mean=127.5,
        scale=1 / 128,
        bgr=False,
    )


IMAGE = Image(np.full((256, 200, 3), 90, np.uint8))


@pytest.mark.parametrize(
    ("outputs", "decode"),
    [(scrfd(2), decode_scrfd), (scrfd(1), decode_scrfd), (yunet(), decode_yunet)],
    ids=["scrfd", "scrfd with one anchor", "yunet"],
)
def test_the_face_is_found_where_it_is(outputs: dict[str, np.ndarray], decode: Callable[..., object]) -> None:
    found = detector(outputs, decode).find(IMAGE)
    assert len(found) == 1
    assert np.allclose(found.boxes[0], BOX * 2, atol=1e-3)
    assert np.allclose(found.points[0], FIVE * 2, atol=1e-3)
    assert np.isclose(found.scores[0], 0.9)


@pytest.mark.parametrize(
    ("outputs", "decode", "message"),
    [
        (scrfd(points=False), decode_scrfd, "five points"),
        ({k: v for k, v in yunet().items() if k != "kps_16"}, decode_yunet, "kps_16"),
    ],
)
def test_a_model_without_points(
    outputs: dict[str, np.ndarray], decode: Callable[..., object], message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        detector(outputs, decode).find(IMAGE)
