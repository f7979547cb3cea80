"""Shards of one step, searched together by FAISS: all of them, never a part."""

from __future__ import annotations

from dataclasses import dataclass

import faiss
import numpy as np
from numpy.typing import NDArray

from candid.gallery.index.codes import OFFSET, Codes, Numbers, Probe, Shard, joined
from candid.gallery.index.exact import inner_products
from candid.gallery.records import Vectors

# Rows after which a new group is begun. Large enough that FAISS's heap of the best is kept only a few times a
# search, small enough that several threads share a million rows and that growing by a shard copies little.
ROWS = 262_144
# A group is written anew without its dead rows when they are more than this share.
DEAD_SHARE = 0.25
# What float32 arithmetic adds to an error bound: a sum of 2048 products of unit vectors stays below 1e-5.
ROUNDING = 1e-5


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Rows of a group by compressed score.

    Attributes:
        positions: int64 (m,), living rows only.
        scores: float32 (m,), each within `bound` of the true score.
        bound: how far a score may be off.
        floor: no row that is not named here has a higher compressed score; minus infinity where all are
        named.
    """

    positions: NDArray[np.int64]
    scores: Vectors
    bound: float
    floor: float


class Group:
    """Immutable but for `alive`, in which rows only ever go from true to false."""

    __slots__ = ("_codes", "_index", "alive", "dead", "error", "numbers", "step")

    def __init__(self, shard: Shard) -> None:
        dimension = shard.codes.shape[1]
        self._index = faiss.IndexScalarQuantizer(
            dimension, faiss.ScalarQuantizer.QT_8bit_direct_signed, faiss.METRIC_INNER_PRODUCT
        )
        self._index.is_trained = True
        self._index.add_sa_codes(np.ascontiguousarray(shard.codes))
        flat = faiss.rev_swig_ptr(self._index.codes.data(), shard.codes.size)
        self._codes: Codes = flat.reshape(shard.codes.shape)  # FAISS's own memory; the index outlives it here
        self.numbers: Numbers = shard.numbers
        self.step = shard.step
        self.error = shard.error
        self.alive = np.ones(len(shard.numbers), dtype=np.bool_)
        self.dead = 0

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def size(self) -> int:
        """Bytes of memory."""
        return int(self._codes.nbytes + self.numbers.nbytes + self.alive.nbytes)

    def scan(self, probe: Probe, depth: int) -> Found:
        """Compare every row; the best `depth` by integer scores of the compressed probe."""
        faiss.omp_set_num_threads(1)  # of this thread; one probe gains nothing from a team, and loses time
        depth = min(depth, len(self))
        scores, positions = self._index.search(probe.code[None], depth)
        scores = scores[0] * np.float32(probe.step * self.step)
        floor = float(scores[-1]) if depth < len(self) else -np.inf
        alive = self.alive[positions[0]]
        bound = probe.error * (1 + self.error) + self.error + ROUNDING
        return Found(positions[0][alive], scores[alive], bound, floor)

    def refine(self, probe: Probe, positions: NDArray[np.int64]) -> Found:
        """The scores of some rows with the probe itself instead of its compressed form."""
        codes = self._codes[positions].astype(np.float32) - np.float32(OFFSET)
        scores = inner_products(codes, probe.vector * np.float32(self.step))
        return Found(positions, scores, self.error + ROUNDING, -np.inf)

    def remove(self, numbers: Numbers) -> int:
        """Mark rows as dead; how many of them were here and alive."""
        places = np.searchsorted(self.numbers, numbers)
        inside = places < len(self)
        places = places[inside]
        places = places[self.numbers[places] == numbers[inside]]
        removed = int(np.count_nonzero(self.alive[places]))
        self.alive[places] = False
        self.dead += removed
        return removed

    def living(self) -> Shard:
        """The rows that are alive."""
        return Shard(self.numbers, self._codes, self.step, self.error).only(self.alive)


def with_shard(groups: tuple[Group, ...], shard: Shard) -> tuple[Group, ...]:
    """The groups and one more shard, whose numbers are all higher than theirs."""
    for index, group in enumerate(groups):
        if group.step == shard.step and len(group) + len(shard.numbers) <= ROWS:
            grown = Group(joined([group.living(), shard]))
            return (*groups[:index], grown, *groups[index + 1 :])
    return (*groups, Group(shard))


def without_dead(groups: tuple[Group, ...]) -> tuple[Group, ...]:
    """The groups, those with many dead rows written anew."""
    if all(group.dead <= DEAD_SHARE * len(group) for group in groups):
        return groups
    kept = []
    for group in groups:
        if group.dead <= DEAD_SHARE * len(group):
            kept.append(group)
        elif group.dead < len(group):
            kept.append(Group(group.living()))
    return tuple(kept)
