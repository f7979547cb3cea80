"""The journal: where an entry becomes durable, before it is in a tile.

Layout of the file, integers big-endian:
  header: `candid-journal/1`, u64 index of the first entry, i64 time of the last entry before it, 16 random
      bytes
          (the nonce), 16 bytes of SHA-256 over all that;
  frames: `CJf1`, u64 index of the first entry, u64 index of the first entry of the batch, i64 time, u32
      count,
          u32 bytes of payload, 16 bytes of SHA-256(nonce || the frame's fields || payload), then the payload:
          the entries behind their lengths, as in a bundle.
A batch is one write of one or more frames and one fsync. Frames follow each other without a gap. Times are
milliseconds since the epoch.

What a crash can leave is an unfinished last batch, of which nothing was acknowledged: it ends the journal. A
whole frame of a *later* batch behind something unreadable means damage to acknowledged entries, and is
refused. The nonce keeps whoever writes entries from planting such a frame inside one.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from candid.ledger.errors import LogBroken, TileError
from candid.ledger.storage import Disk, no_room, write_all, write_file
from candid.ledger.tiles import Tile, decode_bundle, encode_bundle

_HEADER = struct.Struct(">16sQq16s")
_FRAME = struct.Struct(">4sQQqII")
_MAGIC = b"candid-journal/1"
_MARK = b"CJf1"
_DIGEST = 16
_NONCE = 16
# A frame is read back whole; this bounds memory and what one unreadable frame can cost.
MAX_FRAME = 1 << 22


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries that were sequenced together: `entries[i]` has index `first + i`, all have one time."""

    first: int
    time: int
    entries: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class JournalContents:
    """What a journal holds.

    Attributes:
        first: the index of its first entry.
        time: the time of the last entry in it or before it, milliseconds.
        entries: all its entries.
    """

    first: int
    time: int
    entries: list[bytes]


class Journal:
    """An open journal file.

    Attributes:
        size: bytes of the file that are durable.
        intact: whether the file ends there. If not, nothing may be appended any more: create another one.
    """

    def __init__(self, disk: Disk, descriptor: int, nonce: bytes, size: int) -> None:
        self._disk = disk
        self._descriptor = descriptor
        self._nonce = nonce
        self.size = size
        self.intact = True

    @classmethod
    def create(
        cls, path: Path, carried: Batch, *, disk: Disk, randomness: Callable[[int], bytes] = os.urandom
    ) -> Journal:
        """Put a new journal in the place of the old one.

        Args:
            path: the file; its folder exists.
            carried: the entries of the old journal that are still needed, possibly none.
            disk: where to write.
            randomness: gives the nonce.

        Raises:
            OSError: either journal may be in place, both hold the carried entries.
        """
        nonce = randomness(_NONCE)
        fields = _HEADER.pack(_MAGIC, carried.first, carried.time, nonce)
        data = fields + sha256(fields).digest()[:_DIGEST] + _frames(carried, nonce)
        write_file(disk, path, data)
        return cls(disk, disk.open(path, os.O_WRONLY | os.O_APPEND), nonce, len(data))

    def append(self, batch: Batch) -> None:
        """Make a batch durable.

        Raises:
            OSError: nothing of it, if the journal is still `intact`; else it is not known what of it is on
                disk.
        """
        data = _frames(batch, self._nonce)
        self.intact = False
        try:
            write_all(self._disk, self._descriptor, data)
        except OSError as error:
            if no_room(error):  # nothing is wrong with the file, so what fitted can be cut off again
                self._disk.truncate(self._descriptor, self.size)
                self.intact = True
            raise
        self._disk.fsync(self._descriptor)
        self.size += len(data)
        self.intact = True

    def close(self) -> None:
        """Close the file."""
        self._disk.close(self._descriptor)


def _frames(batch: Batch, nonce: bytes) -> bytes:
    parts: list[bytes] = []
    at, total = 0, len(batch.entries)
    while at < total:
        end, size = at, 0
        while end < total and (size := size + 2 + len(batch.entries[end])) <= MAX_FRAME:
            end += 1
        payload = encode_bundle(batch.entries[at:end])
        fields = _FRAME.pack(_MARK, batch.first + at, batch.first, batch.time, end - at, len(payload))
        parts += (fields, sha256(nonce + fields + payload).digest()[:_DIGEST], payload)
        at = end
    return b"".join(parts)


def read_journal(path: Path) -> JournalContents:
    """Read a journal after a stop of any kind.

    Raises:
        LogBroken: it is missing, or damaged where acknowledged entries stood.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise LogBroken(f"{path} is missing, and with it perhaps the newest entries: restore it") from error
    head = _HEADER.size + _DIGEST
    if len(data) < head or sha256(data[: _HEADER.size]).digest()[:_DIGEST] != data[_HEADER.size : head]:
        raise LogBroken(f"{path} is damaged at its beginning: restore it from a copy")
    magic, first, time, nonce = _HEADER.unpack_from(data)
    if magic != _MAGIC:
        raise LogBroken(f"{path} is a journal of another version of Candid: use that version, or upgrade")
    at, entries = head, list[bytes]()
    while (frame := _read_frame(data, at, nonce)) is not None and frame.first == first + len(entries):
        entries.extend(frame.entries)
        time, at = frame.time, frame.end
    torn = first + len(entries)
    for later in _later_frames(data, at, nonce):
        if later.batch > torn:
            raise LogBroken(
                f"{path} is damaged at byte {at}: entry {torn} and others that were "
                "acknowledged cannot be read; restore the file from a copy"
            )
    return JournalContents(first, time, entries)


@dataclass(frozen=True, slots=True)
class _Frame:
    first: int
    batch: int
    time: int
    entries: list[bytes]
    end: int


def _read_frame(data: bytes, at: int, nonce: bytes) -> _Frame | None:
    """The frame at a position, or None where none stands whole."""
    start = at + _FRAME.size + _DIGEST
    if start > len(data):
        return None
    mark, first, batch, time, count, length = _FRAME.unpack_from(data, at)
    if mark != _MARK or length > MAX_FRAME or start + length > len(data):
        return None
    fields, payload = data[at : at + _FRAME.size], data[start : start + length]
    if sha256(nonce + fields + payload).digest()[:_DIGEST] != data[at + _FRAME.size : start]:
        return None
    return _Frame(first, batch, time, _entries(count, payload), start + length)


def _entries(count: int, payload: bytes) -> list[bytes]:
    try:
        return decode_bundle(Tile(0, 0, count), payload)
    except TileError as error:
        raise LogBroken("the journal holds a frame that this version cannot have written") from error


def _later_frames(data: bytes, at: int, nonce: bytes) -> Iterator[_Frame]:
    """Whole frames anywhere behind a position."""
    at = data.find(_MARK, at)
    while at >= 0:
        frame = _read_frame(data, at, nonce)
        if frame is not None:
            yield frame
        at = data.find(_MARK, at + 1)
