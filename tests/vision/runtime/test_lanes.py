from __future__ import annotations

import threading
import time

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


def test_only_so_many_callers_are_at_work() -> None:
    lanes = Lanes(2)
    at_work: list[int] = []
    most: list[int] = []
    lock = threading.Lock()

    def call(number: int) -> None:
        with lanes.turn():
            with lock:
                at_work.append(number)
                most.append(len(at_work))
            time.sleep(0.005)
            with lock:
                at_work.remove(number)

    callers = [threading.Thread(target=call, args=(number,)) for number in range(9)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    lanes.close()
    assert len(most) == 9
    assert 1 < max(most) <= 3


def test_a_caller_takes_no_core_that_another_keeps_busy() -> None:
    lanes = Lanes(3)
    assert lanes.free() == 3
    with lanes.turn():
        assert lanes.free() == 3
        with lanes.turn():
            assert lanes.free() == 2
            with lanes.turn(), lanes.turn():
                assert lanes.free() == 1
                assert set(lanes.map(lambda _: threading.get_ident(), range(20))) == {threading.get_ident()}
    assert lanes.free() == 3
    lanes.close()


def test_a_turn_ends_with_an_error() -> None:
    lanes = Lanes(1, most_callers=1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), lanes.turn():
            _ = 1 // 0
    lanes.close()


def test_several_callers_share_the_helpers() -> None:
    """Many maps at once, each of which gets its own results; errors reach only their caller."""
    lanes = Lanes(3)
    wrong: list[object] = []

    def call(number: int) -> None:
        for _ in range(200):
            if lanes.map(lambda piece: piece + number, [1, 2, 3]) != [1 + number, 2 + number, 3 + number]:
                wrong.append(number)
            try:
                lanes.map(lambda piece: piece // (piece - number), [1, 2, 3])
            except ZeroDivisionError:
                continue
            wrong.append(number)

    callers = [threading.Thread(target=call, args=(number,)) for number in (1, 2, 3)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    lanes.close()
    assert wrong == []


def test_closing_twice_is_closing() -> None:
    lanes = Lanes(2)
    lanes.close()
    lanes.close()
    assert lanes.free() == 1
