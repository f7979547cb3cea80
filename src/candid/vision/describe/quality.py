"""Brightness and sharpness of a face, 0 to 100, measured on the face's chip.

The chip has the same size for every face, so both figures tell what recognition, which works at that size too, gets
to see: a large face that is a little blurred is sharp, a small one that had to be enlarged is not.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from candid.vision.describe.face_chip import CHIP
from candid.vision.facts import Pixels, Quality

# Weights of Rec. ITU-R BT.601, as in JPEG.
_LUMA = cv2.COLOR_RGB2GRAY
# Where nearly every chip shows skin: an ellipse with half axes of 0.33 and 0.40 of the chip.
_Y, _X = np.mgrid[0:CHIP, 0:CHIP] / (CHIP - 1) - 0.5
_FACE = ((_X / 0.33) ** 2 + (_Y / 0.40) ** 2 <= 1).astype(np.uint8)
# Detail is what a Gaussian of this many pixels of the chip removes.
_DETAIL_SIGMA = 1.0
# Half of the scale is reached where detail is this share of the contrast: the median of 76 faces in photographs
# blurred by 1.3 pixels of the chip; unblurred they have 0.156 (docs/attributes.md).
_HALF_SHARP = 0.063
# Variance that rounding to whole levels leaves in the detail of a chip: 1/12 in the grey value and 0.447/12 through
# its three channels, of which the filter lets 0.761 through. It is no detail, and would keep a fully blurred or a
# black face from being as unsharp as it is.
_ROUNDING = (1 + 0.447) / 12 * 0.761


def quality_of(chip: Pixels) -> Quality:
    """Quality of a face.

    Brightness is the mean luma of the face, of 100. Sharpness is s² / (s² + h²) of 100, where s is the
    standard deviation of the fine detail as a share of that of the face, and h a constant: it does not change with the
    gain or the offset of the image, and falls with blur.

    Args:
        chip: uint8 (CHIP, CHIP, 3), RGB, as `face_chip` cuts it.
    """
    grey = np.asarray(cv2.cvtColor(chip, _LUMA), np.float32)
    detail = grey - cv2.GaussianBlur(grey, (0, 0), _DETAIL_SIGMA)
    mean, contrast = _spread(grey)
    _, fine = _spread(detail)
    share = max(fine**2 - _ROUNDING, 0.0) ** 0.5 / max(contrast, 1.0)
    return Quality(brightness=mean / 255 * 100, sharpness=share**2 / (share**2 + _HALF_SHARP**2) * 100)


def _spread(values: NDArray[np.floating]) -> tuple[float, float]:
    """Mean and standard deviation over the face."""
    mean, deviation = cv2.meanStdDev(values, mask=_FACE)
    return float(mean[0, 0]), float(deviation[0, 0])
