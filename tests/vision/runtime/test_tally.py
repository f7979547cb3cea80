"""Each caller's rows are counted for itself, and the sums equal the runner's own counter."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnx
import pytest
from onnx import helper

from candid.vision.runtime import Lanes, Provider, Runner, open_session, tally


def model() -> bytes:
    """y = x + x, a row for a row."""
    x = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", "k"])
    y = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["n", "k"])
    graph = helper.make_graph([helper.make_node("Add", ["x", "x"], ["y"])], "double", [x], [y])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8).SerializeToString()


def rows(count: int) -> np.ndarray:
    return np.ones((count, 3), np.float32)


@pytest.fixture
def runner() -> Iterator[Runner]:
    lanes = Lanes(2)
    opened = Runner(
        "double", lambda: open_session(model(), provider=Provider.CPU), slots=1, max_batch=4, lanes=lanes
    )
    yield opened
    opened.close()
    lanes.close()


def test_every_way_to_run_is_counted_once(runner: Runner) -> None:
    with tally() as counted:
        assert counted == {}
        runner.run(rows(2))
        assert counted == {"double": 2}
        runner.run_rows(rows(10))
        assert counted == {"double": 12}
        runner.run_all([rows(1), rows(3)])
        assert counted == {"double": 16}
        runner.run_rows(rows(0))
        assert counted == {"double": 16}
    assert counted["double"] == runner.count().rows


def test_nothing_is_counted_outside(runner: Runner) -> None:
    with tally() as counted:
        pass
    runner.run(rows(2))
    assert counted == {}


def test_the_innermost_tally_counts(runner: Runner) -> None:
    with tally() as outer:
        runner.run(rows(1))
        with tally() as inner:
            runner.run(rows(2))
        runner.run(rows(4))
    assert (outer, inner) == ({"double": 5}, {"double": 2})


def test_callers_at_once_share_passes_and_not_their_counts(runner: Runner) -> None:
    def work(count: int) -> int:
        with tally() as counted:
            for _ in range(20):
                runner.run(rows(count))
        return counted["double"]

    with ThreadPoolExecutor(4) as pool:
        counted = list(pool.map(work, (1, 2, 3, 4)))
    assert counted == [20, 40, 60, 80]
    assert sum(counted) == runner.count().rows


def test_what_is_computed_before_a_failure_is_counted(runner: Runner) -> None:
    class Stop(Exception):
        pass

    def last(array: np.ndarray, _: object) -> None:
        if len(array) == 3:
            raise Stop

    with tally() as counted, pytest.raises(Stop):
        runner.run_each([rows(1), rows(3)], lambda array: array, last)
    assert counted["double"] == runner.count().rows
