"""The figures of a usage claim."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from candid_verify.entries import Placed
from candid_verify.figures import figures, months_billed

OCTOBER, NOVEMBER, DECEMBER = 1_790_812_800_000, 1_793_491_200_000, 1_796_083_200_000  # 2026, UTC


def call(index, time, **members):
    return Placed(
        index, {"kind": "call/1", "time": time, "operation": "A", "outcome": "ok", "meter": "m", "units": 1} | members
    )


def stored(index, day):
    return Placed(index, {"kind": "storage/1", "time": NOVEMBER, "day": day})


@pytest.mark.parametrize(
    ("begin", "end", "months"),
    [
        (None, DECEMBER, ["2026-10", "2026-11"]),
        (OCTOBER, DECEMBER, ["2026-10", "2026-11"]),
        (OCTOBER + 1, DECEMBER, ["2026-11"]),
        (None, DECEMBER - 1, ["2026-10"]),
        (NOVEMBER, DECEMBER, ["2026-11"]),
        (OCTOBER, NOVEMBER, ["2026-10"]),
        (NOVEMBER, NOVEMBER + 1, []),
        (None, 10 * DECEMBER, ["2026-10", "2026-11", "2026-12"]),
    ],
)
def test_months_that_lie_in_the_period_whole(begin, end, months):
    calls, days = [call(1, OCTOBER), call(2, DECEMBER)], [stored(3, "2026-11-30")]
    assert [str(each) for each in months_billed(calls, days, begin=begin, end=end)] == months


CALLS = st.lists(
    st.tuples(
        st.sampled_from("AB"), st.sampled_from(["ok", "denied", "error"]), st.sampled_from("mn"), st.integers(0, 5)
    )
)


@settings(deadline=None)
@given(CALLS)
def test_counts_are_those_of_a_plain_sum(rows):
    calls = [
        call(index, NOVEMBER + index, operation=operation, outcome=outcome, meter=meter, units=units)
        for index, (operation, outcome, meter, units) in enumerate(rows)
    ]
    found = figures(calls, customer="c", begin=None, end=DECEMBER, opener=bytes)
    assert found["calls"] == len(rows)
    assert found["bills"] == []
    for name in {row[0] for row in rows}:
        own = [row for row in rows if row[0] == name]
        assert found["operations"][name] == {
            "calls": len(own),
            "denied": sum(row[1] == "denied" for row in own),
            "errors": sum(row[1] == "error" for row in own),
            "units": sum(row[3] for row in own),
        }
    assert found["meters"] == {name: sum(row[3] for row in rows if row[2] == name) for name in {row[2] for row in rows}}
