"""What it costs that every call stands in the log: two servers asked in turns, one of which records nothing."""

from __future__ import annotations

import statistics
import tempfile
from base64 import b64encode
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from candid.benchmarks.http import Caller, together
from candid.benchmarks.timing import Timing, in_turns
from candid.server.process import own_server

# Turns of eight clients at once; the order changes, so that neither server is always the second.
TURNS = 6


@dataclass(frozen=True, slots=True)
class RecordingCost:
    """DetectFaces with and without recording, measured in one run.

    Attributes:
        recorded, unrecorded: one client, in turns.
        added_ms: by how much the median is longer.
        recorded_per_second, unrecorded_per_second: eight clients at once; medians of several turns.
        throughput_loss: the share of the throughput that is lost.
    """

    recorded: Timing
    unrecorded: Timing
    added_ms: float
    recorded_per_second: float
    unrecorded_per_second: float
    throughput_loss: float


def measure_recording(photograph: bytes, *, rounds: int) -> RecordingCost:
    """Measure DetectFaces on a JPEG.

    Raises:
        ServerDidNotStart, CallFailed: what went wrong.
    """
    members = {"Image": {"Bytes": b64encode(photograph).decode()}}
    with ExitStack() as stack:
        folders = [Path(stack.enter_context(tempfile.TemporaryDirectory())) for _ in range(2)]
        recorded = stack.enter_context(own_server(folders[0]))
        unrecorded = stack.enter_context(own_server(folders[1], module="candid.benchmarks.unrecorded"))
        ready = {"recorded": recorded.ready, "unrecorded": unrecorded.ready}
        callers = {name: Caller(facts, "DetectFaces", members) for name, facts in ready.items()}
        alone = in_turns(callers, rounds=rounds, warm_up=20)
        rates: dict[str, list[float]] = {name: [] for name in ready}
        for turn in range(TURNS):
            for name in sorted(ready, reverse=bool(turn % 2)):
                connect = lambda n=name: Caller(ready[n], "DetectFaces", members)  # noqa: E731
                rates[name].append(together(connect, clients=8, calls=max(5, rounds // 8))[1])
    with_log, without = statistics.median(rates["recorded"]), statistics.median(rates["unrecorded"])
    return RecordingCost(
        recorded=alone["recorded"],
        unrecorded=alone["unrecorded"],
        added_ms=round(alone["recorded"].p50_ms - alone["unrecorded"].p50_ms, 3),
        recorded_per_second=with_log,
        unrecorded_per_second=without,
        throughput_loss=round(1 - with_log / without, 4),
    )
