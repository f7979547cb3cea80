"""The vectors of one space in memory, and what a search of them promises.

The newest rows (the tail) are float32 and compared exactly. Older ones are compressed (`codes`), every one of
them is compared with every probe, and a search ends only when no row it left out can belong to the result:

1. All groups are scanned with integer arithmetic; each score is within a known bound of the true one. A heap
   of the best `depth` is kept, and its lowest score tells how good a row left out can be at most.
2. The cut: `k` rows surely score at least L, the k-th largest of (score - bound). A row whose score + bound
   is below L, or below `min_score`, cannot be among the best k. If a row left out may reach the cut, the scan
   is repeated deeper.
3. What is left is scored again with the uncompressed probe, which halves the bound, and cut again.
4. The caller scores the remaining candidates with the true vectors from the store.

So results equal those of an exact search up to float32 rounding, with one exception: where more than
`rescored_rows` candidates beyond `k` lie within the bounds (many thousands of almost equal vectors), the best
of them by step 3 are taken, and what a result then misses is at most two bounds (about 0.024) better than
what it holds.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from candid.gallery.index.codes import Numbers, Probe, Shard
from candid.gallery.index.exact import inner_products
from candid.gallery.index.groups import Found, Group, with_shard, without_dead
from candid.gallery.records import Vectors

# The first scan keeps MARGIN + 5 k rows, k up to EASY: enough for the certificate in one pass unless many are
# about equally close, and so few that FAISS's heap costs little. Most searches for up to 4096 matches over a
# threshold find a handful, and end there too. A scan that was not deep enough is repeated DEEPER times deeper.
MARGIN = 256
EASY = 200
DEEPER = 8
_FIRST_ROWS = 64  # room in a new tail
# The integer scan keeps this many times more rows than are re-scored from the store; its bound is twice as
# wide.
_SCANNED = 4


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """What may belong to a result.

    Attributes:
        sure: uint32 (m,), numbers of rows whose scores are exact.
        scores: float32 (m,), those scores.
        coarse: uint32 (c,), numbers of compressed rows that must be scored with their true vectors.
    """

    sure: Numbers
    scores: Vectors
    coarse: Numbers


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """What one search sees; rows are only ever added behind `count`, or die."""

    groups: tuple[Group, ...]
    vectors: Vectors
    numbers: Numbers
    alive: NDArray[np.bool_]
    count: int


class Space:
    """Numbered unit vectors. Thread-safe; rows must be added in ascending order of their numbers."""

    def __init__(self, dimension: int) -> None:
        self._lock = threading.Lock()
        self._last = 0  # guarded by _lock: the highest number ever added
        self._view = _View(  # replaced whole, guarded by _lock
            (),
            np.empty((_FIRST_ROWS, dimension), dtype=np.float32),
            np.empty(_FIRST_ROWS, dtype=np.uint32),
            np.zeros(_FIRST_ROWS, dtype=np.bool_),
            0,
        )

    @property
    def size(self) -> int:
        """Bytes of memory."""
        view = self._view
        groups = sum(group.size for group in view.groups)
        return int(groups + view.vectors.nbytes + view.numbers.nbytes + view.alive.nbytes)

    @property
    def compressed(self) -> bool:
        """Whether any of it is compressed."""
        return bool(self._view.groups)

    @property
    def rows(self) -> int:
        """Living rows."""
        view = self._view
        tail = int(np.count_nonzero(view.alive[: view.count]))
        return tail + sum(len(group) - group.dead for group in view.groups)

    def add(self, numbers: Numbers, vectors: Vectors) -> None:
        """Append rows, uint32 (n,) and float32 (n, d); those that are here already are passed over."""
        with self._lock:
            fresh = numbers > self._last
            if not fresh.any():
                return
            numbers, vectors = numbers[fresh], vectors[fresh]
            view = _with_room(self._view, len(numbers))
            end = view.count + len(numbers)
            view.vectors[view.count : end] = vectors
            view.numbers[view.count : end] = numbers
            view.alive[view.count : end] = True
            self._last = int(numbers[-1])
            self._view = _View(view.groups, view.vectors, view.numbers, view.alive, end)

    def remove(self, numbers: Numbers) -> None:
        """Take rows out; numbers that are not here are passed over."""
        with self._lock:
            view = self._view
            tail = view.numbers[: view.count]
            places = np.searchsorted(tail, numbers)
            inside = places < view.count
            places = places[inside]
            places = places[tail[places] == numbers[inside]]
            view.alive[places] = False
            view.vectors[places] = 0
            for group in view.groups:
                group.remove(numbers)
            groups = without_dead(view.groups)
            if groups is not view.groups:
                self._view = _View(groups, view.vectors, view.numbers, view.alive, view.count)

    def oldest(self, most: int) -> tuple[Numbers, Vectors]:
        """Copies of the oldest living rows of the tail: uint32 (n,), float32 (n, d), n <= most."""
        with self._lock:
            view = self._view
            places = np.flatnonzero(view.alive[: view.count])[:most]
            return view.numbers[places], view.vectors[places]

    def absorb(self, shard: Shard) -> None:
        """Take a compressed shard; it replaces all rows of the tail up to its last number."""
        if not len(shard.numbers):
            return
        with self._lock:
            view = self._view
            last = int(shard.numbers[-1])
            start = int(np.searchsorted(view.numbers[: view.count], last, side="right"))
            rest = slice(start, view.count)
            fresh = _with_room(_emptied(view), view.count - start)
            count = view.count - start
            fresh.vectors[:count] = view.vectors[rest]
            fresh.numbers[:count] = view.numbers[rest]
            fresh.alive[:count] = view.alive[rest]
            self._last = max(self._last, last)
            groups = with_shard(view.groups, shard)
            self._view = _View(groups, fresh.vectors, fresh.numbers, fresh.alive, count)

    def search(self, vector: Vectors, *, k: int, min_score: float, most: int, pool: Executor) -> Candidates:
        """Every row that may be among the best `k` with a score of at least `min_score`.

        Args:
            vector: float32 (d,), of unit length.
            k: how many are wanted.
            min_score: the least score wanted.
            most: how many compressed candidates to name beyond `k`, at most.
            pool: where groups are scanned side by side.
        """
        view = self._view
        places, scores = _exact(view, vector, k, min_score)
        sure = view.numbers[places]
        if not view.groups:
            return Candidates(sure, scores, np.empty(0, dtype=np.uint32))
        probe = Probe.of(vector)
        depth = MARGIN + 5 * min(k, EASY)
        found = _scan(view.groups, probe, depth, pool)
        cut = _cut(scores, found, k, min_score)
        while depth < _SCANNED * (k + most) and any(part.floor + part.bound >= cut for part in found):
            depth *= DEEPER
            found = _scan(view.groups, probe, depth, pool)
            cut = _cut(scores, found, k, min_score)
        finer = [
            group.refine(probe, part.positions[part.scores + part.bound >= cut])
            for group, part in zip(view.groups, found, strict=True)
        ]
        cut = _cut(scores, finer, k, min_score)
        numbers, rough = [], []
        for group, part in zip(view.groups, finer, strict=True):
            kept = part.scores + part.bound >= cut
            numbers.append(group.numbers[part.positions[kept]])
            rough.append(part.scores[kept])
        return Candidates(sure, scores, _best(np.concatenate(numbers), np.concatenate(rough), k + most))


def _exact(view: _View, vector: Vectors, k: int, min_score: float) -> tuple[NDArray[np.intp], Vectors]:
    """Places and scores of the tail's best k rows of at least `min_score`."""
    scores = inner_products(view.vectors[: view.count], vector)
    places = np.flatnonzero(view.alive[: view.count] & (scores >= np.float32(min_score)))
    scores = scores[places]
    if len(places) > k:
        kept = np.argpartition(-scores, k - 1)[:k]
        places, scores = places[kept], scores[kept]
    return places, scores


def _scan(groups: Sequence[Group], probe: Probe, depth: int, pool: Executor) -> list[Found]:
    if len(groups) == 1:
        return [groups[0].scan(probe, depth)]
    return list(pool.map(lambda group: group.scan(probe, depth), groups))


def _cut(scores: Vectors, found: Sequence[Found], k: int, min_score: float) -> float:
    """The least that an upper bound must reach; see step 2 above."""
    sure = np.concatenate([scores, *(part.scores - np.float32(part.bound) for part in found)])
    if len(sure) < k:
        return min_score
    return max(min_score, float(np.partition(sure, len(sure) - k)[len(sure) - k]))


def _best(numbers: Numbers, scores: Vectors, most: int) -> Numbers:
    if len(numbers) <= most:
        return numbers
    return numbers[np.argpartition(-scores, most - 1)[:most]]


def _emptied(view: _View) -> _View:
    dimension = view.vectors.shape[1]
    return _View(
        view.groups,
        np.empty((0, dimension), dtype=np.float32),
        np.empty(0, dtype=np.uint32),
        np.empty(0, dtype=np.bool_),
        0,
    )


def _with_room(view: _View, rows: int) -> _View:
    """The same rows, in arrays with room for so many more. Arrays that others read are left alone."""
    needed = view.count + rows
    if needed <= len(view.numbers):
        return view
    capacity = max(_FIRST_ROWS, needed + needed // 2)
    vectors = np.empty((capacity, view.vectors.shape[1]), dtype=np.float32)
    numbers = np.empty(capacity, dtype=np.uint32)
    alive = np.zeros(capacity, dtype=np.bool_)
    vectors[: view.count] = view.vectors[: view.count]
    numbers[: view.count] = view.numbers[: view.count]
    alive[: view.count] = view.alive[: view.count]
    return _View(view.groups, vectors, numbers, alive, view.count)
