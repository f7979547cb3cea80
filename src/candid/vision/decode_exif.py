"""The one fact of EXIF that recognition needs: which way up the image is.

The parser reads a single tag of the first directory by hand. A library that reads all of EXIF follows
offsets, thumbnails and maker notes that a stranger wrote.
"""

from __future__ import annotations

import struct

import numpy as np

from candid.vision.facts import Pixels

UPRIGHT = 1

# CIPA DC-008 (EXIF 2.32) 4.6.4: tag 0x0112, type SHORT, one value from 1 to 8.
_ORIENTATION = 0x0112
_SHORT = 3
_ENTRY_BYTES = 12
# A first directory has some twenty entries; more are not searched.
_MOST_ENTRIES = 512


def orientation_of(tiff: bytes) -> int:
    r"""Orientation in a TIFF block: what follows `Exif\0\0` in a JPEG, or a PNG's eXIf chunk.

    Layout: `II*\0` or `MM\0*`, offset of the first directory (4 bytes); there the number of entries
    (2 bytes) and the entries: tag (2), type (2), count (4), value (4).

    Returns:
        1 to 8; 1 where the tag is absent or anything is malformed, as viewers do.
    """
    order = {b"II*\x00": "<", b"MM\x00*": ">"}.get(tiff[:4])
    if order is None or len(tiff) < 8:
        return UPRIGHT
    (start,) = struct.unpack_from(order + "I", tiff, 4)
    if start + 2 > len(tiff):
        return UPRIGHT
    (count,) = struct.unpack_from(order + "H", tiff, start)
    for i in range(min(count, _MOST_ENTRIES)):
        at = start + 2 + i * _ENTRY_BYTES
        if at + _ENTRY_BYTES > len(tiff):
            break
        tag, kind, values, value = struct.unpack_from(order + "HHIH", tiff, at)
        if tag == _ORIENTATION:
            return int(value) if kind == _SHORT and values == 1 and 1 <= value <= 8 else UPRIGHT
    return UPRIGHT


def orient(pixels: Pixels, orientation: int) -> Pixels:
    """Turn stored pixels upright.

    EXIF names where the stored first row and first column lie in the scene: 2 mirrored, 3 turned by half, 4
    upside down, 5 transposed, 6 to be turned clockwise, 7 transversed, 8 to be turned counter-clockwise.

    Args:
        pixels: (height, width, channels).
        orientation: 1 to 8.

    Returns:
        A view of `pixels`, not contiguous in general.
    """
    if orientation >= 5:
        pixels = np.swapaxes(pixels, 0, 1)
    rows = -1 if orientation in {3, 4, 7, 8} else 1
    columns = -1 if orientation in {2, 3, 6, 7} else 1
    return pixels[::rows, ::columns]
