"""The structure of a PNG file (W3C PNG, third edition), and its pixels.

After eight bytes of signature come chunks: length (4), type (4), data, CRC-32 of type and data (4). IHDR is
the first chunk, IEND the last, and the IDAT chunks follow one another.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import PngImagePlugin

from candid.vision.decode_exif import UPRIGHT, orientation_of
from candid.vision.decode_stream import Stream
from candid.vision.errors import ImageTooLarge, InvalidImage
from candid.vision.facts import Pixels

_SIGNATURE_BYTES = 8
# What pixels need. Compressed profiles and text (iCCP, zTXt, iTXt), which may unpack to any size, and
# animation (acTL, fcTL, fdAT) are left out unread.
_KEPT = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
_IHDR_BYTES = 13
_WHITE = 255.0
_UNSUPPORTED = "the PNG is corrupt; send an intact file"
# Deflate packs at most 258 bytes into two bits (RFC 1951), a little over a thousand to one; a file with less is not
# whole, and need not be given the memory of its pixels.
_MOST_PACKED = 1040
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# A chunk costs time by itself; a file of 15 MB in usual chunks of 8 KB has 2,000.
_MOST_CHUNKS = 200_000


def read_png(data: bytes) -> Stream:
    """Check the structure of a PNG file: the order of the chunks and their checksums.

    Raises:
        InvalidImage: truncated, a wrong checksum, or no valid header.
        ImageTooLarge: it has too many chunks.
    """
    kept = [data[:_SIGNATURE_BYTES]]
    header = b""
    orientation = UPRIGHT
    pixels = False
    for number, (kind, body, chunk) in enumerate(_chunks(data)):
        if number > _MOST_CHUNKS:
            raise ImageTooLarge("the PNG consists of too many chunks; save it anew")
        if (number == 0) != (kind == b"IHDR"):
            raise InvalidImage(_UNSUPPORTED)
        if kind == b"IHDR":
            header = body
        elif kind == b"eXIf":
            orientation = orientation_of(body)
        pixels = pixels or kind == b"IDAT"
        if kind in _KEPT:
            kept.append(chunk)
    if not pixels:
        raise InvalidImage("the PNG holds no pixels; send an intact file")
    width, height = _size(header)
    file = b"".join(kept)
    bits = header[8] * _CHANNELS.get(header[9], 0)
    if not bits:
        raise InvalidImage(_UNSUPPORTED)
    unpacked = height * (width * bits // 8)
    return Stream(
        kind="PNG", width=width, height=height, orientation=orientation, decode=lambda: _decode(file, unpacked)
    )


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Type, data and the whole of each chunk, up to and with IEND."""
    at = _SIGNATURE_BYTES
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        end = at + 12 + length
        if end > len(data):
            break
        kind, body = data[at + 4 : at + 8], data[at + 8 : end - 4]
        (crc,) = struct.unpack_from(">I", data, end - 4)
        if zlib.crc32(body, zlib.crc32(kind)) != crc:
            raise InvalidImage("a chunk of the PNG fails its checksum; send an intact file")
        yield kind, body, data[at:end]
        if kind == b"IEND":
            return
        at = end
    raise InvalidImage("the PNG is truncated: it has no end chunk; send the whole file")


def _size(header: bytes) -> tuple[int, int]:
    """Width (4), height (4), depth, colour type, compression, filter, interlace (1 each)."""
    if len(header) != _IHDR_BYTES:
        raise InvalidImage(_UNSUPPORTED)
    width, height = struct.unpack_from(">II", header)
    if not 0 < width < 2**31 or not 0 < height < 2**31:
        raise InvalidImage(_UNSUPPORTED)
    return width, height


def _decode(file: bytes, unpacked: int) -> Pixels:
    if unpacked > len(file) * _MOST_PACKED:
        raise InvalidImage("the PNG has too few bytes for its size; send the whole file")
    with PngImagePlugin.PngImageFile(io.BytesIO(file)) as opened:
        opened.load()
        if opened.mode in {"I;16", "I;16B", "I"}:
            # Pillow keeps 16-bit grey as it is; like the decoders of other 16-bit types, the upper byte
            # counts.
            grey = (np.asarray(opened).astype(np.uint16) >> 8).astype(np.uint8)
            return np.repeat(grey[:, :, None], 3, axis=2)
        if opened.mode in {"LA", "RGBA", "PA"} or "transparency" in opened.info:
            return _over_white(opened)
        return np.asarray(opened if opened.mode == "RGB" else opened.convert("RGB"), dtype=np.uint8)


def _over_white(opened: Pillow.Image) -> Pixels:
    image: NDArray[np.float32] = np.asarray(opened.convert("RGBA")).astype(np.float32)
    alpha = image[:, :, 3:] / _WHITE
    laid: NDArray[np.float32] = np.rint(image[:, :, :3] * alpha + _WHITE * (1 - alpha))
    return laid.astype(np.uint8)
