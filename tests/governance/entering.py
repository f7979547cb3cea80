"""Stands in for whoever has the log open: says of every act that waits that its entry stands."""

from __future__ import annotations

from pathlib import Path

from candid.governance import Act, open_acts


def enter_all(path: Path) -> list[Act]:
    """Enter every act that waits in a `governance.db`, at an index equal to its number; those acts, in order."""
    acts = open_acts(path)
    entered = []
    try:
        while waiting := acts.waiting():
            for act in waiting:
                acts.entered(act, act.number)
                entered.append(act)
    finally:
        acts.close()
    return entered
