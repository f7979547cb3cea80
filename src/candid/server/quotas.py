"""Quotas in the way of a call: counted from the log, which is read once, when the first quota is there to be kept."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from candid.billing import note_opener
from candid.billing.errors import InvalidQuota
from candid.billing.quotas import Quotas
from candid.governance import Customer
from candid.ledger import VerifierKey
from candid.recording import Recorder

# Entries that are read while nothing is published; then the log may publish again.
_CHUNK = 10_000

_log = logging.getLogger("candid.quotas")


class QuotaGate:
    """Lets calls through that keep to their customer's quota. Thread-safe.

    Without a file of quotas nothing is counted, and a call costs one look at that file's place.
    """

    _quotas: Quotas | None  # set once, under _starting
    _told: str | None  # what was complained of last; touched under _starting
    _later: list[tuple[int, Mapping[str, Any]]] | None  # entries that come while the log is read; guarded by _lock

    def __init__(
        self, path: Path, recorder: Recorder, key: VerifierKey, *, clock: Callable[[], float] = time.time
    ) -> None:
        """Name the file of quotas, the log and its key."""
        self._path, self._recorder, self._opener, self._clock = path, recorder, note_opener(key), clock
        self._quotas = self._later = self._told = None
        self._lock, self._starting = threading.Lock(), threading.Lock()
        recorder.observe(self._observe)

    @contextmanager
    def admit(self, customer: Customer, meter: str) -> Iterator[None]:
        """Hold what a call may use until it is recorded, which must be within the block.

        Raises:
            QuotaExceeded: the customer has used what it may.
            InvalidQuota: the file of quotas is damaged.
        """
        quotas = self._quotas
        if quotas is None:
            if not self._path.exists():
                yield
                return
            quotas = self._start()
        with quotas.admit(customer.pseudonym, meter, int(1000 * self._clock())) as warnings:
            for warning in warnings:
                _log.warning("%s", warning)
            yield

    def _start(self) -> Quotas:
        with self._starting:
            quotas = self._quotas
            if quotas is None:
                try:
                    quotas = Quotas(self._path, self._opener)
                except InvalidQuota as error:
                    self._complain(str(error))
                    raise
                self._count(quotas)
            return quotas

    def _count(self, quotas: Quotas) -> None:
        """Count what the log has, and what comes to it meanwhile."""
        with self._lock:
            self._later = later = list[tuple[int, Mapping[str, Any]]]()
        try:
            size = self._recorder.state.size
            quotas.replay(self._entries(size))
            with self._lock:
                quotas.replay((index, entry) for index, entry in later if index >= size)
                self._quotas = quotas
        finally:
            with self._lock:
                self._later = None

    def _complain(self, trouble: str) -> None:
        """Tell of a damaged file once, not at every call that it refuses."""
        if trouble != self._told:
            _log.error("No call is served until this is mended: %s.", trouble)
        self._told = trouble

    def _observe(self, index: int, entry: Mapping[str, Any]) -> None:
        with self._lock:
            if self._quotas is not None:
                self._quotas.observe(index, entry)
            elif self._later is not None:
                self._later.append((index, entry))

    def _entries(self, size: int) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """Every price list, and the entries of this month."""
        now = datetime.fromtimestamp(self._clock(), UTC)
        month = int(1000 * now.replace(day=1, hour=0, minute=0, second=0, microsecond=0).timestamp())
        begin = self._first_since(month, size)
        for index in self._recorder.state.prices:
            if index < begin:
                yield index, self._entry(index)
        while begin < size:
            for index, data in itertools.islice(self._recorder.log.entries(begin), min(_CHUNK, size - begin)):
                yield index, orjson.loads(data)
            begin += _CHUNK

    def _first_since(self, moment: int, size: int) -> int:
        """The first entry that is not older than a moment; times never decrease."""
        return bisect_left(range(size), moment, key=lambda index: self._entry(index)["time"])

    def _entry(self, index: int) -> Mapping[str, Any]:
        found: Mapping[str, Any] = orjson.loads(next(self._recorder.log.entries(index))[1])
        return found
