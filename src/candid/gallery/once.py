"""Idempotent calls: the outcome of a call with a token is kept for a day and given again.

    outcome = AES-SIV(JSON; associated data = account, operation, token, digest of the parameters)

Outcomes hold face ids, so they are sealed, and they go with their collection.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from typing import Any

from cryptography.exceptions import InvalidTag

from candid.gallery.cipher import bind
from candid.gallery.core import Core
from candid.gallery.errors import GalleryDamaged, TokenMismatch
from candid.gallery.records import Association, Disassociation, Once, Reason, Refusal, UserStatus
from candid.gallery.rows import Stored
from candid.gallery.writer import Written

Outcome = Association | Disassociation | None


def once(
    connection: sqlite3.Connection,
    core: Core,
    stored: Stored,
    token: Once | None,
    do: Callable[[], Written[Any]],
) -> Written[Any]:
    """Do something unless it was done under this token; then give what came of it.

    Raises:
        TokenMismatch: the token was used with other parameters.
    """
    if token is None:
        return do()
    now = core.clock()
    connection.execute("DELETE FROM onces WHERE expires <= ?", (now,))
    found = connection.execute(
        "SELECT digest, outcome FROM onces WHERE account = ? AND operation = ? AND token = ?",
        (stored.account, token.operation, token.token),
    ).fetchone()
    if found is not None:
        return Written(_open(core, stored, token, *found))
    done = do()
    sealed = core.keys.outcomes.encrypt(_dump(done.result), [_binding(stored, token)])
    connection.execute(
        "INSERT INTO onces (account, operation, token, collection, digest, expires, outcome)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            stored.account,
            token.operation,
            token.token,
            stored.key,
            token.digest,
            now + core.limits.once_seconds,
            sealed,
        ),
    )
    return done


def _open(core: Core, stored: Stored, token: Once, digest: bytes, outcome: bytes) -> Outcome:
    if digest != token.digest:
        raise TokenMismatch("this request token was used before with other parameters; take a new token")
    try:
        return _load(core.keys.outcomes.decrypt(outcome, [_binding(stored, token)]))
    except InvalidTag as error:
        raise GalleryDamaged("a stored outcome fails its authentication; take a new request token") from error


def _binding(stored: Stored, token: Once) -> bytes:
    return bind(stored.account, token.operation, token.token, token.digest)


def _dump(outcome: Outcome) -> bytes:
    if outcome is None:
        return b"null"
    done = outcome.associated if isinstance(outcome, Association) else outcome.disassociated
    refused = [
        [refusal.face_id, [str(reason) for reason in refusal.reasons], refusal.user_id, refusal.score]
        for refusal in outcome.refused
    ]
    kind, status = type(outcome).__name__, str(outcome.status)
    return json.dumps({"kind": kind, "done": done, "refused": refused, "status": status}).encode()


def _load(raw: bytes) -> Outcome:
    found = json.loads(raw)
    if found is None:
        return None
    refused = tuple(
        Refusal(face_id=face, reasons=tuple(Reason(reason) for reason in reasons), user_id=user, score=score)
        for face, reasons, user, score in found["refused"]
    )
    done, status = tuple(found["done"]), UserStatus(found["status"])
    if found["kind"] == "Association":
        return Association(associated=done, refused=refused, status=status)
    return Disassociation(disassociated=done, refused=refused, status=status)
