"""Times in sentences."""

from __future__ import annotations

import pytest

from candid_verify.times import LATEST, iso, spoken


@pytest.mark.parametrize(
    ("time", "written", "said"),
    [
        (0, "1970-01-01T00:00:00.000Z", "1 January 1970, 00:00:00 UTC"),
        (1_793_491_200_007, "2026-11-01T00:00:00.007Z", "1 November 2026, 00:00:00 UTC"),
        (LATEST, "9999-01-01T00:00:00.000Z", "1 January 9999, 00:00:00 UTC"),
        (2**63, "9999-01-01T00:00:00.000Z", "1 January 9999, 00:00:00 UTC"),
    ],
)
def test_times(time, written, said):
    assert (iso(time), spoken(time)) == (written, said)
