"""Exact scores are those of NumPy."""

import numpy as np
import pytest

from candid.gallery.index.exact import inner_products


@pytest.mark.parametrize("count", [0, 1, 7, 1000])
@pytest.mark.parametrize("dimension", [1, 3, 16, 192, 513])
def test_beside_numpy(count, dimension):
    random = np.random.default_rng(0)
    vectors = random.standard_normal((2 * count, 2 * dimension)).astype(np.float32)
    probe = random.standard_normal(2 * dimension).astype(np.float32)
    for some, one in [(vectors[:count, :dimension], probe[:dimension]), (vectors[::2, ::2], probe[::2])]:
        found = inner_products(some, one)
        assert (found.shape, found.dtype) == ((count,), np.float32)
        assert np.allclose(found, some.astype(np.float64) @ one, atol=1e-3)
