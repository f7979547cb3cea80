"""Exact scores, by one thread.

NumPy hands this to a BLAS whose threads spin while they wait for each other. Beside other work on the same cores
that made a search of a million faces take twice as long (20 ms against 10, measured), so FAISS's single-threaded
function is used.
"""

from __future__ import annotations

import faiss
import numpy as np

from candid.gallery.records import Vectors


def inner_products(vectors: Vectors, probe: Vectors) -> Vectors:
    """The inner products of vectors, float32 (n, d), with a probe, float32 (d,): float32 (n,)."""
    vectors, probe = np.ascontiguousarray(vectors), np.ascontiguousarray(probe)
    found: Vectors = np.empty(len(vectors), dtype=np.float32)
    if len(vectors):
        count, dimension = vectors.shape
        faiss.fvec_inner_products_ny(  # type: ignore[attr-defined]
            faiss.swig_ptr(found), faiss.swig_ptr(probe), faiss.swig_ptr(vectors), dimension, count
        )
    return found
