"""Searching faces and users: candidates from the index, true scores and records from the store."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from candid.gallery import facerows, rows, templating, userrows
from candid.gallery.core import Core
from candid.gallery.errors import CollectionNotFound, FaceNotFound, InvalidInput
from candid.gallery.index.codes import Numbers
from candid.gallery.index.exact import inner_products
from candid.gallery.index.space import Candidates, Space
from candid.gallery.records import Face, FaceMatch, UserMatch, Vectors
from candid.gallery.rows import Kind, Stored
from candid.gallery.schema import number_of, row
from candid.gallery.userrows import UserRow
from candid.gallery.vectors import unit_rows

Thing = TypeVar("Thing")
Thing_co = TypeVar("Thing_co", covariant=True)

# A row that is deleted while a search runs leaves a gap that the next best should fill: how often to look
# again.
_TRIES = 5


class _Named(Protocol[Thing_co]):
    """Finds the things that carry vectors of these numbers; deleted ones are missing."""

    def __call__(
        self, connection: sqlite3.Connection, now: Stored, numbers: list[int], /
    ) -> Mapping[int, Thing_co]: ...


@dataclass(frozen=True, slots=True)
class _Hit(Generic[Thing]):
    thing: Thing
    score: float


class Search:
    """Searches in collections.

    `k` is the most matches wanted, `min_score` the least raw cosine; matches come best first, equal ones in
    the order in which they were enrolled.
    """

    def __init__(self, core: Core) -> None:
        self._core = core

    def faces(
        self, account: str, collection_id: str, probes: ArrayLike, *, contract: str, k: int, min_score: float
    ) -> list[tuple[FaceMatch, ...]]:
        """Faces like each of some probes, (n, d).

        Raises:
            CollectionNotFound: there is no such collection.
            ContractMismatch: it holds embeddings of another contract.
            InvalidInput: a probe of another length, not finite or zero; k below 1.
        """
        stored = self._core.collection(account, collection_id)
        rows.require_contract(stored, contract)
        units = unit_rows(probes, stored.dimension)
        return [self._faces(stored, probe, k=k, min_score=min_score) for probe in units]

    def faces_like_face(
        self, account: str, collection_id: str, face_id: str, *, k: int, min_score: float
    ) -> tuple[FaceMatch, ...]:
        """Faces like one of the collection's, without that one.

        Raises:
            CollectionNotFound, FaceNotFound: there is no such collection or face.
        """
        stored, probe = self._face(account, collection_id, face_id)
        found = self._faces(stored, probe, k=k + 1, min_score=min_score)
        return tuple(match for match in found if match.face.face_id != face_id)[:k]

    def users(
        self, account: str, collection_id: str, probes: ArrayLike, *, contract: str, k: int, min_score: float
    ) -> list[tuple[UserMatch, ...]]:
        """Users like each of some probes, (n, d).

        Raises:
            As `faces`.
        """
        stored = self._core.collection(account, collection_id)
        rows.require_contract(stored, contract)
        units = unit_rows(probes, stored.dimension)
        return [self._users(stored, probe, k=k, min_score=min_score) for probe in units]

    def users_like_face(
        self, account: str, collection_id: str, face_id: str, *, k: int, min_score: float
    ) -> tuple[UserMatch, ...]:
        """Users like one of the collection's faces; also its own.

        Raises:
            CollectionNotFound, FaceNotFound: there is no such collection or face.
        """
        stored, probe = self._face(account, collection_id, face_id)
        return self._users(stored, probe, k=k, min_score=min_score)

    def users_like_user(
        self, account: str, collection_id: str, user_id: str, *, k: int, min_score: float
    ) -> tuple[UserMatch, ...]:
        """Users like another, without that one; none where it has no faces.

        Raises:
            CollectionNotFound, UserNotFound: there is no such collection or user.
        """
        with self._core.readers.snapshot() as connection:
            stored = rows.find(connection, account, collection_id)
            user = userrows.find_user(connection, stored, user_id)
            if user.template is None:
                return ()
            number = number_of(user.template)
            (probe,) = templating.vectors(connection, self._core, stored, Kind.USERS, [number])
        found = self._users(stored, probe, k=k + 1, min_score=min_score)
        return tuple(match for match in found if match.user.user_id != user_id)[:k]

    def _face(self, account: str, collection_id: str, face_id: str) -> tuple[Stored, Vectors]:
        with self._core.readers.snapshot() as connection:
            stored = rows.find(connection, account, collection_id)
            found = facerows.locate(connection, stored, face_id)
            if found is None:
                raise FaceNotFound(f"The face id: {face_id} does not exist in the collection")
            number = number_of(found[0])
            (probe,) = templating.vectors(connection, self._core, stored, Kind.FACES, [number])
        return stored, probe

    def _faces(self, stored: Stored, probe: Vectors, *, k: int, min_score: float) -> tuple[FaceMatch, ...]:
        def named(connection: sqlite3.Connection, now: Stored, numbers: list[int]) -> dict[int, Face]:
            return facerows.by_number(connection, now, numbers)

        hits = self._hits(Kind.FACES, stored, probe, named, k=k, min_score=min_score)
        return tuple(FaceMatch(hit.thing, hit.score) for hit in hits)

    def _users(self, stored: Stored, probe: Vectors, *, k: int, min_score: float) -> tuple[UserMatch, ...]:
        def named(connection: sqlite3.Connection, now: Stored, numbers: list[int]) -> dict[int, UserRow]:
            found = {n: userrows.by_template(connection, now.user_space, n) for n in numbers}
            return {number: user for number, user in found.items() if user is not None}

        hits = self._hits(Kind.USERS, stored, probe, named, k=k, min_score=min_score)
        return tuple(UserMatch(hit.thing.record(), hit.score) for hit in hits)

    def _space(self, kind: Kind, stored: Stored) -> Space:
        """The space to search.

        Raises:
            CollectionNotFound: the collection was deleted meanwhile.
            ContractMismatch: it was moved to another contract meanwhile.
        """
        try:
            return self._core.spaces.get(stored.space(kind))
        except CollectionNotFound:
            with self._core.readers.snapshot() as connection:
                rows.unchanged(connection, stored)
            raise

    def _hits(
        self,
        kind: Kind,
        stored: Stored,
        probe: Vectors,
        named: _Named[Thing],
        *,
        k: int,
        min_score: float,
    ) -> list[_Hit[Thing]]:
        if k < 1:
            raise InvalidInput(f"a search must want at least one match, not {k}")
        core = self._core
        for attempt in range(_TRIES):
            candidates = self._space(kind, stored).search(
                probe, k=k, min_score=min_score, most=core.limits.rescored_rows, pool=core.pool
            )
            with core.readers.snapshot() as connection:
                now = rows.unchanged(connection, stored)
                numbers, scores, gone = _true_scores(connection, core, now, kind, candidates, probe)
                numbers, scores = _best(numbers, scores, k, min_score)
                things = named(connection, now, numbers.tolist())
            hits = [
                _Hit(things[number], score)
                for number, score in zip(numbers.tolist(), scores.tolist(), strict=True)
                if number in things
            ]
            complete = not gone and len(hits) == len(numbers)
            if complete or len(hits) == k or attempt == _TRIES - 1:
                return hits
        return []


def _true_scores(
    connection: sqlite3.Connection,
    core: Core,
    stored: Stored,
    kind: Kind,
    candidates: Candidates,
    probe: Vectors,
) -> tuple[Numbers, Vectors, bool]:
    """Numbers and scores of all candidates, and whether one was deleted meanwhile."""
    if not len(candidates.coarse):
        return candidates.sure, candidates.scores, False
    templates = core.templates(stored, kind)
    numbers, sealed = [], []
    wanted = np.sort(candidates.coarse).tolist()
    for some in facerows.batches([row(templates.space, number) for number in wanted]):
        marks = ",".join("?" * len(some))
        for place, owner, vector in connection.execute(
            f"SELECT id, owner, sealed FROM templates WHERE id IN ({marks})", some  # noqa: S608
        ):
            numbers.append(number_of(place))
            sealed.append((owner, vector))
    vectors = templates.cipher.open_vectors(sealed, contract=stored.contract, dimension=stored.dimension)
    every = np.concatenate([candidates.sure, np.array(numbers, dtype=np.uint32)])
    return every, np.concatenate([candidates.scores, inner_products(vectors, probe)]), len(numbers) < len(wanted)


def _best(numbers: Numbers, scores: Vectors, k: int, min_score: float) -> tuple[Numbers, Vectors]:
    """The best k of at least a score, best first, equal ones by number."""
    kept = scores >= np.float32(min_score)
    numbers, scores = numbers[kept], scores[kept]
    order = np.lexsort((numbers, -scores))[:k]
    return numbers[order], scores[order]
