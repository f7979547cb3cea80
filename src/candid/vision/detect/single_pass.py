"""Detectors that an operator adds: SCRFD and YuNet, one pass over the whole image.

Guo et al., "Sample and Computation Redistribution for Efficient Face Detection", 2021 (SCRFD); Wu et al.,
"YuNet: A Tiny Millisecond-level Face Detector", 2023. Both answer for the cells of three feature maps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from candid.vision.detect.candidates import Candidates, Floats
from candid.vision.detect.letterbox import cells, letterbox
from candid.vision.detect.nms import suppress
from candid.vision.errors import ModelError
from candid.vision.facts import Image
from candid.vision.runtime import Runner
from candid.vision.runtime.layout import to_input

_STRIDES = (8, 16, 32)
# Side of the square where the model's is free: 20 pixels of a 1000 pixel image are 13 then, which both find.
_FREE_SIDE = 640
# Low, since the face mesh judges what is left.
_SCORE = 0.3
_OVERLAP = 0.4

Outputs = Mapping[str, Floats]
# Outputs of one image, height and width of the square, to boxes (n, 4), scores (n,), points (n, 5, 2).
Decode = Callable[[Outputs, int, int], tuple[Floats, Floats, Floats]]


@dataclass(frozen=True, slots=True, eq=False)
class SinglePass:
    """A single-pass model as a `FaceDetector`.

    Attributes:
        runner: runs it.
        decode: reads its outputs, those under `outputs`.
        outputs: names, in the graph's order.
        height: of its input; 0: free.
        width: likewise.
        mean: of a channel, on the scale 0 to 255.
        scale: what the difference from the mean is multiplied by.
        bgr: blue comes first.
    """

    runner: Runner
    decode: Decode
    outputs: tuple[str, ...]
    height: int
    width: int
    mean: float
    scale: float
    bgr: bool

    def find(self, image: Image) -> Candidates:
        """Faces of one pass over the image, scaled into the model's input."""
        height, width = self.height or _FREE_SIDE, self.width or _FREE_SIDE
        box = letterbox(image, height=height, width=width)
        array = to_input(box.pixels, mean=self.mean, scale=self.scale, last=False, bgr=self.bgr)
        outputs = dict(zip(self.outputs, self.runner.run(array), strict=True))
        found = box.back(*self.decode(outputs, height, width))
        found = found.take(found.scores > _SCORE)
        return found.take(suppress(found.boxes, found.scores, threshold=_OVERLAP))


def decode_scrfd(outputs: Outputs, height: int, width: int) -> tuple[Floats, Floats, Floats]:
    """SCRFD: for each anchor a score, distances to the four sides, and five points.

    Distances and points are in strides from the corner of the anchor's cell. The outputs are told apart by
    their width (1, 4 or 10) and their length.

    Raises:
        ModelError: an output is missing; models without the five points cannot be used.
    """
    by_shape = {(out.shape[-1], out.size // out.shape[-1]): out.reshape(-1, out.shape[-1]) for out in outputs.values()}
    boxes, scores, points = [], [], []
    for stride in _STRIDES:
        count = (height // stride) * (width // stride)
        each = next((n for n in (1, 2) if (1, count * n) in by_shape), 0)
        try:
            score, sides, five = (by_shape[size, count * each] for size in (1, 4, 10))
        except KeyError as error:
            raise ModelError("the SCRFD model gives no five points; use one with key points (kps)") from error
        centre = cells(height, width, stride, each) * stride
        sides = sides * stride
        boxes.append(np.concatenate([centre - sides[:, :2], centre + sides[:, 2:]], axis=1))
        points.append(centre[:, None] + five.reshape(-1, 5, 2) * stride)
        scores.append(score[:, 0])
    return np.concatenate(boxes), np.concatenate(scores), np.concatenate(points)


def decode_yunet(outputs: Outputs, height: int, width: int) -> tuple[Floats, Floats, Floats]:
    """YuNet: for each cell a class and an object score, a centre with log sizes, and five points, in strides.

    Raises:
        ModelError: an output is missing.
    """
    boxes, scores, points = [], [], []
    for stride in _STRIDES:
        try:
            kind, thing, box, five = (outputs[f"{part}_{stride}"] for part in ("cls", "obj", "bbox", "kps"))
        except KeyError as error:
            raise ModelError(f"the YuNet model has no output {error}; use the one of OpenCV's zoo") from error
        corner = cells(height, width, stride)
        box = box.reshape(-1, 4)
        centre = (corner + box[:, :2]) * stride
        half = np.exp(box[:, 2:]) * stride / 2
        boxes.append(np.concatenate([centre - half, centre + half], axis=1))
        points.append((corner[:, None] + five.reshape(-1, 5, 2)) * stride)
        chances = np.clip(kind.ravel(), 0, 1) * np.clip(thing.ravel(), 0, 1)
        scores.append(np.sqrt(chances))
    return np.concatenate(boxes), np.concatenate(scores), np.concatenate(points)
