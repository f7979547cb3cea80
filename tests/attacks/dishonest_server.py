"""A real server that was changed to lie, as an operator can who has the source; `DISHONEST` says how.

unrecorded  DetectFaces is answered, and not entered in the log
uncounted   the same, and the engine's counters leave its work out
unerased    DeleteFaces is answered and entered, and deletes nothing
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterable

from candid.cli import main
from candid.gallery import faces
from candid.recording import CallFacts
from candid.server import application, recording

HIDDEN = "DetectFaces"


def unrecorded() -> Counter[str]:
    """Leave DetectFaces out of the log; the rows that the engine computes for what is left out."""
    honest, rows = recording.CallRecord.call, Counter[str]()

    def call(self: recording.CallRecord, facts: CallFacts, /) -> str:
        if facts.operation == HIDDEN:
            rows.update(facts.engine)
            return ""
        return honest(self, facts)

    recording.CallRecord.call = call  # type: ignore[method-assign]
    return rows


def uncounted() -> None:
    """The same, and subtract that work from the counters."""
    hidden, honest = unrecorded(), application.engine_counters

    def counters(engine: object) -> dict[str, dict[str, int]]:
        return {
            name: {"passes": counts["passes"], "rows": counts["rows"] - hidden[name]}
            for name, counts in honest(engine).items()  # type: ignore[arg-type]
        }

    application.engine_counters = counters


def unerased() -> None:
    """Say that faces were deleted."""

    def delete(_: faces.Faces, account: str, collection_id: str, face_ids: Iterable[str]) -> faces.Deletion:
        return faces.Deletion(deleted=tuple(face_ids), refused=())

    faces.Faces.delete = delete  # type: ignore[method-assign]


if __name__ == "__main__":
    {"unrecorded": unrecorded, "uncounted": uncounted, "unerased": unerased}[os.environ["DISHONEST"]]()
    sys.exit(main())
