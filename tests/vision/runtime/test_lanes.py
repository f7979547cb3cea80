from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from candid.vision.runtime import Lanes


@given(st.integers(1, 4), st.lists(st.integers(), max_size=20))
def test_results_keep_their_order(width: int, pieces: list[int]) -> None:
    lanes = Lanes(width)
    try:
        assert lanes.map(lambda piece: piece * 2, pieces) == [piece * 2 for piece in pieces]
    finally:
        lanes.close()


def test_two_lanes_work_at_once() -> None:
    lanes = Lanes(2)
    together = threading.Barrier(2, timeout=10)
    assert len(lanes.map(lambda _: together.wait(), [1, 2])) == 2
    lanes.close()


def test_an_error_is_raised_and_the_lanes_go_on() -> None:
    lanes = Lanes(2)
    with pytest.raises(ZeroDivisionError):
        lanes.map(lambda piece: 1 // piece, [1, 0, 1])
    assert lanes.map(str, [1, 2, 3]) == ["1", "2", "3"]
    lanes.close()


def test_closed_lanes_leave_the_work_to_the_caller() -> None:
    lanes = Lanes(3)
    lanes.close()
    assert lanes.map(lambda _: threading.get_ident(), [1, 2, 3]) == [threading.get_ident()] * 3
