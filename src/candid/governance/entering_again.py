"""Every customer and every active key into the outbox once more: for a log that succeeds another (`log/1`, `previous`).

A customer keeps its pseudonym, which is the commitment of its first identity. So it is opened with that one and updated
to each later one, as it was in the log before; then come its keys, then its end. Of an erased customer nothing but the
pseudonym is left: its one entry says that it is erased.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from candid.governance import outbox
from candid.governance.customers import MOST_LABELS
from candid.governance.database import open_database, scrub, transaction, translated
from candid.governance.facts import Status
from candid.governance.identities import labels_of_identity
from candid.governance.sealing import Sealer
from candid_verify.commitments import Opening


def enter_again(path: Path, *, key: bytes) -> int:
    """Empty the outbox and put into it what a new log must have; what waited to be erased still does, after it.

    Args:
        path: `governance.db`; nobody else has it open.
        key: the master key.

    Returns:
        How many customers there are.

    Raises:
        WrongKey, GovernanceDamaged, GovernanceUnavailable: the file cannot be used.
    """
    sealer = Sealer(key, os.urandom)
    with translated(path), closing(open_database(path, sealer)) as connection:
        with transaction(connection):
            left = [body for act in outbox.waiting(connection, -1) if (body := _still_to_do(act.body)) is not None]
            connection.execute("DELETE FROM acts")
            connection.execute("UPDATE identities SET entry = NULL")
            connection.execute("UPDATE keys SET entry = NULL")  # it opens nothing until its new entry stands
            question = "SELECT id, pseudonym, category, status FROM customers ORDER BY created, id"
            found = connection.execute(question).fetchall()
            for row in found:
                _enter(connection, *row)
            for body in left:
                outbox.add(connection, body)
        scrub(connection, path)  # acts that waited may have told names of somebody who is erased
        return len(found)


def _still_to_do(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """An act that waits, as the new log takes it; None where it is told by what is entered again, or is void."""
    if str(body["kind"]).startswith("do/"):
        return body
    # Done, and not entered yet; its tags are of the VRF of the log before.
    return {name: value for name, value in body.items() if name != "faces"} if body["kind"] == "erasure/1" else None


def _enter(connection: sqlite3.Connection, customer: str, pseudonym: str, category: str, status: str) -> None:
    ended = Status(status) in (Status.CLOSED, Status.ERASED)
    common: dict[str, Any] = {"kind": "customer/1", "customer": pseudonym}
    opened = common | {"status": str(Status.UNSCREENED) if ended else status}
    question = "SELECT number, salt, value FROM identities WHERE customer = ? ORDER BY number"
    identities = connection.execute(question, (customer,)).fetchall()
    event = "opened"
    for number, salt, value in identities:
        known = json.loads(value)
        body = opened | {"identity": Opening(salt, known).commitment, "category": known["category"]}
        labels = labels_of_identity(known)
        outbox.add(connection, body | {"event": event}, labels=labels[:MOST_LABELS], identity=number)
        event = "updated"
        for at in range(MOST_LABELS, len(labels), MOST_LABELS):
            outbox.add(connection, body | {"event": event}, labels=labels[at : at + MOST_LABELS])
    keys = "SELECT id, pseudonym FROM keys WHERE customer = ? AND sealed IS NOT NULL ORDER BY created, id"
    for key, stands_for in connection.execute(keys, (customer,)).fetchall():
        body = {"kind": "key/1", "event": "issued", "customer": pseudonym, "key": stands_for}
        outbox.add(connection, body, key=key)
    if ended:
        outbox.add(connection, common | {"event": status, "category": category, "status": status})
