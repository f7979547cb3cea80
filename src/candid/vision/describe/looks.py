"""Age and gender as a face appears, from the model `faceres`.

Of the two models that the packages offer, `faceres` and `gear`, this one was measured to be better: docs/attributes.md.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from candid.vision.describe.face_chip import upright_square
from candid.vision.describe.feeding import Forward, plane_batch
from candid.vision.facts import AgeRange, Gender, Pixels, Points
from candid.vision.image_warp import cut_square

_SIZE = 224
# The square that the model sees, in longer sides of the mesh; compared on labelled faces with scales from 0.9 to 1.8.
_SQUARE_SCALE = 1.1

# The range reaches from so many years below the mean of the model's distribution to so many above. The model guesses
# too young, by 4.8 years in the mean of 76 faces, and the range is as wide as one in Amazon's guide (26 to 43).
_YEARS_BELOW = 4
_YEARS_ABOVE = 13

# A few hundred faces cannot show more certainty than this: 99.75 %.
_MOST_LOGITS = 6.0


def judge_looks(
    pixels: Pixels, meshes: Sequence[Points], faceres: Forward
) -> list[tuple[AgeRange, Gender]]:
    """Run the model over all faces in one pass.

    Args:
        pixels: uint8 (height, width, 3), RGB, the image.
        meshes: of each face, float32 (468, 3), pixels.
        faceres: the model: float32 (n, 3, 224, 224), RGB, 0 to 255, to the probability of each year of age (n, 100)
            and of looking male (n, 1).
    """
    crops = [
        cut_square(
            pixels, upright_square(mesh, scale=_SQUARE_SCALE, size=_SIZE), size=_SIZE, repeat_edge=True
        )
        for mesh in meshes
    ]
    ages, males = faceres(plane_batch(crops))
    return [
        (age_range(age), gender(float(male[0]))) for age, male in zip(ages, males, strict=True)
    ]


def age_range(years: NDArray[np.floating]) -> AgeRange:
    """The range around the mean of a distribution over years 0, 1, …."""
    mean = float(years @ np.arange(len(years))) / max(float(years.sum()), 1e-6)
    return AgeRange(low=max(0, round(mean - _YEARS_BELOW)), high=round(mean + _YEARS_ABOVE))


def gender(male: float) -> Gender:
    """The likelier word, with a confidence from 50 to 100."""
    male = min(max(male, 1e-6), 1 - 1e-6)
    logit = float(np.clip(np.log(male / (1 - male)), -_MOST_LOGITS, _MOST_LOGITS))
    return Gender(value="Male" if logit > 0 else "Female", confidence=100 / (1 + float(np.exp(-abs(logit)))))
