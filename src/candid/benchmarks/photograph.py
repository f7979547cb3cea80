"""The photograph that is timed: one face in a thousand pixels, cut from a photograph that a package ships."""

from __future__ import annotations

import cv2

from candid.demo.samples import SamplesUnavailable, sample_photographs

WIDTH, HEIGHT = 1000, 750
# Left, top, width and height in `sample1`, 1920 × 1280: the face at the right, and no other.
_CUT = (1120, 0, 800, 600)
_QUALITY = 90


def one_face() -> bytes:
    """A JPEG of 1000 × 750 pixels with one face.

    Raises:
        SamplesUnavailable: the photographs are not there and cannot be fetched.
    """
    path = next(path for path in sample_photographs() if path.stem == "sample1")
    left, top, width, height = _CUT
    photograph = cv2.imread(str(path))
    if photograph is None:
        raise SamplesUnavailable(f"{path} cannot be read; delete it and try again")
    cut = photograph[top : top + height, left : left + width]
    scaled = cv2.resize(cut, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return bytes(cv2.imencode(".jpg", scaled, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1])
