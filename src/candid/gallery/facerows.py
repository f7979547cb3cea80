"""Faces as they stand in the database."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence

from candid.gallery.records import Face, FaceBox, NewFace
from candid.gallery.rows import Stored
from candid.gallery.schema import first_row, last_row, row

# Parameters in one statement; well below SQLite's limit.
_AT_ONCE = 500
# Boxes of one face in one image, as ratios: batches of other sizes move them by rounding errors, some 1e-6.
_SAME_PLACE = 1e-3

_COLUMNS = (
    "f.id, f.face_id, f.image_id, f.external_image_id, f.box_left, f.box_top, f.box_width, f.box_height,"
    " f.confidence, f.created_at, u.user_id"
)
SELECT = f"SELECT {_COLUMNS} FROM faces f LEFT JOIN users u ON u.id = f.user"  # noqa: S608
INSERT = (
    "INSERT INTO faces (id, face_id, image_id, external_image_id, box_left, box_top, box_width, box_height,"
    " confidence, created_at, source) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def new_face_id(randomness: Callable[[int], bytes]) -> bytes:
    """The 16 bytes of a random UUID (RFC 9562, version 4)."""
    return uuid.UUID(bytes=randomness(16), version=4).bytes


def face_id_text(raw: bytes) -> str:
    """A face id as callers write it."""
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def face_id_bytes(text: str) -> bytes | None:
    """A face id as it is stored; None for a text that is no lowercase UUID and so names no face."""
    try:
        raw = bytes.fromhex(text.replace("-", ""))
    except ValueError:
        return None
    return raw if len(raw) == 16 and face_id_text(raw) == text else None


def to_row(face: Face, raw_id: bytes, source: bytes | None) -> tuple[object, ...]:
    """A face's columns after its row number."""
    box = face.box
    return (
        raw_id,
        face.image_id,
        face.external_image_id,
        box.left,
        box.top,
        box.width,
        box.height,
        face.confidence,
        face.created_at,
        source,
    )


def from_row(found: Sequence[object], contract: str) -> Face:
    """A face from what `SELECT` gives."""
    _, raw, image, external, left, top, width, height, confidence, created, user = found
    return Face(  # the types are those of STRICT tables
        face_id=face_id_text(raw),  # type: ignore[arg-type]
        image_id=image,  # type: ignore[arg-type]
        external_image_id=external,  # type: ignore[arg-type]
        box=FaceBox(left, top, width, height),  # type: ignore[arg-type]
        confidence=confidence,  # type: ignore[arg-type]
        contract=contract,
        user_id=user,  # type: ignore[arg-type]
        created_at=created,  # type: ignore[arg-type]
    )


def enrolled(new: NewFace, raw_id: bytes, *, contract: str, created_at: float) -> Face:
    """What a new face is once it is stored."""
    return Face(
        face_id=face_id_text(raw_id),
        image_id=new.image_id,
        external_image_id=new.external_image_id,
        box=new.box,
        confidence=float(new.confidence),
        contract=contract,
        user_id=None,
        created_at=created_at,
    )


def locate(connection: sqlite3.Connection, stored: Stored, face_id: str) -> tuple[int, int | None] | None:
    """A face's row number and its user's, or None where the collection has no such face."""
    raw = face_id_bytes(face_id)
    if raw is None:
        return None
    found = connection.execute(
        "SELECT id, user FROM faces WHERE face_id = ? AND id BETWEEN ? AND ?",
        (raw, first_row(stored.key), last_row(stored.key)),
    ).fetchone()
    return None if found is None else (found[0], found[1])


def enrolled_before(connection: sqlite3.Connection, stored: Stored, source: bytes) -> list[Face]:
    """The faces of this source that stand in the collection."""
    found = connection.execute(
        f"{SELECT} WHERE f.source = ? AND f.id BETWEEN ? AND ?",
        (source, first_row(stored.key), last_row(stored.key)),
    )
    return [from_row(columns, stored.contract) for columns in found]


def at_place(faces: Iterable[Face], box: FaceBox) -> Face | None:
    """The one of these faces that was where `box` is."""
    return next((face for face in faces if _furthest(face.box, box) < _SAME_PLACE), None)


def _furthest(a: FaceBox, b: FaceBox) -> float:
    sides = ((a.left, b.left), (a.top, b.top), (a.width, b.width), (a.height, b.height))
    return max(abs(one - other) for one, other in sides)


def by_number(connection: sqlite3.Connection, stored: Stored, numbers: Iterable[int]) -> dict[int, Face]:
    """Faces by their number in the collection; numbers that are not there are missing."""
    found: dict[int, Face] = {}
    base = first_row(stored.key)
    for some in batches([row(stored.key, number) for number in numbers]):
        marks = ",".join("?" * len(some))
        for columns in connection.execute(f"{SELECT} WHERE f.id IN ({marks})", some):
            found[columns[0] - base] = from_row(columns, stored.contract)
    return found


def batches(items: list[int]) -> Iterator[list[int]]:
    """Items, as many at a time as fit one statement."""
    for start in range(0, len(items), _AT_ONCE):
        yield items[start : start + _AT_ONCE]
