"""A clock and randomness that tests steer, and a database of customers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from candid.governance import Customers, open_customers

KEY = bytes(range(32))


class Clock:
    """Seconds since the epoch; stands still until told."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class Randomness:
    """SHA-256 of a counter: never twice the same, the same in every run."""

    def __init__(self) -> None:
        self.drawn = 0

    def __call__(self, length: int) -> bytes:
        self.drawn += 1
        return hashlib.shake_256(str(self.drawn).encode()).digest(length)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "governance.db"


@pytest.fixture
def customers(path: Path, clock: Clock) -> Iterator[Customers]:
    opened = open_customers(path, key=KEY, clock=clock, randomness=Randomness())
    yield opened
    opened.close()
