from __future__ import annotations

import numpy as np
import pytest

from candid.vision.runtime.layout import to_input


@pytest.mark.parametrize("count", [0, 1, 3])
@pytest.mark.parametrize("bgr", [False, True])
def test_both_layouts_hold_the_same_numbers(count: int, bgr: bool) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (count, 5, 7, 3), dtype=np.uint8)
    expected = (pixels.astype(np.float32) - 127.5) / 128
    expected = expected[..., ::-1] if bgr else expected
    last = to_input(pixels, mean=127.5, scale=1 / 128, last=True, bgr=bgr)
    first = to_input(pixels, mean=127.5, scale=1 / 128, last=False, bgr=bgr)
    assert last.dtype == first.dtype == np.float32
    assert first.shape == (count, 3, 5, 7)
    assert np.allclose(last, expected, atol=1e-6)
    assert np.allclose(first.transpose(0, 2, 3, 1), expected, atol=1e-6)
