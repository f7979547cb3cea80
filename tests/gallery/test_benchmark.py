"""The benchmark measures a real gallery; here a small one, for the shape of its figures."""

import numpy as np

from candid.gallery.benchmark import measure_gallery, synthetic


def test_figures_of_a_small_gallery(tmp_path):
    told = []
    figures = measure_gallery(
        tmp_path / "gallery", faces=2000, dimension=32, probes=20, callers=2, progress=told.append
    )
    assert sum(told) == figures.faces == 2000
    assert figures.recall_at_1 == 1
    assert figures.flat_bytes == 2000 * 32 * 4
    assert figures.file_bytes > figures.flat_bytes
    assert 0 < figures.search_p50_ms <= figures.search_p95_ms
    assert figures.inserted_a_second > 0


def test_synthetic_vectors_are_repeatable_and_of_unit_length():
    (one,), (other,) = (list(synthetic(50, 16, seed=3)) for _ in range(2))
    assert np.array_equal(one, other)
    assert np.allclose(np.linalg.norm(one, axis=1), 1, atol=1e-6)
