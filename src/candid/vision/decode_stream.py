"""What a format's reader makes of a file before any pixel is decoded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from candid.vision.facts import Pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A file whose structure has been checked.

    Attributes:
        kind: JPEG or PNG, for messages.
        width: pixels a row, as stored, before orientation.
        height: rows, likewise.
        orientation: EXIF orientation, 1 to 8.
        decode: gives uint8 (height, width, 3), RGB, contiguous; raises anything on a corrupt file.
    """

    kind: str
    width: int
    height: int
    orientation: int
    decode: Callable[[], Pixels]
