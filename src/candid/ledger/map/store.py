"""The verifiable map: 32-byte keys to 32-byte values, with proofs of presence or absence in any version."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from candid.ledger.errors import MapError
from candid.ledger.map.hashing import KEY_SIZE, VALUE_SIZE, bit, split
from candid.ledger.map.nodes import NOTHING, NodeFile, Version
from candid.ledger.map.proofs import MapProof
from candid.ledger.storage import DISK, Disk, FolderLock

_Item = tuple[bytes, bytes]
_Part = tuple[int, bytes]  # reference and hash


class VerifiableMap:
    """A map in a folder, for many threads. Entries are added or given another value, never removed."""

    _latest: Version  # replaced whole under _lock; read by anyone

    def __init__(self, folder: Path, *, read_only: bool = False, disk: Disk = DISK) -> None:
        """Open a map, or make an empty one.

        Args:
            folder: the map's own; it holds nothing that the log does not give again.
            read_only: needs no lock, and sees the version that is newest now.
            disk: where to write.

        Raises:
            LogLocked: another process writes it.
            MapError: it is missing (for reading), or damaged and must be made again from the log.
        """
        self._lock = threading.Lock()
        self._folder_lock: FolderLock | None = None
        try:
            if not read_only:
                folder.mkdir(parents=True, exist_ok=True)
                self._folder_lock = FolderLock(folder / "lock")
            self._nodes = NodeFile(folder, disk=disk, writable=not read_only)
        except BaseException as error:
            self._release()
            if isinstance(error, OSError):
                raise MapError(f"the map in {folder} cannot be opened: {error.strerror}") from error
            raise
        self._latest = self._nodes.version(self._nodes.latest)

    def close(self) -> None:
        """Close the map."""
        self._nodes.close()
        self._release()

    def __enter__(self) -> VerifiableMap:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def latest(self) -> Version:
        """The newest version."""
        return self._latest

    def version(self, number: int) -> Version:
        """An older version; 0 is the empty map.

        Raises:
            MapError: there is none with this number.
        """
        if not 0 <= number <= self._latest.number:
            raise MapError(f"the map has no version {number}; its newest is {self._latest.number}")
        return self._nodes.version(number)

    def insert(self, entries: Mapping[bytes, bytes]) -> Version:
        """Add entries, and give those that are there already their new value, as one new version.

        Args:
            entries: 32-byte keys and values; none at all also makes a version.

        Raises:
            MapError: a key or value of another size, or the disk failed and nothing was added.
        """
        if any(len(key) != KEY_SIZE or len(value) != VALUE_SIZE for key, value in entries.items()):
            raise MapError(f"the map has keys of {KEY_SIZE} and values of {VALUE_SIZE} bytes")
        with self._lock:
            if self._folder_lock is None:
                raise MapError("the map was opened for reading, or closed")
            before = self._latest
            self._nodes.begin(before)
            insertion = _Insertion(self._nodes)
            root = insertion.into(before.reference, sorted(entries.items()), 0)
            try:
                self._latest = self._nodes.commit(before.number + 1, root, before.count + insertion.added)
            except OSError as error:
                raise MapError(f"nothing was added to the map: {error}") from error
            return self._latest

    def get(self, key: bytes, version: Version | None = None) -> bytes | None:
        """The value of a key, or None where the map has none."""
        return self.prove(key, version).value

    def prove(self, key: bytes, version: Version | None = None) -> MapProof:
        """The proof that a key has its value, or is not in the map.

        Args:
            key: 32 bytes.
            version: which version; None for the newest.
        """
        nodes, siblings = self._nodes, list[bytes]()
        at = (version or self._latest).reference
        while at != NOTHING and not at & 1:
            left, right, _ = nodes.node(at)
            at, sibling = (right, left) if bit(key, len(siblings)) else (left, right)
            siblings.append(nodes.hash(sibling))
        if at == NOTHING:
            return MapProof(tuple(siblings))
        found, value = nodes.leaf(at)
        if found == key:
            return MapProof(tuple(siblings), value=value)
        return MapProof(tuple(siblings), other=(found, value))

    def _release(self) -> None:
        if self._folder_lock is not None:
            self._folder_lock.release()
            self._folder_lock = None


class _Insertion:
    """One batch on its way into the tree; counts the keys that are new."""

    def __init__(self, nodes: NodeFile) -> None:
        self._nodes = nodes
        self.added = 0

    def into(self, reference: int, items: Sequence[_Item], depth: int) -> _Part:
        """The part of the tree at a reference, with sorted items added; they share its first `depth` bits."""
        nodes = self._nodes
        if not items:
            return reference, nodes.hash(reference)
        if reference == NOTHING:
            self.added += len(items)
            return self._build(items, depth)
        if reference & 1:
            return self._beside_leaf(nodes.leaf(reference), items, depth)
        left, right, _ = nodes.node(reference)
        middle = split(items, depth)
        return nodes.add_node(
            self.into(left, items[:middle], depth + 1), self.into(right, items[middle:], depth + 1)
        )

    def _beside_leaf(self, leaf: _Item, items: Sequence[_Item], depth: int) -> _Part:
        merged = {leaf[0]: leaf[1]} | dict(items)
        self.added += len(merged) - 1
        return self._build(sorted(merged.items()), depth)

    def _build(self, items: Sequence[_Item], depth: int) -> _Part:
        """A part of the tree that holds just these items, of which there is at least one."""
        if len(items) == 1:
            return self._nodes.add_leaf(*items[0])
        middle = split(items, depth)
        left, right = items[:middle], items[middle:]
        nothing = NOTHING, self._nodes.hash(NOTHING)
        return self._nodes.add_node(
            self._build(left, depth + 1) if left else nothing,
            self._build(right, depth + 1) if right else nothing,
        )
