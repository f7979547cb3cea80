from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from candid.vision.decode_exif import orient, orientation_of


def tiff(order: str, value: int, *, tag: int = 0x0112, kind: int = 3, count: int = 1, start: int = 8) -> bytes:
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", start)
    entry = struct.pack(order + "HHIHH", tag, kind, count, value, 0)
    return head + struct.pack(order + "H", 1) + entry


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("value", range(1, 9))
def test_reads_the_tag(order: str, value: int) -> None:
    assert orientation_of(tiff(order, value)) == value


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"II*\0",
        b"XX*\0" + tiff("<", 6)[4:],
        tiff("<", 0),
        tiff("<", 9),
        tiff("<", 6, tag=0x0113),
        tiff("<", 6, kind=4),
        tiff("<", 6, count=2),
        tiff("<", 6, start=0xFFFFFFFF),
        tiff("<", 6, start=20),
        tiff("<", 6)[:-3],
    ],
)
def test_what_is_malformed_is_upright(block: bytes) -> None:
    assert orientation_of(block) == 1


@given(st.binary(max_size=200))
def test_any_bytes_give_an_orientation(block: bytes) -> None:
    assert 1 <= orientation_of(b"II*\0" + block) <= 8
    assert 1 <= orientation_of(b"MM\0*" + block) <= 8


# The orientation that undoes each.
INVERSE = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}


@pytest.mark.parametrize("orientation", INVERSE)
def test_each_orientation_has_an_inverse(orientation: int) -> None:
    image = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    assert np.array_equal(orient(orient(image, orientation), INVERSE[orientation]), image)
