"""The verifiable map of identity labels, kept in step with the `customer/1` entries of the log.

One version of the map for each `customer/1` entry with labels, in the log's order: so the version's number is the
number of such entries, and a map that lags behind, or is missing, is brought up from the log.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from candid.ledger.errors import MapError
from candid.ledger.map import VerifiableMap, Version
from candid.ledger.storage import DISK, Disk
from candid_verify.labels import label_value


def map_folder(data: Path) -> Path:
    """Where the map of a data folder lies."""
    return data / "recording" / "map"


class IdentityMap:
    """The map, open for writing. One thread at a time."""

    def __init__(self, folder: Path, *, disk: Disk = DISK) -> None:
        """Open the map, empty where there is none or where its files are damaged.

        Raises:
            LogLocked: another process has it open.
            MapError: its folder cannot be written.
        """
        try:
            self._map = VerifiableMap(folder, disk=disk)
        except MapError:
            if not folder.exists():
                raise
            shutil.rmtree(folder)  # derived: it is made again from the log
            self._map = VerifiableMap(folder, disk=disk)
        self._folder, self._disk = folder, disk

    @property
    def latest(self) -> Version:
        """The newest version."""
        return self._map.latest

    def root_of(self, number: int) -> bytes:
        """The root of a version.

        Raises:
            MapError: there is none with this number.
        """
        return self._map.version(number).root

    def add(self, keys: Sequence[bytes], leaf_hash: bytes) -> Version:
        """Add the labels of one `customer/1` entry.

        Args:
            keys: the map keys that the entry lists, each once.
            leaf_hash: of the entry.

        Raises:
            MapError: the disk failed; nothing was added.
        """
        return self._map.insert({key: label_value(self._map.get(key), leaf_hash) for key in keys})

    def start_again(self) -> None:
        """Empty the map: it is ahead of the log, or of another one."""
        self._map.close()
        shutil.rmtree(self._folder)
        self._map = VerifiableMap(self._folder, disk=self._disk)

    def bring_up(self, labelled: Iterable[tuple[Sequence[bytes], bytes]]) -> None:
        """Add what is missing, from all `customer/1` entries with labels in the log's order: keys and leaf hash."""
        done = self._map.latest.number
        for number, (keys, leaf_hash) in enumerate(labelled):
            if number >= done:
                self.add(keys, leaf_hash)

    def close(self) -> None:
        """Close the map."""
        self._map.close()
