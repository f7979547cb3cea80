"""Times several things in turns, so that whatever else the machine does strikes all of them alike."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds of one thing.

    Attributes:
        rounds: how often it was timed, after warm-up.
        p50_ms: median.
        p95_ms: 95th percentile, the nearest rank.
        least_ms: the fastest round.
    """

    rounds: int
    p50_ms: float
    p95_ms: float
    least_ms: float


def summary(milliseconds: list[float]) -> Timing:
    """The figures of a list of rounds, which must not be empty."""
    ordered = sorted(milliseconds)
    rank = max(0, -(-95 * len(ordered) // 100) - 1)
    return Timing(
        len(ordered),
        round(statistics.median(ordered), 3),
        round(ordered[rank], 3),
        round(ordered[0], 3),
    )


def in_turns(things: Mapping[str, Callable[[], object]], *, rounds: int, warm_up: int = 3) -> dict[str, Timing]:
    """Run every thing once a round.

    Args:
        things: what to time, by name.
        rounds: timed rounds.
        warm_up: rounds before them that do not count.
    """
    taken: dict[str, list[float]] = {name: [] for name in things}
    for number in range(warm_up + rounds):
        for name, thing in things.items():
            started = time.perf_counter()
            thing()
            if number >= warm_up:
                taken[name].append(1000 * (time.perf_counter() - started))
    return {name: summary(each) for name, each in taken.items()}


def per_second(thing: Callable[[], object], *, callers: int, seconds: float) -> float:
    """How often a second several threads get a thing done, each as fast as it can.

    Args:
        thing: safe to call from several threads.
        callers: threads.
        seconds: how long they begin new rounds; rounds under way are finished and count.
    """
    done = [0] * callers
    started = time.perf_counter()

    def call(number: int) -> None:
        while time.perf_counter() - started < seconds:
            thing()
            done[number] += 1

    threads = [threading.Thread(target=call, args=(number,)) for number in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return round(sum(done) / (time.perf_counter() - started), 2)
