"""Checking and normalising the vectors that callers hand in."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from candid.gallery.errors import InvalidInput
from candid.gallery.records import Vectors

# Lengths below which a direction is rounding noise: of a vector, and of a mean of float32 unit vectors.
_LEAST_NORM = 1e-12
_LEAST_MEAN = 1e-6


def unit_rows(vectors: ArrayLike, dimension: int) -> Vectors:
    """Vectors as float32 (n, dimension), each of unit length.

    Raises:
        InvalidInput: another shape, a number that is not finite, or a vector of length zero.
    """
    try:
        found = np.asarray(vectors, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInput("embeddings must be numbers, all of one length") from error
    if found.ndim != 2 or found.shape[1] != dimension:
        raise InvalidInput(f"embeddings must have {dimension} numbers, got an array of shape {found.shape}")
    if not np.isfinite(found).all():
        raise InvalidInput("an embedding holds a number that is not finite")
    norms = np.linalg.norm(found, axis=1, keepdims=True)
    if not (norms > _LEAST_NORM).all():
        raise InvalidInput("an embedding has length zero, so no direction")
    units: Vectors = (found / norms).astype(np.float32)
    return units


def mean_direction(vectors: Vectors) -> Vectors | None:
    """A user's vector: the mean of its faces' unit vectors, float32 (n, d), again of unit length.

    Returns:
        float32 (d,), or None where the vectors cancel out or there are none.
    """
    if not len(vectors):
        return None
    mean = vectors.astype(np.float64).mean(axis=0)
    norm = float(np.linalg.norm(mean))
    if norm <= _LEAST_MEAN:
        return None
    unit: Vectors = (mean / norm).astype(np.float32)
    return unit


def no_vectors(dimension: int) -> Vectors:
    """float32 (0, dimension)."""
    return np.empty((0, dimension), dtype=np.float32)
