from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from candid.vision.errors import EngineClosed, ModelError
from candid.vision.runtime import Lanes, Provider, Runner, Session, open_session, recording
from candid.vision.runtime.runner import Count


def model(*, rows: int | str = "n", work: int = 0) -> bytes:
    """y = 2x + 1 and the sum of each row; `work` multiplications of a matrix keep it busy."""
    nodes = [
        helper.make_node("Constant", [], ["two"], value_float=2.0),
        helper.make_node("Constant", [], ["one"], value_float=1.0),
        helper.make_node("Mul", ["x", "two"], ["double"]),
        helper.make_node("Add", ["double", "one"], ["y"]),
        helper.make_node("Constant", [], ["axes"], value_ints=[1]),
        helper.make_node("ReduceSum", ["x", "axes"], ["sum"], keepdims=0),
    ]
    if work:
        busy = np.eye(600, dtype=np.float32)
        nodes += [
            helper.make_node("Constant", [], ["m0"], value=onnx.numpy_helper.from_array(busy)),
            helper.make_node("ReduceMax", ["x"], ["max"], keepdims=0),
            helper.make_node("Add", ["m0", "max"], ["m1"]),
        ]
        nodes += [helper.make_node("MatMul", [f"m{i}", "m0"], [f"m{i + 1}"]) for i in range(1, work + 1)]
        nodes += [helper.make_node("ReduceMax", [f"m{work + 1}"], ["busy"], keepdims=0)]
    outputs = ["y", "sum", *(["busy"] if work else [])]
    shapes = {"y": [rows, "k"], "sum": [rows], "busy": []}
    graph = helper.make_graph(
        nodes,
        "double",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [rows, "k"])],
        [helper.make_tensor_value_info(o, onnx.TensorProto.FLOAT, shapes[o]) for o in outputs if o != "busy"],
    )
    if work:
        # Kept alive by taking part in y.
        graph.node.append(helper.make_node("Mul", ["busy", "zero"], ["nothing"]))
        graph.node.append(helper.make_node("Constant", [], ["zero"], value_float=0.0))
        graph.node.append(helper.make_node("Add", ["y", "nothing"], ["z"]))
        graph.output[0].name = "z"
        ordered = [n for n in graph.node if n.op_type == "Constant"]
        rest = [n for n in graph.node if n.op_type != "Constant"]
        del graph.node[:]
        graph.node.extend(ordered + rest)
    file = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return file.SerializeToString()


@pytest.fixture
def make() -> Callable[..., Runner]:
    made: list[Runner] = []
    lanes = Lanes(2)

    def build(content: bytes | None = None, **options: object) -> Runner:
        settings = {"slots": 1, "max_batch": 8, "lanes": lanes} | options
        file = model() if content is None else content
        made.append(Runner("double", lambda: open_session(file, provider=Provider.CPU), **settings))
        return made[-1]

    yield build
    for runner in made:
        runner.close()
    lanes.close()


def rows(*values: float, width: int = 3) -> np.ndarray:
    return np.repeat(np.array(values, np.float32)[:, None], width, axis=1)


def test_a_lone_caller(make: Callable[..., Runner]) -> None:
    runner = make()
    y, total = runner.run(rows(1, 2))
    assert np.array_equal(y, rows(3, 5))
    assert np.array_equal(total, [3, 6])
    assert runner.count() == Count(passes=1, rows=2)


def test_a_lone_caller_runs_in_its_own_thread(make: Callable[..., Runner]) -> None:
    before = threading.active_count()
    make().run(rows(1))
    assert threading.active_count() == before


@given(st.lists(st.integers(0, 30), min_size=1, max_size=5), st.integers(1, 9), st.booleans())
@settings(max_examples=60, deadline=None)
def test_rows_come_back_in_order_however_they_are_divided(sizes: list[int], most: int, fixed: bool) -> None:
    lanes = Lanes(3)
    content = model(rows=most if fixed else "n")
    runner = Runner(
        "double",
        lambda: open_session(content, provider=Provider.CPU),
        lanes=lanes,
        slots=2,
        max_batch=most,
        fixed=fixed,
    )
    arrays = [rows(*range(size)) for size in sizes]
    for array in arrays:
        for outputs in (runner.run(array), runner.run_rows(array)):
            assert np.array_equal(outputs[0], array * 2 + 1)
            assert len(outputs[1]) == len(array)
    for array, outputs in zip(arrays, runner.run_all(arrays), strict=True):
        assert np.array_equal(outputs[0], array * 2 + 1)
    runner.close()
    lanes.close()


def test_callers_that_wait_become_one_batch(make: Callable[..., Runner]) -> None:
    runner = make(model(work=60))
    runner.run(rows(0))
    with ThreadPoolExecutor(7) as pool:
        first = pool.submit(runner.run, rows(100))
        while runner.count().passes == 1 and not first.running():
            time.sleep(0)
        time.sleep(0.002)
        others = [pool.submit(runner.run, rows(i)) for i in range(6)]
        assert np.array_equal(first.result()[0], rows(201))
        for i, other in enumerate(others):
            assert np.array_equal(other.result()[0], rows(2 * i + 1))
    count = runner.count()
    assert count.rows == 8
    assert count.passes < 8


def test_shapes_that_differ_are_not_joined(make: Callable[..., Runner]) -> None:
    runner = make(model(work=20))
    widths = [1, 2, 3, 4] * 4
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda width: runner.run(rows(5, width=width)), widths))
    assert [y.shape for y, _ in found] == [(1, width) for width in widths]


def test_an_error_reaches_only_its_caller(make: Callable[..., Runner]) -> None:
    runner = make(model(work=20))
    bad = np.zeros((1, 3), np.float64)  # the model takes float32
    with ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(runner.run, bad if i % 4 == 0 else rows(i)) for i in range(16)]
        for i, job in enumerate(jobs):
            if i % 4 == 0:
                assert job.exception() is not None
            else:
                assert np.array_equal(job.result()[0], rows(2 * i + 1))
    assert np.array_equal(runner.run(rows(7))[0], rows(15))


def test_a_batch_that_fails_is_run_one_by_one(make: Callable[..., Runner]) -> None:
    # Takes one row at a time, so that every joined batch fails.
    runner = make(model(rows=1, work=20))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda i: runner.run(rows(i)), range(16)))
    assert [float(y[0, 0]) for y, _ in found] == [2 * i + 1 for i in range(16)]


def test_close_ends_those_that_wait(make: Callable[..., Runner]) -> None:
    runner = make(model(work=200))
    runner.run(rows(0))
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(runner.run, rows(i)) for i in range(4)]
        time.sleep(0.005)
        runner.close()
        ends = [job.exception() for job in jobs]
    assert {type(end) for end in ends} <= {EngineClosed, type(None)}
    with pytest.raises(EngineClosed):
        runner.run(rows(1))


def test_a_session_that_cannot_be_opened(make: Callable[..., Runner]) -> None:
    with pytest.raises(ModelError, match="cannot be opened"):
        make(b"no model").run(rows(1))


def test_a_recording_replays_the_same_passes(make: Callable[..., Runner]) -> None:
    runner = make()
    with recording() as kept:
        runner.run(rows(1))
        runner.run_all([rows(1, 2), rows(3, width=9)])
        runner.run_rows(rows(1, 2, 3))
    runner.run(rows(4))
    assert [[a.shape for a in arrays] for _, arrays in kept.calls] == [
        [(1, 3)],
        [(2, 3), (1, 9)],
        [(2, 3), (1, 3)],
    ]
    before = runner.count()
    kept.replay()
    assert runner.count() == before


def test_sessions_have_one_input() -> None:
    two = helper.make_graph(
        [helper.make_node("Add", ["a", "b"], ["c"])],
        "two",
        [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [1]) for n in "ab"],
        [helper.make_tensor_value_info("c", onnx.TensorProto.FLOAT, [1])],
    )
    file = helper.make_model(two, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    with pytest.raises(ModelError, match="2 inputs"):
        open_session(file.SerializeToString(), provider=Provider.CPU)
    opened: Session = open_session(model(), provider=Provider.CPU)
    assert opened.output_names == ("y", "sum")


@pytest.mark.parametrize("width", [1, 2])
def test_work_before_and_after_a_pass_is_spread_with_it(width: int) -> None:
    lanes = Lanes(width)
    runner = Runner(
        "double", lambda: open_session(model(), provider=Provider.CPU), lanes=lanes, slots=2, max_batch=8
    )
    with recording() as kept:
        results = runner.run_each(
            [3, 1, 2], lambda piece: rows(*range(piece)), lambda piece, outputs: (piece, outputs[0].tolist())
        )
    assert results == [(piece, (rows(*range(piece)) * 2 + 1).tolist()) for piece in (3, 1, 2)]
    assert [len(array) for array in kept.calls[0][1]] == [3, 1, 2]
    runner.close()
    lanes.close()


def test_a_replay_makes_the_passes_of_the_call(make: Callable[..., Runner], monkeypatch: pytest.MonkeyPatch) -> None:
    runner = make(max_batch=2)
    with recording() as kept:
        runner.run(rows(1, 2, 3, 4, 5))
    passes: list[int] = []
    plain = Session.run
    monkeypatch.setattr(Session, "run", lambda self, array: passes.append(len(array)) or plain(self, array))
    kept.replay()
    assert passes == [2, 2, 1]
