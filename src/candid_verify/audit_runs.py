"""Rules about time and the runs of the server: was everything counted, and did the engine work for nobody?

A rule looks at one entry with what is known of those before it, and answers with a sentence where it is broken.
"""

from __future__ import annotations

from candid_verify.audit_state import Run, Seen, State, Surplus
from candid_verify.errors import InputError
from candid_verify.notes import Key
from candid_verify.times import APART, LATEST, LONGEST_CALL, iso

_CLOCKS = 1000  # milliseconds by which the start of a call and the time of an entry may be out of step


def first_entry(state: State, seen: Seen) -> str | None:  # noqa: ARG001 - a rule's signature
    """`log/1` stands at index 0 and nowhere else."""
    kind = seen.entry["kind"]
    if seen.index == 0 and kind != "log/1":
        return f"a log begins with log/1, and this one with {kind}"
    if seen.index > 0 and kind == "log/1":
        return "log/1 stands at index 0 only, and here is another one"
    return None


def successor_of_another(state: State, seen: Seen) -> str | None:  # noqa: ARG001 - a rule's signature
    """The log that a first entry names as the one before it has another name and another key."""
    previous = seen.entry.get("previous")
    if previous is None:
        return None
    try:
        key = Key.parse(previous["key"])
    except InputError:
        return "it names a log before it, and not by a log's key"
    if key.name != previous["origin"]:
        return f"it names the log before it {previous['origin']}, and its key is that of {key.name}"
    own = seen.entry["origin"]
    return f"it names itself, {own}, as the log before it" if previous["origin"] == own else None


def time_goes_on(state: State, seen: Seen) -> str | None:
    """No entry is of an impossible time, or of one before that of the entry before it."""
    if seen.entry["time"] >= LATEST:
        return f"its time, {seen.entry['time']}, is impossible"
    if seen.entry["time"] < state.time:
        return f"its time is {seen.entry['time']} and an earlier entry's {state.time}: time went backwards"
    return None


def time_has_come(state: State, seen: Seen) -> str | None:
    """No entry is later than the newest cosignature over it, or than the auditor's clock, by more than five minutes."""
    if state.limit is None or seen.entry["time"] <= state.limit.time + APART:
        return None
    found, limit = iso(seen.entry["time"]), iso(state.limit.time)
    return f"its time, {found}, had not come: by {state.limit.clock} it was {limit} when the entry stood already"


def end_of_previous_run(state: State, seen: Seen) -> str | None:
    """`start/1` says truly how the run before it ended."""
    run = state.run
    expected = "none" if run is None else "clean" if run.stopped else "unclean"
    found = seen.entry["previous"]
    return None if found == expected else f"it says that the run before ended {found}, and by the log it is {expected}"


def newest_run(state: State, seen: Seen) -> str | None:
    """`run` names the newest `start/1`, whose `stop/1` has not come."""
    named = seen.entry.get("run")
    if named is None:  # `state/1` that was written while no server ran
        return None
    if state.run is None or state.run.index != named:
        newest = "there is none" if state.run is None else f"the newest is {state.run.index}"
        return f"it names run {named}, and {newest}"
    return f"it belongs to run {named}, which had stopped" if state.run.stopped else None


def calls_of_run(state: State, seen: Seen) -> str | None:
    """`calls` is how many `call/1` entries the run has."""
    run = _named(state, seen)
    stated = seen.entry.get("calls")
    if run is None or stated is None or stated == run.calls:
        return None
    return f"it states {stated} calls of run {run.index}, and the log has {run.calls}"


def counters_before_calls(state: State, seen: Seen) -> str | None:
    """Before its first call each run states the engine's counters, so that warming up can be told from work."""
    run = _named(state, seen)
    if run is not None and run.calls == 0 and run.warm is None:
        return f"run {run.index} has calls, and no state/1 before them that states the counters of the engine"
    return None


def counters_go_on(state: State, seen: Seen) -> str | None:
    """Within a run the engine's counters never fall."""
    run, engine = _named(state, seen), seen.entry.get("engine")
    if run is None or engine is None:
        return None
    for model, rows in run.counters.items():
        found = engine[model]["rows"] if model in engine else 0
        if found < rows:
            return f"the rows of {model} went back from {rows} to {found} within run {run.index}"
    return None


def counters_cover_calls(state: State, seen: Seen) -> str | None:
    """The engine's counters are at least what the run's calls state; calls in progress may have added to them."""
    run = _named(state, seen)
    if run is None or run.warm is None or "engine" not in seen.entry:
        return None
    for model, rows in run.rows.items():
        found = _since_warm(run, seen, model)
        if found < rows:
            return f"the calls of run {run.index} state {rows} rows of {model}, and the engine computed {found}"
    return None


def no_work_without_call(state: State, seen: Seen) -> str | None:
    """At the end of a run the engine has computed just what the run's calls state, beside warming up."""
    run = _named(state, seen)
    if run is None or run.warm is None:
        return None
    for model in seen.entry["engine"]:
        found, rows = _since_warm(run, seen, model), run.rows.get(model, 0)
        if found > rows:
            return (
                f"in run {run.index} the engine did work for which there is no call: "
                f"{found} rows of {model}, and the calls state {rows}"
            )
    return None


def work_ends_in_calls(state: State, seen: Seen) -> str | None:
    """What the engine had computed at a `state/1` belongs to calls that end within ten minutes."""
    # A silence that a `resumed/1` ends does not count: no call could end in the log meanwhile (`note_late_work`).
    run = state.run
    if run is None or not run.surplus or seen.entry["kind"] == "resumed/1":
        return None
    if seen.entry["time"] <= run.surplus[0].time + LONGEST_CALL:
        return None
    rows = ", ".join(f"{rows} rows of {model}" for model, rows in run.surplus[0].rows.items())
    return f"in run {run.index} the engine did work for which no call has come in ten minutes: {rows}"


def note_late_work(state: State, seen: Seen) -> None:
    """What no call came for is found once; a silence that a `resumed/1` ends moves its time on."""
    run = state.run
    if run is not None and seen.entry["kind"] == "resumed/1":
        # From the entry before it, whatever it says: nothing stands in between.
        run.surplus = [Surplus(each.time + seen.entry["time"] - state.time, each.rows) for each in run.surplus]
        return
    while run is not None and run.surplus and seen.entry["time"] > run.surplus[0].time + LONGEST_CALL:
        run.surplus.pop(0)


def note_log(state: State, seen: Seen) -> None:
    """The log may succeed another one."""
    state.succeeds = seen.index == 0 and "previous" in seen.entry


def note_start(state: State, seen: Seen) -> None:
    """A run begins."""
    state.run = Run(seen.index)


def note_state(state: State, seen: Seen) -> None:
    """Counters were stated; the first time, before any call, they are those of warming up."""
    run, engine = _named(state, seen), seen.entry.get("engine")
    if run is None or engine is None:
        return
    run.counters = {model: counts["rows"] for model, counts in engine.items()}
    if run.warm is None and run.calls == 0:
        run.warm = dict(run.counters)
    if run.warm is not None:
        above = {model: _since_warm(run, seen, model) - run.rows.get(model, 0) for model in engine}
        above = {model: rows for model, rows in above.items() if rows > 0}
        if above:
            run.surplus.append(Surplus(seen.entry["time"], above))


def note_stop(state: State, seen: Seen) -> None:
    """A run ends."""
    run = _named(state, seen)
    if run is not None:
        run.stopped = True
        run.surplus = []  # `no_work_without_call` has judged all of it


def note_call(state: State, seen: Seen) -> None:
    """A call counts for its run."""
    run = _named(state, seen)
    if run is None:
        return
    run.calls += 1
    for model, rows in seen.entry.get("engine", {}).items():
        run.rows[model] = run.rows.get(model, 0) + rows
    if run.surplus:
        for each in run.surplus:
            if seen.entry["started"] <= each.time + _CLOCKS:
                _take_off(each, seen.entry.get("engine", {}))
        run.surplus = [each for each in run.surplus if each.rows]


def _named(state: State, seen: Seen) -> Run | None:
    """The run that an entry names, if it is the newest; else `newest_run` says what is wrong."""
    run = state.run
    return run if run is not None and run.index == seen.entry.get("run") else None


def _take_off(surplus: Surplus, engine: dict[str, int]) -> None:
    """A call accounts for some of the work."""
    left = {model: rows - engine.get(model, 0) for model, rows in surplus.rows.items()}
    surplus.rows = {model: rows for model, rows in left.items() if rows > 0}


def _since_warm(run: Run, seen: Seen, model: str) -> int:
    stated = seen.entry["engine"].get(model)
    rows: int = 0 if stated is None else stated["rows"]
    return rows - (run.warm or {}).get(model, 0)
