"""How crops are given to models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from candid.vision.facts import Pixels

# A model: an array of rows to its outputs, one row each. `Runner.run_rows` of the runtime is one.
Forward = Callable[[NDArray[Any]], Sequence[NDArray[Any]]]


def plane_batch(crops: Sequence[Pixels]) -> NDArray[np.float32]:
    """Crops (height, width, 3) as float32 (n, 3, height, width), 0 to 255."""
    return np.ascontiguousarray(np.stack(crops).transpose(0, 3, 1, 2), np.float32)
