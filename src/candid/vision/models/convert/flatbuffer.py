"""A FlatBuffers table reader that trusts no offset.

Format: https://flatbuffers.dev/internals/. A table begins with a signed 32-bit distance back to its vtable;
    the
vtable holds its own size, the table's size, and a 16-bit place for each field (0: absent). Strings, vectors
and tables are reached through unsigned 32-bit distances. All little-endian. Every read is checked against
the buffer, so a truncated or altered file ends in `ModelError`, never in another exception or a huge
allocation.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from candid.vision.errors import ModelError


def _unpack(buffer: bytes, form: str, at: int) -> int | float:
    size = struct.calcsize(form)
    if at < 0 or at + size > len(buffer):
        raise ModelError("the model file is truncated or damaged: an offset points outside it")
    value: int | float = struct.unpack_from(form, buffer, at)[0]
    return value


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a buffer; fields are named by their slot, the order of the schema.

    Attributes:
        buffer: the whole file.
        at: where the table begins.
    """

    buffer: bytes
    at: int

    @classmethod
    def root(cls, buffer: bytes, identifier: bytes) -> Table:
        """The root table of a file with this four-byte identifier.

        Raises:
            ModelError: another identifier, or too short.
        """
        if buffer[4:8] != identifier:
            raise ModelError(f"the model file does not begin as a {identifier.decode()} file does")
        return cls(buffer, int(_unpack(buffer, "<I", 0)))

    def _field(self, slot: int) -> int:
        """Where a field's value stands, or 0 where it is absent."""
        vtable = self.at - int(_unpack(self.buffer, "<i", self.at))
        size = int(_unpack(self.buffer, "<H", vtable))
        place = 4 + 2 * slot
        if place + 2 > size:
            return 0
        distance = int(_unpack(self.buffer, "<H", vtable + place))
        return self.at + distance if distance else 0

    def _follow(self, at: int) -> int:
        return at + int(_unpack(self.buffer, "<I", at))

    def number(self, slot: int, form: str, default: int = 0) -> int:
        """An integer field; `form` is its struct letter."""
        at = self._field(slot)
        return int(_unpack(self.buffer, "<" + form, at)) if at else default

    def real(self, slot: int, default: float = 0.0) -> float:
        """A float32 field."""
        at = self._field(slot)
        return float(_unpack(self.buffer, "<f", at)) if at else default

    def table(self, slot: int) -> Table | None:
        """A table, or None where it is absent."""
        at = self._field(slot)
        return Table(self.buffer, self._follow(at)) if at else None

    def _vector(self, slot: int, width: int) -> tuple[int, int]:
        """First element's place and the number of elements."""
        at = self._field(slot)
        if not at:
            return 0, 0
        start = self._follow(at)
        count = int(_unpack(self.buffer, "<I", start))
        if start + 4 + count * width > len(self.buffer):
            raise ModelError("the model file is truncated or damaged: a list reaches beyond its end")
        return start + 4, count

    def array(self, slot: int, dtype: str) -> NDArray[Any]:
        """A vector of numbers, a view of the buffer."""
        kind = np.dtype(dtype)
        start, count = self._vector(slot, kind.itemsize)
        return np.frombuffer(self.buffer, kind, count, start)

    def integers(self, slot: int) -> tuple[int, ...]:
        """A vector of int32."""
        return tuple(int(value) for value in self.array(slot, "<i4"))

    def text(self, slot: int) -> str:
        """A string; bytes that are no UTF-8 are shown as replacement characters."""
        return self.array(slot, "u1").tobytes().decode("utf-8", "replace")

    def tables(self, slot: int) -> list[Table]:
        """A vector of tables."""
        start, count = self._vector(slot, 4)
        return [Table(self.buffer, self._follow(start + 4 * i)) for i in range(count)]
