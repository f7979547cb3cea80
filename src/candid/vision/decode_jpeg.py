"""The structure of a JPEG file (ITU-T T.81, annex B), and its pixels.

A file is a chain of segments: 0xFF, a marker byte and, for most, two bytes of length that count themselves.
The first scan (SOS) begins the compressed data, in which 0xFF is always followed by 0 (stuffing), a restart
marker, or the marker of the next segment; EOI ends the image.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass

import numpy as np
from PIL import JpegImagePlugin

from candid.vision.decode_exif import UPRIGHT, orientation_of
from candid.vision.decode_stream import Stream
from candid.vision.errors import ImageTooLarge, InvalidImage
from candid.vision.facts import Pixels

_SOS, _EOI = 0xDA, 0xD9
_SOS_MARKER, _EOI_MARKER = b"\xff\xda", b"\xff\xd9"
_APP1, _APP14 = 0xE1, 0xEE
# Start of frame: 0xC0 to 0xCF but for the Huffman table (C4), JPG (C8) and the arithmetic table (CC).
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# Application data and comments are not needed for pixels, except Adobe's note on the colour transform
# (APP14).
_DROPPED = frozenset(range(0xE0, 0xF0)) - {_APP14} | {0xFE}
_ALONE = frozenset(range(0xD0, 0xD8)) | {0x01}
_EXIF = b"Exif\x00\x00"
# Each progressive scan visits every coefficient, so that a small file of thousands of scans costs minutes.
# Encoders write about ten; T.81 allows more. A scan of a large image weighs more than one of a small.
_MOST_SCANS = 100
_MOST_SCANNED_PIXELS = 2_000_000_000
# Huffman coding spends at least one bit on each block of 8 × 8 pixels, so that a file with fewer bytes is not
# whole, and need not be given the memory of its pixels. Arithmetic coding (C9 to CF) may spend less.
_MOST_PIXELS_A_BYTE = 8 * 8 * 8
_ARITHMETIC = frozenset(range(0xC9, 0xD0))


@dataclass(slots=True)
class _Header:
    """What the segments before the first scan say."""

    kept: list[bytes]
    width: int = 0
    height: int = 0
    arithmetic: bool = False
    orientation: int = UPRIGHT


def read_jpeg(data: bytes) -> Stream:
    """Check the structure of a JPEG file.

    Raises:
        InvalidImage: segments are cut off, there is no frame or no scan, or the end marker is missing.
        ImageTooLarge: its scans would take too much work to decode.
    """
    header, scan = _read_header(data)
    end = data.rfind(_EOI_MARKER, scan)
    if end < 0:
        raise InvalidImage("the JPEG is truncated: it has no end marker; send the whole file")
    scans = data.count(_SOS_MARKER, scan, end)
    if scans > _MOST_SCANS or scans * header.width * header.height > _MOST_SCANNED_PIXELS:
        raise ImageTooLarge(f"the JPEG has {scans} scans of {header.width}×{header.height} pixels; save it anew")
    body = b"".join([*header.kept, data[scan : end + 2]])
    return Stream(
        kind="JPEG",
        width=header.width,
        height=header.height,
        orientation=header.orientation,
        decode=lambda: _decode(body, header),
    )


def _read_header(data: bytes) -> tuple[_Header, int]:
    """The segments before the first scan, and where that begins."""
    header = _Header([data[:2]])
    at = 2
    while True:
        marker, begin, at = _segment(data, at)
        if marker == _SOS:
            break
        if marker in _FRAMES:
            header.arithmetic = marker in _ARITHMETIC
            _read_frame(data[begin + 4 : at], header)
        elif marker == _APP1 and header.orientation == UPRIGHT and data.startswith(_EXIF, begin + 4):
            header.orientation = orientation_of(data[begin + 4 + len(_EXIF) : at])
        if marker not in _DROPPED:
            header.kept.append(data[begin:at])
    if not header.width:
        raise InvalidImage("the JPEG has no frame; send an intact file")
    return header, begin


def _segment(data: bytes, at: int) -> tuple[int, int, int]:
    """Marker, begin and end of the segment at `at`; fill bytes and markers without a length are passed over."""
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in _ALONE:
            at += 2
        elif marker == _EOI or marker == 0:
            break
        else:
            (length,) = struct.unpack_from(">H", data, at + 2)
            end = at + 2 + length
            if length < 2 or end > len(data):
                break
            return marker, at, end
    raise InvalidImage("the JPEG is truncated or corrupt before its first scan; send an intact file")


def _read_frame(body: bytes, header: _Header) -> None:
    """Precision (1), height (2), width (2), components (1), and three bytes for each component."""
    if header.width:
        raise InvalidImage("the JPEG has several frames; hierarchical JPEG is not taken")
    if len(body) < 6:
        raise InvalidImage("the JPEG has no complete frame header; send an intact file")
    header.height, header.width = struct.unpack_from(">HH", body, 1)
    if not header.width or not header.height:
        raise InvalidImage("the JPEG does not state its size in its header; save it anew")


def _decode(body: bytes, header: _Header) -> Pixels:
    if not header.arithmetic and header.width * header.height > len(body) * _MOST_PIXELS_A_BYTE:
        raise InvalidImage("the JPEG has too few bytes for its size; send the whole file")
    with JpegImagePlugin.JpegImageFile(io.BytesIO(body)) as opened:
        # Pillow turns Adobe's inverted CMYK right, and YCCK has become CMYK within libjpeg.
        return np.asarray(opened if opened.mode == "RGB" else opened.convert("RGB"), dtype=np.uint8)
