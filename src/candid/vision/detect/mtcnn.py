"""MTCNN: proposals over all sizes, refined twice; gives boxes and five points.

Zhang et al., 2016, https://arxiv.org/abs/1604.02878.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from candid.vision.detect.candidates import Candidates, Floats, no_candidates
from candid.vision.detect.nms import suppress
from candid.vision.detect.proposals import WINDOW, normalise, propose, shift
from candid.vision.detect.pyramid import Level, Pyramid, cut_all
from candid.vision.facts import Image
from candid.vision.runtime import Runner

# Amazon: "The minimum face size is 40x40 pixels in an image with 1920X1080 pixels", larger in proportion in
# larger images
# (https://docs.aws.amazon.com/rekognition/latest/dg/recommendations-facial-input-images.html). This is 1/48
# of the long side, and never under 20 pixels.
SMALLEST = 20.0
SMALLEST_SHARE = 1 / 50
_REFINE_SIDE, _OUTPUT_SIDE = 24, 48
# Overlap from which two boxes are the same face, as in the paper's code.
_OVERLAP = 0.7


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What a stage lets pass, as probabilities; the stage that follows is dearer and surer.

    Large faces, `large` times the smallest, have lower thresholds in the first two stages: there are few
    windows of their size, so that the later stages can look at more of them, and a large face that the
    image's edge cuts or a hand covers would be missed otherwise.

    Attributes:
        propose: of the first stage.
        propose_large: likewise, for large faces.
        refine: of the second stage.
        refine_large: likewise, for large faces.
        output: of the third. Low, since the face mesh judges what is left.
        large: sizes of the smallest face from which a face is large.
        factor: between the sizes of the pyramid.
        window: pixels that the smallest face has in the first size; the first stage's window is 12.
        most: candidates that the second stage looks at.
    """

    propose: float = 0.8
    propose_large: float = 0.4
    refine: float = 0.6
    refine_large: float = 0.1
    output: float = 0.1
    large: float = 6.0
    factor: float = 0.55
    window: float = 9.0
    most: int = 2000


class Mtcnn:
    """The three networks as a `FaceDetector`."""

    def __init__(
        self, *, propose: Runner, refine: Runner, output: Runner, thresholds: Thresholds | None = None
    ) -> None:
        """A detector over the models `mtcnn-pnet`, `mtcnn-rnet` and `mtcnn-onet`."""
        self._propose, self._refine, self._output = propose, refine, output
        self._at = thresholds or Thresholds()

    def find(self, image: Image) -> Candidates:
        """Faces from `SMALLEST_SHARE` of the long side (at least `SMALLEST` pixels) to the whole image."""
        at = self._at
        smallest = max(SMALLEST, max(image.width, image.height) * SMALLEST_SHARE)
        large = smallest * at.large
        pyramid = Pyramid(image.pixels, self._scales(image, smallest))
        thresholds = [
            at.propose_large if large * pyramid.scale(level)[0] <= WINDOW else at.propose
            for level in range(len(pyramid.sizes))
        ]
        boxes = propose(self._propose, pyramid, thresholds=thresholds, most=at.most)
        if not len(boxes):
            return no_candidates()
        levels = [Level(image.pixels, 1.0, 1.0), *pyramid.levels()]
        boxes = self._refined(levels, _square(boxes), large)
        return self._finished(levels, _square(boxes)) if len(boxes) else no_candidates()

    def _scales(self, image: Image, smallest: float) -> list[float]:
        scale = self._at.window / smallest
        scales = []
        while min(image.width, image.height) * scale >= WINDOW:
            scales.append(scale)
            scale *= self._at.factor
        return scales

    def _refined(self, levels: Sequence[Level], boxes: Floats, large: float) -> Floats:
        chances, offsets = self._refine.run_rows(_crops(levels, boxes, _REFINE_SIDE))
        is_large = boxes[:, 2] - boxes[:, 0] >= large
        threshold = np.where(is_large, self._at.refine_large, self._at.refine)
        likely = np.flatnonzero(chances[:, 1] > threshold)
        stay = likely[suppress(boxes[likely], chances[likely, 1], threshold=_OVERLAP)]
        return shift(boxes[stay], offsets[stay])

    def _finished(self, levels: Sequence[Level], boxes: Floats) -> Candidates:
        chances, offsets, points = self._output.run_rows(_crops(levels, boxes, _OUTPUT_SIDE))
        # Five x, then five y, in widths and heights from the upper left corner.
        size = (boxes[:, 2:] - boxes[:, :2])[:, None]
        places = points.reshape(-1, 2, 5).transpose(0, 2, 1) * size + boxes[:, None, :2]
        found = Candidates(shift(boxes, offsets), chances[:, 1], places.astype(np.float32))
        found = found.take(found.scores > self._at.output)
        return found.take(suppress(found.boxes, found.scores, threshold=_OVERLAP, of_smaller=True))


def _square(boxes: Floats) -> Floats:
    """Boxes widened to squares about their centres."""
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])[:, None] / 2
    return np.concatenate([centres - half, centres + half], axis=1)


def _crops(levels: Sequence[Level], boxes: Floats, size: int) -> NDArray[np.float32]:
    """The insides of square boxes as the networks take them."""
    return normalise(cut_all(levels, boxes, size=size))
