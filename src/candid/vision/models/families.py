"""Tells which family a user's model belongs to, from its input and from what it answers to noise.

Taken:
- ArcFace-style embedders: 112×112, three channels, one output (n, d) with d from 64 to 2048; RGB in [-1,
  1], or in 0 to 255 where the graph itself subtracts and scales first. https://arxiv.org/abs/1801.07698
- SFace, OpenCV's embedder, is such a graph: it scales inside, takes RGB in 0 to 255 and gives 128 numbers
  (`FaceRecognizerSF::feature` in OpenCV's face_recognize.cpp).
- SCRFD detectors: strides 8, 16, 32, each with scores (…, 1), boxes (…, 4) and mostly points (…, 10); RGB,
  (x - 127.5) / 128. https://arxiv.org/abs/2105.04714
- YuNet detectors: outputs cls_8 … kps_32, BGR in 0 to 255 (`FaceDetectorYN` in OpenCV's face_detect.cpp).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import onnx
from numpy.typing import NDArray

from candid.vision.errors import ModelError
from candid.vision.models.card import Input, Kind, Output
from candid.vision.models.foreign import Port

EMBEDDER_SIDE = 112
DETECTOR_SIDE = 640
STRIDES = (8, 16, 32)
_YUNET = {f"{part}_{stride}" for part in ("cls", "obj", "bbox", "kps") for stride in STRIDES}
_DIMS = range(64, 2049)
# How many operators from the start a graph may take to scale its input (InsightFace looks at eight).
_SCALING_REACH = 8

TAKEN = (
    "taken: ArcFace-style embedders (112×112, three channels, one output of 64 to 2048 numbers, SFace too) "
    "and SCRFD and YuNet detectors"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was recognised: family, kind, how to feed it, its outputs, and the embedding's length or 0."""

    family: str
    kind: Kind
    input: Input
    outputs: tuple[Output, ...]
    dim: int = 0


def layout_of(port: Port) -> str:
    """NCHW or NHWC, by where the three channels stand.

    Raises:
        ModelError: nowhere.
    """
    if port.shape[1] == 3:
        return "NCHW"
    if port.shape[3] == 3:
        return "NHWC"
    raise ModelError(f"the input {port} has no axis of three colour channels; {TAKEN}")


def _scales_inside(model: onnx.ModelProto) -> bool:
    """Whether the graph begins by subtracting and multiplying, as exports from MXNet do."""
    early = {node.op_type for node in model.graph.node[:_SCALING_REACH] if node.op_type != "Constant"}
    return bool(early & {"Sub"}) and bool(early & {"Mul", "Div"})


def recognise(model: onnx.ModelProto, port: Port, kind: Kind, answers: Mapping[str, NDArray[Any]]) -> Found:
    """The family of a model.

    Args:
        model: the parsed file.
        port: its input.
        kind: what the user says it is.
        answers: what it answered to one image of noise, by output.

    Raises:
        ModelError: none that is taken; the message says what was found.
    """
    if kind is Kind.EMBEDDER:
        return _embedder(model, port, answers)
    if kind is Kind.DETECTOR:
        return _yunet(port, answers) if set(answers) >= _YUNET else _scrfd(port, answers)
    raise ModelError(f"a model of kind {kind} cannot be added; {TAKEN}")


def _described(answers: Mapping[str, NDArray[Any]]) -> str:
    return "; ".join(f"{name} {tuple(value.shape)}" for name, value in answers.items())


def _embedder(model: onnx.ModelProto, port: Port, answers: Mapping[str, NDArray[Any]]) -> Found:
    layout = layout_of(port)
    height, width = port.shape[2:] if layout == "NCHW" else port.shape[1:3]
    (name, value), *others = answers.items()
    if others or value.ndim != 2 or value.shape[0] != 1 or value.shape[1] not in _DIMS:
        raise ModelError(f"this is no embedder that Candid knows: its outputs are {_described(answers)}; {TAKEN}")
    if {height, width} - {EMBEDDER_SIDE, None}:
        raise ModelError(f"the embedder's input is {height}×{width} pixels; {TAKEN}")
    low, high = (0.0, 255.0) if _scales_inside(model) else (-1.0, 1.0)
    dim = int(value.shape[1])
    return Found(
        family="arcface",
        kind=Kind.EMBEDDER,
        input=Input(name=port.name, layout=layout, height=EMBEDDER_SIDE, width=EMBEDDER_SIDE, low=low, high=high),
        outputs=(Output(name=name, shape=f"(n, {dim})", meaning="the embedding; divide it by its norm"),),
        dim=dim,
    )


def _sides(port: Port) -> tuple[int, int]:
    if layout_of(port) != "NCHW":
        raise ModelError(f"the detector's input {port} must have its channels first; {TAKEN}")
    return port.shape[2] or 0, port.shape[3] or 0


def _scrfd(port: Port, answers: Mapping[str, NDArray[Any]]) -> Found:
    height, width = _sides(port)
    cells = [(height or DETECTOR_SIDE) // stride * ((width or DETECTOR_SIDE) // stride) for stride in STRIDES]
    roles: dict[int, dict[int, str]] = {1: {}, 4: {}, 10: {}}
    anchors: set[float] = set()
    for name, value in answers.items():
        rows = value.shape[-2] if value.ndim in (2, 3) else 0
        last = value.shape[-1] if value.ndim in (2, 3) else 0
        level = next((i for i, count in enumerate(cells) if rows in (count, 2 * count)), None)
        if last not in roles or level is None or level in roles[last]:
            raise ModelError(f"this is no detector that Candid knows: its outputs are {_described(answers)}; {TAKEN}")
        roles[last][level] = name
        anchors.add(rows / cells[level])
    complete = [len(levels) == len(STRIDES) for levels in roles.values()]
    if not (complete[0] and complete[1] and (complete[2] or not roles[10]) and len(anchors) == 1):
        raise ModelError(f"this is no detector that Candid knows: its outputs are {_described(answers)}; {TAKEN}")
    words = {
        1: "probability of a face",
        4: "distances left, top, right, bottom in strides",
        10: "five points x, y from the anchor's centre in strides",
    }
    count = int(anchors.pop())
    described = tuple(
        Output(
            name=roles[last][level],
            shape=f"(cells × {count}, {last})",
            meaning=f"stride {STRIDES[level]}: {words[last]}",
        )
        for last in roles
        for level in sorted(roles[last])
    )
    feed = Input(name=port.name, height=height, width=width, low=-0.99609375, high=0.99609375, batch=1)
    return Found(family="scrfd", kind=Kind.DETECTOR, input=feed, outputs=described)


def _yunet(port: Port, answers: Mapping[str, NDArray[Any]]) -> Found:
    height, width = _sides(port)
    words = {
        "cls": "probability of the class",
        "obj": "probability of an object",
        "bbox": "centre x, y from the cell and log of width, height, in strides",
        "kps": "five points x, y from the cell in strides",
    }
    described = tuple(
        Output(
            name=f"{part}_{stride}",
            shape=f"(n, cells, {answers[f'{part}_{stride}'].shape[-1]})",
            meaning=f"stride {stride}: {words[part]}",
        )
        for part in words
        for stride in STRIDES
    )
    feed = Input(name=port.name, colour="BGR", height=height, width=width, low=0.0, high=255.0)
    return Found(family="yunet", kind=Kind.DETECTOR, input=feed, outputs=described)
