"""Sparse constants written out in full."""

from __future__ import annotations

import numpy as np
import pytest

from candid.vision.errors import ModelError
from candid.vision.models.convert.tflite_reader import read_tflite


def _read(files, shape, values, parameters):
    tensors = [("in", shape, "float32", np.float32(values))]
    return read_tflite(files.tflite(tensors, [], [0], [0], {0: parameters})).tensors[0].value


CSR = {"order": [0, 1], "blocks": [], "dimensions": [3, ([0, 1, 1, 3], [2, 0, 3])]}
BLOCKED = {"order": [0, 1, 2, 3], "blocks": [0, 1], "dimensions": [2, ([0, 1, 2], [1, 0]), 2, 2]}


def test_compressed_rows(files):
    dense = _read(files, (3, 4), [5, 6, 7], CSR)
    np.testing.assert_array_equal(dense, [[0, 0, 5, 0], [0, 0, 0, 0], [6, 0, 0, 7]])


def test_blocks_of_two_by_two(files):
    dense = _read(files, (4, 4), range(1, 9), BLOCKED)
    np.testing.assert_array_equal(dense, [[0, 0, 1, 2], [0, 0, 3, 4], [5, 6, 0, 0], [7, 8, 0, 0]])


def test_columns_first(files):
    parameters = {"order": [1, 0], "blocks": [], "dimensions": [2, ([0, 1, 3], [0, 0, 2])]}
    np.testing.assert_array_equal(_read(files, (3, 2), [1, 2, 3], parameters), [[1, 2], [0, 0], [0, 3]])


@pytest.mark.parametrize(
    "changed",
    [
        {"order": [0, 0]},
        {"order": [0]},
        {"dimensions": [4, ([0, 1, 1, 3], [2, 0, 3])]},
        {"dimensions": [3, ([0, 1, 1, 9], [2, 0, 3])]},
        {"dimensions": [3, ([0, 2, 1, 3], [2, 0, 3])]},
        {"dimensions": [3, ([0, 1, 1, 3], [2, 0, 9])]},
        {"dimensions": [0, ([0, 1, 1, 3], [2, 0, 3])]},
        {"order": [0, 1, 2], "blocks": [7], "dimensions": [3, ([0, 1, 1, 3], [2, 0, 3]), 1]},
    ],
)
def test_contradictions_are_refused(files, changed):
    with pytest.raises(ModelError, match="damaged"):
        _read(files, (3, 4), [5, 6, 7], CSR | changed)
