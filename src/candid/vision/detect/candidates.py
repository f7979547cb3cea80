"""What a detector gives before the face mesh has judged it, and what every detector can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from candid.vision.facts import Image

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Possible faces, in pixels of the image.

    Attributes:
        boxes: float32 (n, 4): left, top, right, bottom.
        scores: float32 (n,), 0 to 1.
        points: float32 (n, 5, 2): the eye on the image's left, on its right, nose tip, mouth corners
            likewise.
    """

    boxes: Floats
    scores: Floats
    points: Floats

    def take(self, which: NDArray[np.intp] | NDArray[np.bool_]) -> Candidates:
        """Some of them, by index or mask."""
        return Candidates(self.boxes[which], self.scores[which], self.points[which])

    def __len__(self) -> int:
        return len(self.scores)


def no_candidates() -> Candidates:
    """None found."""
    return Candidates(
        np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty((0, 5, 2), np.float32)
    )


def join_candidates(parts: list[Candidates]) -> Candidates:
    """All candidates of several passes, duplicates included."""
    if not parts:
        return no_candidates()
    return Candidates(
        np.concatenate([p.boxes for p in parts]),
        np.concatenate([p.scores for p in parts]),
        np.concatenate([p.points for p in parts]),
    )


class FaceDetector(Protocol):
    """Finds possible faces in an image."""

    def find(self, image: Image) -> Candidates:
        """Candidates in no particular order, each face once."""
        ...
