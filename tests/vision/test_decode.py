from __future__ import annotations

import io
import os
import struct
import zlib
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow
from skimage import data

from candid.vision import (
    Image,
    ImageError,
    ImageLimits,
    ImageTooLarge,
    ImageTooSmall,
    InvalidImage,
    decode_image,
)

LIMITS = ImageLimits(min_side=1)
SCENE = np.ascontiguousarray(data.astronaut()[:120, 150:310])  # 160 × 120, no symmetry


def saved(image: Pillow.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def scene(mode: str = "RGB") -> Pillow.Image:
    return Pillow.fromarray(SCENE).convert(mode)


def exif(orientation: int) -> bytes:
    block = Pillow.Exif()
    block[0x0112] = orientation
    return block.tobytes()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(*chunks: bytes) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def header(width: int, height: int, depth: int = 8, colour: int = 2) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))


def decoded(file: bytes) -> np.ndarray:
    return decode_image(file, limits=LIMITS).pixels


def ycck() -> bytes:
    """CMYK as Adobe writes it: inverted, with the colour transform of YCCK, as Pillow saves it."""
    return saved(scene("CMYK"), "JPEG", quality=95)


GREY = np.asarray(scene("L").convert("RGB"))

SAME = {
    "jpeg": (lambda: saved(scene(), "JPEG", quality=95), SCENE, 6),
    "jpeg without subsampling": (lambda: saved(scene(), "JPEG", quality=95, subsampling=0), SCENE, 4),
    "jpeg progressive": (lambda: saved(scene(), "JPEG", quality=95, progressive=True), SCENE, 6),
    "jpeg with restarts": (
        lambda: saved(scene(), "JPEG", quality=95, restart_marker_blocks=3),
        SCENE,
        6,
    ),
    "jpeg grey": (lambda: saved(scene("L"), "JPEG", quality=95), GREY, 4),
    "jpeg cmyk": (ycck, SCENE, 8),
    "png": (lambda: saved(scene(), "PNG"), SCENE, 0),
    "png grey": (lambda: saved(scene("L"), "PNG"), GREY, 0),
    "png opaque alpha": (lambda: saved(scene("RGBA"), "PNG"), SCENE, 0),
    "png palette": (lambda: saved(scene("P"), "PNG"), np.asarray(scene("P").convert("RGB")), 0),
    "png black and white": (lambda: saved(scene("1"), "PNG"), np.asarray(scene("1").convert("RGB")), 0),
    "png with profile and text": (
        lambda: saved(scene(), "PNG", icc_profile=b"x" * 3000, exif=exif(1)),
        SCENE,
        0,
    ),
}


@pytest.mark.parametrize("name", SAME)
def test_pixels_come_out_as_they_went_in(name: str) -> None:
    write, expected, tolerance = SAME[name]
    found = decoded(write())
    assert found.dtype == np.uint8
    assert found.shape == expected.shape
    assert found.flags.c_contiguous
    assert np.abs(found.astype(int) - expected).mean() <= tolerance


def test_sixteen_bits_keep_the_upper_eight() -> None:
    grey = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64) * 16
    found = decoded(saved(Pillow.fromarray(grey), "PNG"))
    assert np.array_equal(found[:, :, 0], grey >> 8)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in np.repeat(grey[:, :, None], 3, 2))
    colour = png(header(64, 64, 16, 2), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    assert np.abs(decoded(colour)[:, :, 1].astype(int) - (grey >> 8)).max() <= 1


def test_interlaced_png() -> None:
    # Adam7 of an 8 × 8 grey image: pass by pass, from the start and step of each.
    image = np.arange(64, dtype=np.uint8).reshape(8, 8) * 4
    passes = [(0, 8, 0, 8), (0, 8, 4, 8), (4, 8, 0, 4), (0, 4, 2, 4), (2, 4, 0, 2), (0, 2, 1, 2), (1, 2, 0, 1)]
    rows = b"".join(
        b"\0" + row.tobytes()
        for top, down, left, right in passes
        for row in image[top::down, left::right]
        if row.size
    )
    ihdr = chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 1))
    file = png(ihdr, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    assert np.array_equal(decoded(file)[:, :, 2], image)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_is_laid_over_white(mode: str) -> None:
    image = scene("RGBA")
    image.putalpha(Pillow.fromarray(np.tile(np.array([0, 255], np.uint8), (120, 80))))
    options = {}
    if mode == "P":
        image, options = scene("P"), {"transparency": 7}
        clear = np.asarray(image) == 7
    else:
        image = image.convert(mode)
        clear = np.asarray(image)[:, :, -1] == 0
    found = decoded(saved(image, "PNG", **options))
    assert (found[clear] == 255).all()
    assert np.abs(found[~clear].astype(int) - np.asarray(image.convert("RGB"))[~clear]).max() <= 1


# What EXIF says must be done to the stored pixels, by hand.
UPRIGHT = {
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
    8: np.rot90,
}


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("orientation", UPRIGHT)
def test_orientation(orientation: int, kind: str) -> None:
    plain = decoded(saved(scene(), kind))
    found = decoded(saved(scene(), kind, exif=exif(orientation)))
    assert np.array_equal(found, UPRIGHT[orientation](plain))
    assert found.flags.c_contiguous


REFUSED = {
    "nothing": b"",
    "text": b"hello",
    "a JPEG's first bytes": b"\xff\xd8\xff",
    "a PNG's first bytes": b"\x89PNG\r\n\x1a\n",
    "GIF": saved(scene("P"), "GIF"),
    "WebP": saved(scene(), "WEBP"),
    "BMP": saved(scene(), "BMP"),
    "TIFF": saved(scene(), "TIFF"),
    "GIF with a JPEG's first bytes": b"\xff\xd8\xff" + saved(scene("P"), "GIF"),
    "end before a scan": b"\xff\xd8\xff\xd9",
    "no pixels": png(header(9, 9), chunk(b"IEND", b"")),
    "no end": png(header(9, 9), chunk(b"IDAT", zlib.compress(b"\0" * 300))),
    "too few pixels": png(header(9, 9), chunk(b"IDAT", zlib.compress(b"\0" * 30)), chunk(b"IEND", b"")),
    "no size": png(header(0, 9), chunk(b"IDAT", zlib.compress(b"\0" * 30)), chunk(b"IEND", b"")),
    "unknown depth": png(header(9, 9, 5), chunk(b"IDAT", zlib.compress(b"\0" * 300)), chunk(b"IEND", b"")),
    "two headers": png(header(9, 9), header(9, 9), chunk(b"IDAT", b""), chunk(b"IEND", b"")),
    "wrong checksum": saved(scene(), "PNG")[:-20] + b"\0" * 20,
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_image_is_refused(name: str) -> None:
    with pytest.raises(InvalidImage):
        decoded(REFUSED[name])


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 0.999])
def test_a_truncated_jpeg_is_refused(share: float, progressive: bool) -> None:
    file = saved(scene(), "JPEG", quality=90, progressive=progressive)
    with pytest.raises(InvalidImage):
        decoded(file[: int(len(file) * share)])


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9, 0.999])
def test_a_truncated_png_is_refused(share: float) -> None:
    file = saved(scene(), "PNG")
    with pytest.raises(InvalidImage):
        decoded(file[: int(len(file) * share)])


def test_limits() -> None:
    file = saved(scene(), "JPEG")
    exact = ImageLimits(max_bytes=len(file), max_pixels=160 * 120, min_side=120)
    assert decode_image(file, limits=exact).width == 160
    for limits, error in [
        (ImageLimits(max_bytes=len(file) - 1, min_side=1), ImageTooLarge),
        (ImageLimits(max_pixels=160 * 120 - 1, min_side=1), ImageTooLarge),
        (ImageLimits(min_side=121), ImageTooSmall),
    ]:
        with pytest.raises(error):
            decode_image(file, limits=limits)


def test_bombs_are_refused_by_their_header() -> None:
    huge = png(header(60_000, 60_000), chunk(b"IDAT", zlib.compress(b"\0" * 1000)), chunk(b"IEND", b""))
    with pytest.raises(ImageTooLarge, match="pixels"):
        decoded(huge)
    frame = saved(scene(), "JPEG")
    at = frame.index(b"\xff\xc0")
    stretched = frame[: at + 5] + struct.pack(">HH", 65_000, 65_000) + frame[at + 9 :]
    with pytest.raises(ImageTooLarge, match="pixels"):
        decoded(stretched)


def test_a_file_too_short_for_its_size_is_refused_before_it_is_decoded() -> None:
    many = ImageLimits(max_pixels=10**12, min_side=1)
    file = png(header(200_000, 200_000), chunk(b"IDAT", zlib.compress(b"\0" * 1000)), chunk(b"IEND", b""))
    frame = saved(scene(), "JPEG")
    at = frame.index(b"\xff\xc0")
    stretched = frame[: at + 5] + struct.pack(">HH", 30_000, 60_000) + frame[at + 9 :]
    for bomb in (file, stretched):
        with pytest.raises(InvalidImage, match="too few bytes"):
            decode_image(bomb, limits=many)


def test_images_of_one_colour_pack_as_far_as_can_be() -> None:
    for kind, options in [("PNG", {"compress_level": 9}), ("JPEG", {"quality": 1, "optimize": True})]:
        for mode in ("L", "RGB", "1") if kind == "PNG" else ("L", "RGB"):
            image = Pillow.new(mode, (3000, 2000))
            for progressive in (False, True) if kind == "JPEG" else (False,):
                more = {"progressive": progressive} if kind == "JPEG" else {}
                assert decoded(saved(image, kind, **options, **more)).shape == (2000, 3000, 3)


def test_metadata_that_unpacks_to_gigabytes_is_never_unpacked() -> None:
    bomb = zlib.compress(b"\0" * 50_000_000, 9)
    plain = saved(scene(), "PNG")
    end = plain.index(b"IDAT") - 4
    extra = chunk(b"iCCP", b"p\0\0" + bomb) + chunk(b"zTXt", b"t\0\0" + bomb) + chunk(b"acTL", b"\xff" * 8)
    assert np.array_equal(decoded(plain[:end] + extra + plain[end:]), SCENE)


def test_a_jpeg_of_thousands_of_scans_is_refused() -> None:
    file = saved(scene(), "JPEG", progressive=True)
    last = file.rindex(b"\xff\xda")
    again = file[last:-2]
    with pytest.raises(ImageTooLarge, match="scans"):
        decoded(file[:-2] + again * 3000 + b"\xff\xd9")


def test_a_corrupt_jpeg_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    file = bytearray(saved(scene(), "JPEG", quality=95))
    start = file.index(b"\xff\xda") + 20
    file[start : len(file) - 2 : 37] = os.urandom(len(file[start : len(file) - 2 : 37]))
    with suppress(InvalidImage):
        decoded(bytes(file))
    assert capfd.readouterr() == ("", "")


SEEDS = [
    saved(scene().resize((40, 30)), "JPEG", exif=exif(6)),
    saved(scene().resize((40, 30)), "JPEG", progressive=True),
    saved(scene("CMYK").resize((40, 30)), "JPEG"),
    saved(scene().resize((40, 30)), "PNG", exif=exif(3)),
    saved(scene("P").resize((40, 30)), "PNG", transparency=3),
    saved(Pillow.fromarray(np.arange(900, dtype=np.uint16).reshape(30, 30)), "PNG"),
]
PLACES = st.integers(0, 2000)
MUTATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), PLACES, st.integers(0, 255)),
        st.tuples(st.just("cut"), PLACES, PLACES),
        st.tuples(st.just("copy"), PLACES, PLACES),
    ),
    min_size=1,
    max_size=6,
)


def mutate(file: bytes, mutations: list[tuple[str, int, int]]) -> bytes:
    out = bytearray(file)
    for what, a, b in mutations:
        a %= len(out) + 1
        if what == "set" and a < len(out):
            out[a] = b
        elif what == "cut":
            del out[a : a + b % 64]
        elif what == "copy":
            out[a:a] = out[b % (len(out) + 1) :][:64]
    return bytes(out)


def repaired(file: bytes) -> bytes:
    """A PNG whose checksums are right again, so that mutations reach the decoder."""
    out, at = bytearray(file[:8]), 8
    while at + 12 <= len(file):
        (length,) = struct.unpack_from(">I", file, at)
        if at + 12 + length > len(file):
            break
        out += chunk(file[at + 4 : at + 8], file[at + 8 : at + 8 + length])
        at += 12 + length
    return bytes(out)


def image_or_error(file: bytes) -> None:
    try:
        found = decode_image(file, limits=ImageLimits(max_pixels=1_000_000, min_side=1))
    except ImageError:
        return
    assert isinstance(found, Image)
    assert found.pixels.shape == (found.height, found.width, 3)


@given(st.sampled_from(SEEDS), MUTATIONS)
@settings(max_examples=400, deadline=None)
def test_any_mutation_gives_an_image_or_an_image_error(
    seed: bytes, mutations: list[tuple[str, int, int]]
) -> None:
    file = mutate(seed, mutations)
    image_or_error(file)
    image_or_error(repaired(file))


@pytest.mark.slow
@given(st.sampled_from(SEEDS), MUTATIONS)
@settings(max_examples=10_000, deadline=None)
def test_ten_thousand_mutations(seed: bytes, mutations: list[tuple[str, int, int]]) -> None:
    file = mutate(seed, mutations)
    image_or_error(file)
    image_or_error(repaired(file))


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_bytes_give_an_image_or_an_image_error(tail: bytes) -> None:
    for start in (b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", png(header(5, 5))):
        image_or_error(start + tail)
