"""The file of the map's nodes, to which is only ever appended; so each old version of the map stays readable.

Layout, integers big-endian. `nodes`: the 16 bytes `candid-map/1` and zeroes, then records: a leaf is key and
value (64 bytes), a node is two references and its hash (48 bytes). A reference is twice the record's
position, plus 1 for a leaf; 0 is the empty part. `versions`: one record of 64 bytes for each version from 1
on: reference and hash of its root, number of entries, length of `nodes`, and 8 bytes of SHA-256 over these.
Nodes are durable before the version that needs them. All of it is derived from the log, and can be deleted
and made again.
"""

from __future__ import annotations

import os
import struct
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from candid.ledger.errors import MapError
from candid.ledger.map.hashing import EMPTY, KEY_SIZE, leaf_hash, node_hash
from candid.ledger.storage import Disk, sync_folder, write_all

_MAGIC = b"candid-map/1".ljust(16, b"\0")
_NODE = struct.Struct(">QQ32s")
_VERSION = struct.Struct(">Q32sQQ")
_CHECK = 8
_VERSION_SIZE = _VERSION.size + _CHECK
_LEAF_SIZE = 64
_DAMAGED = "the map's file of nodes is damaged: delete the map's folder and replay the log"

NOTHING = 0


@dataclass(frozen=True, slots=True)
class Version:
    """The map as it was once.

    Attributes:
        number: 0 for the empty map, then one more for each batch.
        root: its root hash.
        count: how many entries it has.
        reference: of the root's record.
        end: how many bytes of nodes it needs.
    """

    number: int
    root: bytes
    count: int
    reference: int
    end: int


EMPTY_VERSION = Version(0, EMPTY, 0, NOTHING, len(_MAGIC))


class NodeFile:
    """Reads nodes, and collects new ones until a version is committed. One thread writes, any may read."""

    _fresh: bytearray  # records of the version that is being made; touched by the writing thread only

    def __init__(self, folder: Path, *, disk: Disk, writable: bool) -> None:
        """Open the files, and make them where they are missing.

        Raises:
            MapError: they are damaged; delete the folder and replay the log.
            OSError: they cannot be opened.
        """
        self._disk, flags = disk, (os.O_RDWR | os.O_CREAT) if writable else os.O_RDONLY
        self._nodes = disk.open(folder / "nodes", flags)
        try:
            self._versions = disk.open(folder / "versions", flags)
        except OSError:
            disk.close(self._nodes)
            raise
        self._fresh = bytearray()
        try:
            if writable and os.fstat(self._nodes).st_size < len(_MAGIC):
                self._write(self._nodes, 0, _MAGIC)
                sync_folder(disk, folder)
            self._check_nodes(folder, self.version(self.latest))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the files."""
        self._disk.close(self._nodes)
        self._disk.close(self._versions)

    @property
    def latest(self) -> int:
        """The number of the newest version that is whole."""
        number = os.fstat(self._versions).st_size // _VERSION_SIZE
        while number and self._read_version(number) is None:
            number -= 1  # the end of a batch that a crash cut off
        return number

    def version(self, number: int) -> Version:
        """An old or the newest version.

        Raises:
            MapError: there is none with this number.
        """
        found = EMPTY_VERSION if number == 0 else self._read_version(number)
        if found is None:
            raise MapError(f"the map has no version {number}")
        return found

    def node(self, reference: int) -> tuple[int, int, bytes]:
        """A node: the references of its halves, and its hash."""
        left, right, digest = _NODE.unpack(self._record(reference, _NODE.size))
        if max(left, right) >= reference:  # halves are written before what stands over them
            raise MapError(_DAMAGED)
        return left, right, digest

    def leaf(self, reference: int) -> tuple[bytes, bytes]:
        """A leaf: key and value."""
        record = self._record(reference, _LEAF_SIZE)
        return record[:KEY_SIZE], record[KEY_SIZE:]

    def hash(self, reference: int) -> bytes:
        """The hash of what a reference stands for."""
        if reference == NOTHING:
            return EMPTY
        return leaf_hash(*self.leaf(reference)) if reference & 1 else self.node(reference)[2]

    def begin(self, version: Version) -> None:
        """Start on the version after this one; what was collected since another `begin` is forgotten."""
        self._start, self._fresh = version.end, bytearray()

    def add_leaf(self, key: bytes, value: bytes) -> tuple[int, bytes]:
        """Collect a leaf; its reference and hash."""
        reference = (self._start + len(self._fresh)) << 1 | 1
        self._fresh += key + value
        return reference, leaf_hash(key, value)

    def add_node(self, left: tuple[int, bytes], right: tuple[int, bytes]) -> tuple[int, bytes]:
        """Collect a node over two halves, each given as reference and hash; its own likewise."""
        reference = (self._start + len(self._fresh)) << 1
        digest = node_hash(left[1], right[1])
        self._fresh += _NODE.pack(left[0], right[0], digest)
        return reference, digest

    def commit(self, number: int, root: tuple[int, bytes], count: int) -> Version:
        """Make what was collected durable, as version `number`.

        Raises:
            OSError: the map is as it was before; begin again.
        """
        version = Version(number, root[1], count, root[0], self._start + len(self._fresh))
        fields = _VERSION.pack(version.reference, version.root, version.count, version.end)
        record = fields + sha256(fields).digest()[:_CHECK]
        self._cut_versions(number - 1)
        try:
            self._write(self._nodes, self._start, bytes(self._fresh))
            self._write(self._versions, (number - 1) * _VERSION_SIZE, record)
        except OSError:
            with suppress(OSError):
                self._cut_versions(number - 1)
            raise
        return version

    def _cut_versions(self, count: int) -> None:
        """Remove what a failed commit left: its version must not outlive its nodes, which are overwritten next."""
        if os.fstat(self._versions).st_size > count * _VERSION_SIZE:
            self._disk.truncate(self._versions, count * _VERSION_SIZE)
            self._disk.fsync(self._versions)

    def _write(self, descriptor: int, position: int, data: bytes) -> None:
        os.lseek(descriptor, position, os.SEEK_SET)
        write_all(self._disk, descriptor, data)
        self._disk.fsync(descriptor)

    def _record(self, reference: int, size: int) -> bytes:
        record = os.pread(self._nodes, size, reference >> 1)
        if len(record) != size:
            raise MapError(_DAMAGED)
        return record

    def _read_version(self, number: int) -> Version | None:
        record = os.pread(self._versions, _VERSION_SIZE, (number - 1) * _VERSION_SIZE) if number > 0 else b""
        fields = record[: _VERSION.size]
        if len(record) != _VERSION_SIZE or sha256(fields).digest()[:_CHECK] != record[_VERSION.size :]:
            return None
        reference, root, count, end = _VERSION.unpack(fields)
        return Version(number, root, count, reference, end)

    def _check_nodes(self, folder: Path, version: Version) -> None:
        whole = os.fstat(self._nodes).st_size >= version.end
        if (
            not whole
            or os.pread(self._nodes, len(_MAGIC), 0) != _MAGIC
            or self.hash(version.reference) != version.root
        ):
            raise MapError(f"the map in {folder} is damaged: delete the folder and replay the log")
