"""Compressed vectors: one signed byte a coordinate, with an error bound that is measured, not estimated.

    x ≈ step · c,   c = round(x / step) in -127 … 127

`step` comes from a ladder of fixed values, so that shards of alike vectors share it and can be searched
together. `error` is the largest Euclidean distance of a vector of the shard and its reconstruction. For unit
vectors the Cauchy-Schwarz inequality then bounds the error of any inner product with a probe q:

    |⟨q, x⟩ - ⟨q, step · c⟩| <= |q| · error

At 192 dimensions `error` is about 0.012 and the errors met are a tenth of that. FAISS wants a byte that is
128 more than c (`QT_8bit_direct_signed`), and that is what is kept and stored.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from candid.gallery.records import Vectors

Codes = NDArray[np.uint8]
Numbers = NDArray[np.uint32]

MOST = 127
OFFSET = 128
_RUNGS = 8  # steps of the ladder for each doubling


@dataclass(frozen=True, slots=True, eq=False)
class Shard:
    """Compressed vectors.

    Attributes:
        numbers: uint32 (n,), ascending.
        codes: uint8 (n, d).
        step: what one unit of a code is worth.
        error: largest distance of a vector and its reconstruction.
    """

    numbers: Numbers
    codes: Codes
    step: float
    error: float

    def only(self, kept: NDArray[np.bool_]) -> Shard:
        """The rows where `kept`, bool (n,), is true."""
        return Shard(self.numbers[kept], self.codes[kept], self.step, self.error)

    def rows(self, start: int, stop: int) -> Shard:
        """Rows by position."""
        return Shard(self.numbers[start:stop], self.codes[start:stop], self.step, self.error)


def compress(numbers: Numbers, vectors: Vectors) -> Shard:
    """Compress unit vectors, float32 (n, d), n >= 1."""
    largest = float(np.abs(vectors).max())
    step = 2.0 ** (math.ceil(math.log2(largest / MOST) * _RUNGS) / _RUNGS)
    step = float(np.float32(step))
    rounded = np.clip(np.rint(vectors / np.float32(step)), -MOST, MOST)
    error = float(np.sqrt(np.square(vectors - rounded * np.float32(step)).sum(axis=1).max()))
    codes = (rounded + OFFSET).astype(np.uint8)
    return Shard(np.array(numbers, dtype=np.uint32), codes, step, float(np.nextafter(np.float32(error), 2)))


def joined(shards: list[Shard]) -> Shard:
    """Shards of one step as one; each must begin where the one before ended."""
    return Shard(
        np.concatenate([shard.numbers for shard in shards]),
        np.concatenate([shard.codes for shard in shards]),
        shards[0].step,
        max(shard.error for shard in shards),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """A unit vector to search with, and its compressed form.

    Attributes:
        vector: float32 (d,), of unit length.
        code: float32 (d,), whole numbers from -127 to 127.
        step: what one unit of the code is worth.
        error: distance of the vector and its reconstruction.
    """

    vector: Vectors
    code: Vectors
    step: float
    error: float

    @classmethod
    def of(cls, vector: Vectors) -> Probe:
        """Compress a probe."""
        step = float(np.abs(vector).max()) / MOST
        code = np.rint(vector / np.float32(step)).astype(np.float32)
        return cls(vector, code, step, float(np.linalg.norm(vector - code * np.float32(step))))
