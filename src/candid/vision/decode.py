"""Bytes of a JPEG or PNG file to pixels, for input that may be hostile.

Each format has a reader of its own that walks the file's structure first: it learns the size before
anything is decompressed, refuses what is incomplete, and hands the pixel decoder a stream in which only
those parts are left that pixels need. Metadata, which holds most of the trouble (colour profiles,
compressed text, thumbnails, animation), never reaches a decoder. The pixels are decoded by Pillow rather
than OpenCV: it costs about a millisecond more for a 1000 px photograph, but refuses truncated files where
OpenCV fills them up with grey, and prints nothing on standard error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from candid.vision.decode_exif import UPRIGHT, orient
from candid.vision.decode_jpeg import read_jpeg
from candid.vision.decode_png import read_png
from candid.vision.decode_stream import Stream
from candid.vision.errors import ImageTooLarge, ImageTooSmall, InvalidImage
from candid.vision.facts import Image, Pixels
from candid.vision.pixel_room import PixelRoom

_JPEG = b"\xff\xd8\xff"
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """What is taken.

    The defaults of bytes and side are Amazon's for an image in a bucket
    (https://docs.aws.amazon.com/rekognition/latest/dg/limits.html); the pixels are Candid's own: 100
    million are 300 MB of memory once decoded.

    Attributes:
        max_bytes: of the file.
        max_pixels: width × height.
        min_side: pixels of the shorter side.
    """

    max_bytes: int = 15 * 1024 * 1024
    max_pixels: int = 100_000_000
    min_side: int = 80


def decode_image(data: bytes, *, limits: ImageLimits, room: PixelRoom | None = None) -> Image:
    """Decode a JPEG or PNG file into upright RGB.

    JPEG: baseline, extended and progressive; grey, YCbCr, RGB, CMYK and YCCK. PNG: every colour type and
        depth, interlaced or not; 16 bits keep their upper 8; transparency is laid over white, as a page
        shows it; of an animation the default image is read. Colour profiles are not applied. EXIF
        orientation is.

    Args:
        data: the file.
        limits: checked before any pixel is decoded.
        room: what all callers' pixels share; it is waited for, and given back when the image is freed.

    Returns:
        uint8 (height, width, 3), RGB.

    Raises:
        InvalidImage: no JPEG or PNG, or a truncated or corrupt one.
        ImageTooLarge: more bytes or pixels than the limits allow.
        ImageTooSmall: a side is shorter than the limits allow.
        NoPixelRoom: other images held all the room for too long.
    """
    if len(data) > limits.max_bytes:
        raise ImageTooLarge(f"the image has {len(data)} bytes; at most {limits.max_bytes} are taken")
    stream = _read(data)
    _check_size(stream, limits)
    if room is None:
        return Image(_pixels(stream))
    size = stream.width * stream.height
    room.take(size)
    try:
        image = Image(_pixels(stream))
    except BaseException:
        room.give(size)
        raise
    room.give_with(image.pixels, size)
    return image


def _pixels(stream: Stream) -> Pixels:
    try:
        pixels = stream.decode()
    except InvalidImage:
        raise
    except MemoryError as error:
        raise ImageTooLarge("there is not enough memory to decode the image; send a smaller one") from error
    except Exception as error:  # decoders raise whatever they meet in a corrupt file
        raise InvalidImage(f"the {stream.kind} is corrupt or truncated; send an intact file") from error
    if pixels.shape != (stream.height, stream.width, 3):
        raise InvalidImage(f"the {stream.kind} does not decode to the size that it states")
    return _upright(pixels, stream.orientation)


def _read(data: bytes) -> Stream:
    if data.startswith(_JPEG):
        return read_jpeg(data)
    if data.startswith(_PNG):
        return read_png(data)
    raise InvalidImage("the bytes are no JPEG and no PNG; convert the image to one of the two")


def _check_size(stream: Stream, limits: ImageLimits) -> None:
    size = f"{stream.width}×{stream.height}"
    if stream.width * stream.height > limits.max_pixels:
        raise ImageTooLarge(f"the image has {size} pixels; at most {limits.max_pixels} in all are taken")
    if min(stream.width, stream.height) < limits.min_side:
        raise ImageTooSmall(f"the image has {size} pixels; each side must have at least {limits.min_side}")


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    return pixels if orientation == UPRIGHT else np.ascontiguousarray(orient(pixels, orientation))
