"""Which faces become a user's, and which do not and why; within a transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import numpy as np

from candid.gallery import facerows, templating
from candid.gallery.core import Core
from candid.gallery.records import Association, Disassociation, Reason, Refusal
from candid.gallery.rows import Kind, Stored
from candid.gallery.schema import number_of
from candid.gallery.userrows import UserRow, face_numbers, find_user, renew, status_of
from candid.gallery.vectors import mean_direction
from candid.gallery.writer import Written


def associate(
    connection: sqlite3.Connection,
    core: Core,
    stored: Stored,
    user_id: str,
    face_ids: Sequence[str],
    *,
    min_score: float,
) -> Written[Association]:
    """Give faces to a user; see `Users.associate`."""
    user = find_user(connection, stored, user_id)
    own = face_numbers(connection, user)
    members = list(templating.vectors(connection, core, stored, Kind.FACES, own))
    taken, refused = [], []
    for face_id in face_ids:
        place, refusal, known = _free(connection, stored, user, face_id)
        if known:
            continue
        if refusal is None and len(members) >= core.limits.faces_a_user:
            refusal = Refusal(face_id=face_id, reasons=())
        if refusal is None:
            (vector,) = templating.vectors(connection, core, stored, Kind.FACES, [number_of(place)])
            score = _likeness(members, vector)
            if score is not None and score < min_score:
                refusal = Refusal(face_id=face_id, reasons=(Reason.LOW_MATCH_CONFIDENCE,), score=score)
            else:
                members.append(vector)
                taken.append(face_id)
                connection.execute("UPDATE faces SET user = ? WHERE id = ?", (user.id, place))
        if refusal is not None:
            refused.append(refusal)
    outcome = Association(
        associated=tuple(taken), refused=tuple(refused), status=status_of(len(members))
    )
    if not taken:
        return Written(outcome)
    # The old vector is deleted, but it was only ever a mean of faces that are still there.
    return Written(outcome, renew(connection, core, stored, user, np.stack(members)))


def disassociate(
    connection: sqlite3.Connection, core: Core, stored: Stored, user_id: str, face_ids: Sequence[str]
) -> Written[Disassociation]:
    """Take faces from a user; see `Users.disassociate`."""
    user = find_user(connection, stored, user_id)
    taken, refused = [], []
    for face_id in face_ids:
        found = facerows.locate(connection, stored, face_id)
        if found is None:
            refused.append(Refusal(face_id=face_id, reasons=(Reason.FACE_NOT_FOUND,)))
        elif found[1] == user.id:
            connection.execute("UPDATE faces SET user = NULL WHERE id = ?", (found[0],))
            taken.append(face_id)
        elif found[1] is not None:
            refused.append(_elsewhere(connection, face_id, found[1]))
    left = face_numbers(connection, user)
    outcome = Disassociation(
        disassociated=tuple(taken), refused=tuple(refused), status=status_of(len(left))
    )
    if not taken:
        return Written(outcome)
    vectors = templating.vectors(connection, core, stored, Kind.FACES, left)
    return Written(outcome, renew(connection, core, stored, user, vectors), erases=True)


def _free(
    connection: sqlite3.Connection, stored: Stored, user: UserRow, face_id: str
) -> tuple[int, Refusal | None, bool]:
    """A face's row number, why it cannot be given to the user, and whether it is the user's already."""
    found = facerows.locate(connection, stored, face_id)
    if found is None:
        return 0, Refusal(face_id=face_id, reasons=(Reason.FACE_NOT_FOUND,)), False
    place, owner = found
    if owner is None or owner == user.id:
        return place, None, owner == user.id
    return place, _elsewhere(connection, face_id, owner), False


def _elsewhere(connection: sqlite3.Connection, face_id: str, owner: int) -> Refusal:
    (other,) = connection.execute("SELECT user_id FROM users WHERE id = ?", (owner,)).fetchone()
    return Refusal(face_id=face_id, reasons=(Reason.ASSOCIATED_TO_A_DIFFERENT_USER,), user_id=other)


def _likeness(members: list[np.ndarray], vector: np.ndarray) -> float | None:
    """The cosine of a face and its user's vector; None for a user without one."""
    if not members:
        return None
    mean = mean_direction(np.stack(members))
    return None if mean is None else float(mean @ vector)
