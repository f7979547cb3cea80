"""Fixtures: a data folder with a running log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.evidence.office import Office


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """A data folder with two customers, of whom the first has an owner and made three calls."""
    found = Office(tmp_path / "data")
    yield found
    found.close()
