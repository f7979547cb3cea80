"""Reading a request: strict JSON, the model's types, then the model's constraints.

A member of a wrong type ends the reading with SerializationException, as with AWS. Constraints are gathered
and answered together in one InvalidParameterException with AWS's words. Members that the model does not know
are ignored, null is the same as absent.

A value is repeated in the message only where it cannot be personal and is short; otherwise the message has
the form that AWS uses for values it does not repeat (`Value at 'userId' failed ...`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson
import pybase64

from candid.wire.model import IMAGE_SHAPE, ModelledOperation, ServiceModel, Shape
from candid.wire.refusals import image_too_large, invalid_parameter, serialization

# Shapes whose values are repeated: what names a collection, not a person.
_REPEATED = frozenset({"CollectionId"})
_LONGEST_REPEATED = 64
# Where the model gives a string a pattern and no longest length (ids and ARNs), a longer value cannot match: an ARN
# has at most 2048 characters. One of these patterns takes quadratic time, and `re` lets no other thread run.
_LONGEST_MATCHED = 2048
# As many broken constraints are spelled out; the rest is counted.
_SPELLED_OUT = 10

# What Java holds in an Integer and a Long; Amazon's servers are written for these.
_INTEGERS = {"integer": (-(2**31), 2**31 - 1), "long": (-(2**63), 2**63 - 1)}

_JAVA_KINDS = {"string": "String", "blob": "ByteBuffer", "integer": "Integer", "long": "Long"}
_JAVA_KINDS |= {"float": "Float", "double": "Double", "boolean": "Boolean", "timestamp": "Date"}


def parse_request(model: ServiceModel, operation: ModelledOperation, body: bytes) -> dict[str, Any]:
    """The members of a request: blobs as bytes, everything else as JSON gives it.

    Raises:
        Refusal: SerializationException, InvalidParameterException or ImageTooLargeException.
    """
    try:
        document = orjson.loads(body)
    except (orjson.JSONDecodeError, RecursionError):
        raise serialization("The body is not valid JSON in UTF-8.") from None
    if not isinstance(document, dict):
        raise serialization("Start of structure expected: the body must be a JSON object.")
    reader = _Reader(model)
    request: dict[str, Any] = reader.read(operation.input, document, "")
    reader.finish()
    return request


class _Reader:
    """Reads one request; gathers what breaks a constraint."""

    def __init__(self, model: ServiceModel) -> None:
        self._shapes = model.shapes
        self._broken: list[str] = []
        self._readers: dict[str, Callable[[Shape, Any, str], Any]] = {
            "structure": self._structure,
            "list": self._list,
            "map": self._map,
            "string": self._string,
            "blob": self._blob,
            "integer": self._integer,
            "long": self._integer,
            "float": self._number,
            "double": self._number,
            "boolean": self._boolean,
            "timestamp": self._number,
        }

    def read(self, shape: Shape, value: Any, path: str) -> Any:  # noqa: ANN401
        return self._readers[shape.kind](shape, value, path)

    def finish(self) -> None:
        if not self._broken:
            return
        count = len(self._broken)
        errors = "error" if count == 1 else "errors"
        spelled = "; ".join(self._broken[:_SPELLED_OUT])
        raise invalid_parameter(f"{count} validation {errors} detected: {spelled}")

    def _break(self, constraint: str, path: str, repeated: str = "") -> None:
        value = f"Value {repeated}" if repeated else "Value"
        self._broken.append(f"{value} at '{path}' failed to satisfy constraint: {constraint}")

    def _structure(self, shape: Shape, value: Any, path: str) -> dict[str, Any]:  # noqa: ANN401
        if not isinstance(value, dict):
            raise _unexpected(value, "Structure")
        read = {}
        for name, member in shape.members.items():
            given = value.get(name)
            if given is not None:
                read[name] = self.read(self._shapes[member], given, _join(path, name))
            elif name in shape.required:
                self._break("Member must not be null", _join(path, name), "null")
        return read

    def _list(self, shape: Shape, value: Any, path: str) -> list[Any]:  # noqa: ANN401
        if not isinstance(value, list):
            raise _unexpected(value, "List")
        self._check_size(shape, len(value), path)
        member = self._shapes[shape.member]
        if member.kind in {"structure", "list", "map"}:
            return [
                self.read(member, item, f"{path}.{at}.member") for at, item in enumerate(value, 1) if item is not None
            ]
        # AWS names the list, not its members: Member must satisfy constraint: [...]
        before = len(self._broken)
        read = [self.read(member, item, path) for item in value if item is not None]
        inner = dict.fromkeys(text.partition(" constraint: ")[2] for text in self._broken[before:])
        del self._broken[before:]
        if inner:
            self._break(f"Member must satisfy constraint: [{', '.join(inner)}]", path)
        return read

    def _map(self, shape: Shape, value: Any, path: str) -> dict[str, Any]:  # noqa: ANN401
        if not isinstance(value, dict):
            raise _unexpected(value, "Map")
        self._check_size(shape, len(value), path)
        key, member = self._shapes[shape.key], self._shapes[shape.value]
        before = len(self._broken)
        read = {
            self.read(key, name, path): self.read(member, item, path)
            for name, item in value.items()
            if item is not None
        }
        inner = dict.fromkeys(text.partition(" constraint: ")[2] for text in self._broken[before:])
        del self._broken[before:]
        if inner:
            self._break(f"Map must satisfy constraint: [{', '.join(inner)}]", path)
        return read

    def _string(self, shape: Shape, value: Any, path: str) -> str:  # noqa: ANN401
        if not isinstance(value, str):
            raise _unexpected(value, "String")
        repeated = _repeated(shape, value)
        too_long = shape.high is not None and len(value) > shape.high
        endless = shape.high is None and len(value) > _LONGEST_MATCHED
        if too_long:
            self._break(_at_most("length", shape.high), path, repeated)
        if shape.low is not None and len(value) < shape.low:
            self._break(_at_least("length", shape.low), path, repeated)
        # A value past its longest is not matched: that would take time for nothing.
        if shape.pattern is not None and not too_long and (endless or shape.pattern.fullmatch(value) is None):
            text = f"Member must satisfy regular expression pattern: {shape.pattern_text}"
            self._break(text, path, repeated)
        if shape.enum and value not in shape.enum:
            self._break(f"Member must satisfy enum value set: [{', '.join(shape.enum)}]", path, repeated)
        return value

    def _blob(self, shape: Shape, value: Any, path: str) -> bytes:  # noqa: ANN401
        if not isinstance(value, str):
            raise _unexpected(value, "ByteBuffer")
        length = 3 * (len(value) // 4) - value.endswith("=") - value.endswith("==")
        if shape.high is not None and length > shape.high:
            if shape.name == IMAGE_SHAPE:
                raise image_too_large(int(shape.high))
            self._break(_at_most("length", shape.high), path)
            return b""
        try:
            read = pybase64.b64decode(value, validate=True)
        except ValueError:  # binascii.Error is one; so is what a non-ASCII character raises
            raise serialization("A blob must be base64, with padding and without line breaks.") from None
        if shape.low is not None and len(read) < shape.low:
            self._break(_at_least("length", shape.low), path)
        return read

    def _integer(self, shape: Shape, value: Any, path: str) -> int:  # noqa: ANN401
        low, high = _INTEGERS[shape.kind]
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise _unexpected(value, _JAVA_KINDS[shape.kind])
        self._check_range(shape, value, path)
        return value

    def _number(self, shape: Shape, value: Any, path: str) -> float:  # noqa: ANN401
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _unexpected(value, _JAVA_KINDS[shape.kind])
        self._check_range(shape, value, path)
        return float(value)

    def _boolean(self, shape: Shape, value: Any, path: str) -> bool:  # noqa: ANN401, ARG002
        if not isinstance(value, bool):
            raise _unexpected(value, "Boolean")
        return value

    def _check_range(self, shape: Shape, value: float, path: str) -> None:
        if shape.high is not None and value > shape.high:
            self._break(_at_most("value", shape.high), path, f"'{value}'")
        if shape.low is not None and value < shape.low:
            self._break(_at_least("value", shape.low), path, f"'{value}'")

    def _check_size(self, shape: Shape, size: int, path: str) -> None:
        if shape.high is not None and size > shape.high:
            self._break(_at_most("length", shape.high), path)
        if shape.low is not None and size < shape.low:
            self._break(_at_least("length", shape.low), path)


def _at_most(what: str, limit: float | None) -> str:
    return f"Member must have {what} less than or equal to {limit}"


def _at_least(what: str, limit: float | None) -> str:
    return f"Member must have {what} greater than or equal to {limit}"


def _join(path: str, name: str) -> str:
    """The path of a member; AWS writes members with a small first letter."""
    lowered = name[:1].lower() + name[1:]
    return f"{path}.{lowered}" if path else lowered


def _repeated(shape: Shape, value: str) -> str:
    """The value in quotes where it may be repeated, else nothing."""
    safe = shape.name in _REPEATED or (bool(shape.enum) and value.isascii() and value.isidentifier())
    return f"'{value}'" if safe and len(value) <= _LONGEST_REPEATED and value.isprintable() else ""


def _unexpected(value: object, expected: str) -> Exception:
    """A value of another type, in the words of Amazon's JSON reader."""
    if isinstance(value, Mapping):
        return serialization("Start of structure or map found where not expected.")
    if isinstance(value, list):
        return serialization("Start of list found where not expected.")
    if expected in {"Structure", "List", "Map"}:
        return serialization(f"Unexpected field type: a {expected.lower()} is expected.")
    if isinstance(value, bool):
        return serialization(f"{str(value).upper()}_VALUE can not be converted to {_with_article(expected)}")
    kind = "STRING" if isinstance(value, str) else "DECIMAL" if isinstance(value, float) else "NUMBER"
    return serialization(f"{kind}_VALUE can not be converted to {_with_article(expected)}")


def _with_article(noun: str) -> str:
    return f"an {noun}" if noun == "Integer" else f"a {noun}"
