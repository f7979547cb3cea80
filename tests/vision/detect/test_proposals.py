from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from candid.vision.detect.proposals import STEP, WINDOW, normalise, propose, shift
from candid.vision.detect.pyramid import Pyramid
from candid.vision.facts import Image
from candid.vision.models import Models
from candid.vision.runtime import Lanes, Provider, Runner, open_session


@pytest.fixture(scope="module")
def runner(models: Models) -> Runner:
    path = models.path("mtcnn-pnet")
    return Runner(
        "mtcnn-pnet",
        lambda: open_session(path, provider=Provider.CPU),
        lanes=Lanes(1),
        slots=1,
        max_batch=8,
    )


def whole(runner: Runner, pixels: np.ndarray, threshold: float) -> set[tuple[int, int]]:
    """Column and row of every window over the threshold, from one pass over the whole level."""
    rows = (pixels.shape[0] - WINDOW) // STEP + 1
    chances = runner.run(normalise(pixels[None]))[0][0, 1, :rows]
    return {(int(c), int(r)) for r, c in np.argwhere(chances > threshold)}


@given(height=st.integers(12, 420), width=st.integers(12, 60))
@settings(max_examples=25, deadline=None)
def test_strips_see_what_the_whole_sees(
    runner: Runner, astronaut: Image, height: int, width: int
) -> None:
    from candid.vision.detect import proposals

    pixels = np.ascontiguousarray(astronaut.pixels[:height, 200 : 200 + width])
    found = set()
    for strip in proposals._strips(Pyramid(pixels, [1.0]), 0, 0.3):
        array = strip.prepared()
        assert array.shape[2] <= (proposals.STRIP - 1) * STEP + WINDOW
        windows = proposals._windows(strip, runner.run(array))
        found |= set(zip(windows.column.tolist(), windows.row.tolist(), strict=True))
    assert found == whole(runner, pixels, 0.3)


def test_levels_too_small_for_a_window_propose_nothing(runner: Runner) -> None:
    for shape in [(11, 50, 3), (50, 11, 3)]:
        pyramid = Pyramid(np.zeros(shape, np.uint8), [1.0, 0.5])
        assert propose(runner, pyramid, thresholds=[0.1, 0.1], most=10).shape == (0, 4)


def test_shift_is_in_widths_and_heights() -> None:
    moved = shift(np.array([[10, 20, 20, 40]], np.float32), np.array([[0.1, -0.1, 0.2, 0.5]], np.float32))
    assert np.allclose(moved, [[11, 18, 22, 50]])
