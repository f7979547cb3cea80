"""Writing a reply: members by the model, None left out, timestamps as seconds since the epoch.

A reply that does not fit the model is a bug of an operation. `strict` makes it an error, which tests ask for;
a server leaves the member out instead, and says so in its log once for each.
"""

from __future__ import annotations

import base64
import logging
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from numbers import Integral, Real
from typing import Any, Final

import orjson

from candid.wire.model import ServiceModel, Shape

_log = logging.getLogger("candid.wire")


class ReplyError(Exception):
    """A reply does not fit the model: an unknown member, a wrong type, a number that is not finite."""


class _Nothing:
    """Stands for a value that is left out."""


_NOTHING: Final = _Nothing()

# Where a value stands: what it is in, and its own name there. Written out only for a message, because most
# of the time of a long reply would go into it.
Path = tuple[Any, str]


class ReplyWriter:
    """Serialises replies. Thread-safe."""

    def __init__(self, model: ServiceModel, *, strict: bool = False) -> None:
        self._shapes = model.shapes
        self._strict = strict
        self._reported: set[str] = set()  # only ever added to

    def write(self, shape: Shape, reply: Mapping[str, Any]) -> bytes:
        """The body of a reply.

        Args:
            shape: the operation's output.
            reply: members by name; None is left out, blobs are bytes, timestamps seconds or aware datetimes.

        Raises:
            ReplyError: it does not fit the model, and the writer is strict.
        """
        written = self._value(shape, reply, (None, shape.name))
        return orjson.dumps({} if written is _NOTHING else written)

    def _misfit(self, path: Path, expected: str) -> _Nothing:
        place = _written(path)
        if self._strict:
            raise ReplyError(f"{place} is no {expected} of the model")
        if place not in self._reported:
            self._reported.add(place)
            _log.error("a reply does not fit the model and goes without %s: no %s", place, expected)
        return _NOTHING

    def _value(self, shape: Shape, value: Any, path: Path) -> Any:  # noqa: ANN401
        kind = shape.kind
        if type(value) is float and kind == "float":
            return value if math.isfinite(value) else self._misfit(path, kind)
        if kind == "string":
            return str(value) if isinstance(value, str) else self._misfit(path, "string")
        if kind == "structure":
            return self._structure(shape, value, path)
        if kind == "list":
            if isinstance(value, str | bytes) or not isinstance(value, Sequence):
                return self._misfit(path, "list")
            member = self._shapes[shape.member]
            items = [self._value(member, item, (path, "[]")) for item in value]
            return [item for item in items if item is not _NOTHING]
        if kind == "map":
            return self._map(shape, value, path)
        return self._scalar(kind, value, path)

    def _structure(self, shape: Shape, value: Any, path: Path) -> Any:  # noqa: ANN401
        if not isinstance(value, Mapping):
            return self._misfit(path, "structure")
        written = {}
        shapes, members = self._shapes, shape.members
        for name, item in value.items():
            if item is None:
                continue
            member = members.get(name)
            if member is None:
                self._misfit((path, name), "member")
                continue
            inner = shapes[member]
            if type(item) is str and inner.kind == "string":
                written[name] = item  # the most frequent kind, without a call
                continue
            result = self._value(inner, item, (path, name))
            if result is not _NOTHING:
                written[name] = result
        return written

    def _map(self, shape: Shape, value: Any, path: Path) -> Any:  # noqa: ANN401
        if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
            return self._misfit(path, "map")
        member = self._shapes[shape.value]
        items = {str(key): self._value(member, item, (path, "{}")) for key, item in value.items()}
        return {key: item for key, item in items.items() if item is not _NOTHING}

    def _scalar(self, kind: str, value: Any, path: Path) -> Any:  # noqa: ANN401
        if kind == "boolean":
            return value if isinstance(value, bool) else self._misfit(path, kind)
        if kind == "blob":
            return base64.b64encode(value).decode() if isinstance(value, bytes) else self._misfit(path, kind)
        if kind == "timestamp" and isinstance(value, datetime):
            value = value.timestamp()
        if isinstance(value, bool) or not isinstance(value, Real):
            return self._misfit(path, kind)
        if kind in {"integer", "long"}:
            return int(value) if isinstance(value, Integral) else self._misfit(path, kind)
        number = float(value)
        return number if math.isfinite(number) else self._misfit(path, kind)


def _written(path: Path) -> str:
    above, name = path
    if above is None:
        return name
    return _written(above) + (name if name in {"[]", "{}"} else f".{name}")
