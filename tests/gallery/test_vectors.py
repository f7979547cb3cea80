"""Checking, normalising and averaging vectors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from candid.gallery.errors import InvalidInput
from candid.gallery.vectors import mean_direction, no_vectors, unit_rows

numbers = st.floats(-(2.0**99), 2.0**99, width=32)


@given(npst.arrays(np.float32, st.tuples(st.integers(0, 5), st.just(4)), elements=numbers))
def test_rows_are_of_unit_length_or_refused(raw):
    if len(raw) and np.linalg.norm(raw.astype(np.float64), axis=1).min() <= 1e-12:
        with pytest.raises(InvalidInput, match="zero"):
            unit_rows(raw, 4)
        return
    found = unit_rows(raw, 4)
    assert found.dtype == np.float32
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    assert (np.sum(found * np.sign(raw), axis=1) > 0).all()


@pytest.mark.parametrize("wrong", [[1, 2], [[1, 2, 3]], [[1, 2], [3]], [["a", "b"]], [[None, 1]], 3, None])
def test_what_are_no_vectors(wrong):
    with pytest.raises(InvalidInput):
        unit_rows(wrong, 2)


def test_the_mean_of_directions():
    found = mean_direction(np.array([[1, 0], [0, 1]], dtype=np.float32))
    assert np.allclose(found, [0.5**0.5, 0.5**0.5])
    assert mean_direction(np.array([[1, 0], [-1, 0]], dtype=np.float32)) is None
    assert mean_direction(no_vectors(2)) is None
