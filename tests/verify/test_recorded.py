"""Recorded evidence, for other people's verifiers and for ours: a file that was valid once stays valid.

`data/` has a file for each claim, one that is not established, the log's key, and what must come out. The log that
`conftest.py` makes gives the same bytes again, so a change of the format shows here.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from candid_verify import verify

DATA = Path(__file__).parent / "data"
VERDICTS = json.loads((DATA / "verdicts.json").read_text("utf-8"))


@pytest.mark.parametrize("name", sorted(VERDICTS))
def test_recorded_files_have_the_recorded_verdict(name):
    verdict = verify((DATA / name).read_bytes(), log_key=(DATA / "log.key").read_text()).as_json()
    assert {member: verdict[member] for member in VERDICTS[name]} == VERDICTS[name]


def test_the_same_log_gives_the_same_bytes(world, all_evidence):
    made = {f"{name}.evidence": world.seal(evidence) for name, evidence in all_evidence.items()}
    made["served.evidence"] = world.seal(world.never_served(subject="Acme Trading B.V.", country="NL"))
    assert set(made) == set(VERDICTS) == {path.name for path in DATA.glob("*.evidence")}
    for name, data in made.items():
        assert (DATA / name).read_bytes() == data
