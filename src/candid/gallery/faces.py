"""Enrolling, listing and deleting faces."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from candid.gallery import facerows, rows, templating
from candid.gallery.core import Core
from candid.gallery.errors import InvalidInput, LimitExceeded, UserNotFound
from candid.gallery.records import Deletion, Face, NewFace, Page, Reason, Refusal, Vectors
from candid.gallery.rows import Kind, Stored
from candid.gallery.schema import first_row, last_row, number_of, row
from candid.gallery.vectors import unit_rows
from candid.gallery.writer import Written


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Fresh:
    """A new face, sealed and ready to be written; `source` is None where it is enrolled each time."""

    face: Face
    raw: bytes
    vector: Vectors
    sealed: bytes
    crop: bytes | None
    source: bytes | None


class Faces:
    """The faces of collections."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def add(
        self, account: str, collection_id: str, new: Sequence[NewFace], *, contract: str
    ) -> tuple[Face, ...]:
        """Enrol faces, all or none of them.

        When this returns they are on the disk, and every later search and listing sees them. A face that
        stands in the collection already, from the same image under the same name, is not enrolled again:
        the one that is there is returned, so that a client may repeat a call whose answer it missed.

        Args:
            account: whose collection.
            collection_id: which.
            new: the faces, with embeddings float32 (d,).
            contract: the embedding contract of all of them.

        Returns:
            The enrolled faces, in order.

        Raises:
            CollectionNotFound: there is no such collection.
            ContractMismatch: it holds embeddings of another contract.
            InvalidInput: an embedding of another length, not finite or zero.
            LimitExceeded: the collection would be too large.
            StorageFull: there is no room; nothing was enrolled.
        """
        core = self._core
        stored = core.collection(account, collection_id)
        rows.require_contract(stored, contract)
        if not new:
            return ()
        fresh = self._prepared(stored, new, contract)

        def job(connection: sqlite3.Connection) -> Written[tuple[Face, ...]]:
            current = rows.unchanged(connection, stored)
            before = {
                source: facerows.enrolled_before(connection, stored, source)
                for source in {each.source for each in fresh if each.source is not None}
            }
            known = [facerows.at_place(before.get(each.source or b"", ()), each.face.box) for each in fresh]
            added = [each for each, face in zip(fresh, known, strict=True) if face is None]
            faces = tuple(face or each.face for each, face in zip(fresh, known, strict=True))
            if not added:
                return Written(faces)
            return Written(faces, self._insert(connection, current, added))

        return core.writer.submit(job)

    def _prepared(self, stored: Stored, new: Sequence[NewFace], contract: str) -> list[_Fresh]:
        """All that can be done for new faces before their turn to be written."""
        core = self._core
        embeddings = unit_rows(_stacked(new, stored.dimension), stored.dimension)
        now = core.clock()
        seal, cipher = core.cipher(stored, Kind.FACES).seal_vector, core.cipher(stored, "crop")
        fresh = []
        for face, vector in zip(new, embeddings, strict=True):
            raw = facerows.new_face_id(core.randomness)
            named = face.image_digest is not None and face.external_image_id is not None
            fresh.append(
                _Fresh(
                    face=facerows.enrolled(face, raw, contract=contract, created_at=now),
                    raw=raw,
                    vector=vector,
                    sealed=seal(vector, owner=raw, contract=contract),
                    # Crops belong to no contract: they outlive it.
                    crop=None if face.crop is None else cipher.seal(face.crop, owner=raw, contract=""),
                    source=core.keys.source(stored, face.image_digest or b"", face.external_image_id or "")
                    if named
                    else None,
                )
            )
        return fresh

    def _insert(
        self, connection: sqlite3.Connection, current: Stored, added: Sequence[_Fresh]
    ) -> Callable[[], None]:
        """Write rows; what is to be done once they are durable."""
        core = self._core
        if current.faces + len(added) > core.limits.faces_a_collection:
            most = core.limits.faces_a_collection
            raise LimitExceeded(f"the collection may hold {most} faces; delete some first")
        space = current.face_space
        numbers = templating.append(connection, space, [(each.raw, each.sealed) for each in added])
        places = [row(current.key, number) for number in numbers.tolist()]
        connection.executemany(
            facerows.INSERT,
            [
                (place, *facerows.to_row(each.face, each.raw, each.source))
                for place, each in zip(places, added, strict=True)
            ],
        )
        crops = [
            (place, each.crop) for place, each in zip(places, added, strict=True) if each.crop is not None
        ]
        connection.executemany("INSERT INTO crops (id, sealed) VALUES (?, ?)", crops)
        connection.execute(
            "UPDATE collections SET faces = faces + ?, crops = crops + ? WHERE key = ?",
            (len(added), len(crops), current.key),
        )
        vectors = np.stack([each.vector for each in added])
        return partial(_added, core, space, numbers, vectors, core.due(connection, space))

    def list(
        self,
        account: str,
        collection_id: str,
        *,
        limit: int,
        token: str | None = None,
        user_id: str | None = None,
        face_ids: Iterable[str] | None = None,
    ) -> Page[Face]:
        """A page of faces in the order in which they were enrolled.

        Args:
            account: whose collection.
            collection_id: which.
            limit: most faces of the page.
            token: continues a listing with the same filters.
            user_id: only the faces of this user.
            face_ids: only faces of these ids; those that are not there are passed over.

        Raises:
            CollectionNotFound, UserNotFound: there is no such collection or user.
            InvalidPageToken: the token is not one of this listing.
        """
        core = self._core
        wanted = None if face_ids is None else sorted(set(face_ids))
        digest = "" if wanted is None else hashlib.sha256("\n".join(wanted).encode()).hexdigest()
        with core.readers.snapshot() as connection:
            stored = rows.find(connection, account, collection_id)
            query = ("faces", account, str(stored.key), user_id or "", digest)
            after = max(core.tokens.read(token, *query), first_row(stored.key) - 1)
            user = None if user_id is None else _user_row(connection, stored, user_id)
            if wanted is None:
                found = _page(connection, stored, user, after, limit + 1)
            else:
                found = _named(connection, stored, user, wanted, after, limit + 1)
        more = len(found) > limit
        items = tuple(facerows.from_row(columns, stored.contract) for columns in found[:limit])
        return Page(items, core.tokens.issue(int(str(found[limit - 1][0])), *query) if more else None)

    def delete(self, account: str, collection_id: str, face_ids: Iterable[str]) -> Deletion:
        """Delete faces, but those of users.

        When this returns they are gone from the store and its freed pages, from the index and from every
        later search, listing and backup.

        Raises:
            CollectionNotFound: there is no such collection.
        """
        core, wanted = self._core, list(dict.fromkeys(face_ids))

        def job(connection: sqlite3.Connection) -> Written[Deletion]:
            stored = rows.find(connection, account, collection_id)
            places: dict[str, int] = {}
            refused = []
            for face_id in wanted:
                found = facerows.locate(connection, stored, face_id)
                if found is None:
                    refused.append(Refusal(face_id=face_id, reasons=(Reason.FACE_NOT_FOUND,)))
                elif found[1] is not None:
                    refused.append(_owned(connection, face_id, found[1]))
                else:
                    places[face_id] = found[0]
            numbers = np.array(sorted(number_of(place) for place in places.values()), dtype=np.uint32)
            if len(numbers):
                _erase(connection, core, stored, numbers)
            deletion = Deletion(deleted=tuple(places), refused=tuple(refused))
            applied = partial(core.spaces.removed, stored.face_space, numbers)
            return Written(deletion, applied, erases=bool(len(numbers)))

        return core.writer.submit(job)


def _stacked(new: Sequence[NewFace], dimension: int) -> np.ndarray:
    vectors = [np.asarray(face.embedding) for face in new]
    if any(vector.shape != (dimension,) for vector in vectors):
        raise InvalidInput(f"every embedding must be an array of shape ({dimension},)")
    return np.stack(vectors)


def _added(core: Core, space: int, numbers: np.ndarray, embeddings: np.ndarray, due: bool) -> None:
    core.spaces.added(space, numbers, embeddings)
    if due:
        core.work.set()


def _erase(connection: sqlite3.Connection, core: Core, stored: Stored, numbers: np.ndarray) -> None:
    places = [(row(stored.key, number),) for number in numbers.tolist()]
    crops = connection.executemany("DELETE FROM crops WHERE id = ?", places).rowcount
    connection.executemany("DELETE FROM faces WHERE id = ?", places)
    templating.erase(connection, core, stored, Kind.FACES, numbers)
    templating.erase_unfinished(connection, stored, numbers)
    connection.execute(
        "UPDATE collections SET faces = faces - ?, crops = crops - ? WHERE key = ?",
        (len(places), max(crops, 0), stored.key),
    )


def _owned(connection: sqlite3.Connection, face_id: str, user: int) -> Refusal:
    (user_id,) = connection.execute("SELECT user_id FROM users WHERE id = ?", (user,)).fetchone()
    return Refusal(face_id=face_id, reasons=(Reason.ASSOCIATED_TO_AN_EXISTING_USER,), user_id=user_id)


def _user_row(connection: sqlite3.Connection, stored: Stored, user_id: str) -> int:
    found = connection.execute(
        "SELECT id FROM users WHERE collection = ? AND user_id = ?", (stored.key, user_id)
    ).fetchone()
    if found is None:
        raise UserNotFound(f"The user id: {user_id} does not exist")
    return int(found[0])


def _page(
    connection: sqlite3.Connection, stored: Stored, user: int | None, after: int, limit: int
) -> list[tuple[object, ...]]:
    where = "f.id > ? AND f.id <= ?" if user is None else "f.id > ? AND f.id <= ? AND f.user = ?"
    arguments = [after, last_row(stored.key), *([] if user is None else [user]), limit]
    return connection.execute(f"{facerows.SELECT} WHERE {where} ORDER BY f.id LIMIT ?", arguments).fetchall()


def _named(
    connection: sqlite3.Connection,
    stored: Stored,
    user: int | None,
    wanted: list[str],
    after: int,
    limit: int,
) -> list[tuple[object, ...]]:
    located = [facerows.locate(connection, stored, face_id) for face_id in wanted]
    places = sorted(
        found[0] for found in located if found is not None and found[0] > after and user in (None, found[1])
    )
    select = f"{facerows.SELECT} WHERE f.id = ?"
    return [connection.execute(select, (place,)).fetchone() for place in places[:limit]]
