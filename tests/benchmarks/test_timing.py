"""What the benchmarks count, on things whose times are known."""

from __future__ import annotations

import time

import pytest

from candid.benchmarks.machine import this_machine
from candid.benchmarks.timing import in_turns, per_second, summary


@pytest.mark.parametrize(
    ("milliseconds", "p50", "p95", "least"),
    [([5.0], 5, 5, 5), ([3.0, 1.0, 2.0], 2, 3, 1), ([float(i) for i in range(1, 101)], 50.5, 95, 1)],
)
def test_summary(milliseconds: list[float], p50: float, p95: float, least: float) -> None:
    found = summary(milliseconds)
    assert (found.rounds, found.p50_ms, found.p95_ms, found.least_ms) == (len(milliseconds), p50, p95, least)


def test_things_take_turns_and_warm_up_does_not_count() -> None:
    order: list[str] = []
    found = in_turns(
        {"a": lambda: order.append("a"), "b": lambda: (order.append("b"), time.sleep(0.002))}, rounds=3, warm_up=2
    )
    assert "".join(order) == "ab" * 5
    assert found["a"].rounds == found["b"].rounds == 3
    assert found["b"].least_ms >= 2 > found["a"].p50_ms


def test_threads_are_counted_together() -> None:
    alone = per_second(lambda: time.sleep(0.01), callers=1, seconds=0.3)
    four = per_second(lambda: time.sleep(0.01), callers=4, seconds=0.3)
    assert four > 2 * alone > 0


def test_the_machine_is_named() -> None:
    machine = this_machine()
    assert machine.cores >= 1
    assert machine.packages["numpy"] != "unknown"
    assert machine.processor
