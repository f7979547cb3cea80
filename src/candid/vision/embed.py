"""Embeddings of aligned faces: flip-averaged and L2-normalised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from candid.vision.align import SIDE
from candid.vision.decode import ImageLimits, decode_image
from candid.vision.errors import InvalidImage
from candid.vision.facts import EmbeddingContract, Pixels
from candid.vision.runtime import Runner
from candid.vision.runtime.layout import to_input

Embeddings = NDArray[np.float32]
_CROP = ImageLimits(max_bytes=1 << 20, max_pixels=SIDE * SIDE, min_side=SIDE)
_PNG_FAST = [cv2.IMWRITE_PNG_COMPRESSION, 1]


@dataclass(frozen=True, slots=True, eq=False)
class Embedder:
    """A model that embeds aligned faces of 112 × 112 pixels.

    Attributes:
        contract: what its embeddings can be compared under.
        runner: runs it.
        mean: of a channel, on the scale 0 to 255.
        scale: what the difference from the mean is multiplied by.
        channels_last: the input is (n, 112, 112, 3).
        bgr: blue comes first.
    """

    contract: EmbeddingContract
    runner: Runner
    mean: float
    scale: float
    channels_last: bool
    bgr: bool

    def embed(self, crops: Pixels) -> Embeddings:
        """Embeddings of aligned faces, each the normalised sum of the face's and its mirror image's.

        The sum takes out what differs between the two sides of a face as it is lit and turned; it costs a
        second pass.

        Args:
            crops: uint8 (n, 112, 112, 3), RGB.

        Returns:
            float32 (n, dim), of length one.
        """
        if not len(crops):
            return np.empty((0, self.contract.dim), np.float32)
        both = np.concatenate([crops, crops[:, :, ::-1]])
        array = to_input(
            both, mean=self.mean, scale=self.scale, last=self.channels_last, bgr=self.bgr
        )
        raw = self.runner.run_rows(array)[0].reshape(len(both), -1).astype(np.float32)
        single = _normalised(raw)
        return _normalised(single[: len(crops)] + single[len(crops) :])


def encode_crops(crops: Pixels) -> list[bytes]:
    """Each aligned face as a PNG file."""
    files = []
    for crop in crops:
        done, file = cv2.imencode(".png", crop[:, :, ::-1], _PNG_FAST)
        if not done:
            raise InvalidImage("an aligned face cannot be written as PNG")
        files.append(file.tobytes())
    return files


def decode_crops(files: Sequence[bytes]) -> Pixels:
    """The reverse of `encode_crops`: uint8 (n, 112, 112, 3), RGB.

    Raises:
        InvalidImage: a file is no crop that `encode_crops` wrote.
    """
    crops = np.empty((len(files), SIDE, SIDE, 3), np.uint8)
    for i, file in enumerate(files):
        image = decode_image(file, limits=_CROP)
        if image.pixels.shape != crops.shape[1:]:
            raise InvalidImage(f"a stored crop must have {SIDE}×{SIDE} pixels; index the photograph again")
        crops[i] = image.pixels
    return crops


def _normalised(vectors: Embeddings) -> Embeddings:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, np.float32(1e-12)), np.float32)
