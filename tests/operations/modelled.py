"""Requests that the service model allows, drawn from the model itself.

Where a random value would only ever be refused (ids, names, images, tokens), half of the draws come from
`Known`: what the server has or had. Known things are drawn by a number, so that a draw does not depend on what
happened before.
"""

from __future__ import annotations

import string
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape
from hypothesis import strategies as st

# Longer lists and texts than these are tried by hand in test_limits.py.
MANY, LONG = 5, 40

WORD = string.ascii_letters + string.digits + "_.-"
# \p{L}, \p{Z}, \p{N} and the signs of TagKey and TagValue.
TAG = st.characters(whitelist_categories=("L", "Z", "N"), whitelist_characters="_.:/=+-@")
HOSTILE_NAMES = ["..", "../photo.jpg", "/etc/passwd", "a/../photo.jpg", "photo.jpg/", "folder", "\0", "é" * 200]


@dataclass
class Known:
    """What the server has or had; grows while the tests run."""

    collections: list[str]
    users: list[str]
    images: list[bytes]
    objects: list[str]
    arn: str
    faces: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)


def requests(shape: StructureShape, known: Known) -> st.SearchStrategy[dict[str, Any]]:
    """Requests of one operation."""
    return _structure(shape, known)


def _structure(shape: StructureShape, known: Known) -> st.SearchStrategy[dict[str, Any]]:
    members = {name: _value(member, known) for name, member in shape.members.items()}
    required = {name: members.pop(name) for name in shape.required_members}
    return st.fixed_dictionaries(required, optional=members)


def _value(shape: Shape, known: Known) -> st.SearchStrategy[Any]:
    low, high = shape.metadata.get("min", 0), shape.metadata.get("max")
    if shape.name in _BY_NAME:
        return _BY_NAME[shape.name](known)
    if isinstance(shape, StructureShape):
        return _structure(shape, known)
    if isinstance(shape, ListShape):
        return st.lists(_value(shape.member, known), min_size=low, max_size=max(low, min(high or MANY, MANY)))
    if isinstance(shape, MapShape):
        key, value = _value(shape.key, known), _value(shape.value, known)
        return st.dictionaries(key, value, min_size=low, max_size=min(high or MANY, MANY))
    if shape.metadata.get("enum"):
        return st.sampled_from(shape.metadata["enum"])
    if shape.type_name == "integer":
        return st.integers(low, high or 2**31 - 1)
    if shape.type_name == "float":
        return st.floats(low, high) | st.sampled_from([low, high])
    if shape.type_name == "string" and "pattern" not in shape.metadata:
        return st.text(min_size=low, max_size=LONG)
    raise NotImplementedError(f"say in this file how a {shape.name} looks")


def _word(signs: str, *, most: int = LONG) -> st.SearchStrategy[str]:
    return st.text(alphabet=signs, min_size=1, max_size=most)


def _known(pick: Callable[[int], Any], otherwise: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.integers(0, 10_000).map(pick) | otherwise


def _one(items: list[str], otherwise: str) -> Callable[[int], str]:
    return lambda number: items[-1 - number % len(items)] if items else otherwise


_NOBODY = "00000000-0000-4000-8000-000000000000"
_BY_NAME: dict[str, Callable[[Known], st.SearchStrategy[Any]]] = {
    "CollectionId": lambda k: _known(_one(k.collections, "a"), _word(WORD)),
    "UserId": lambda k: _known(_one(k.users, "u"), _word(WORD + ":")),
    "ExternalImageId": lambda k: _word(WORD + ":"),
    "ClientRequestToken": lambda k: _word(string.ascii_letters + "-_", most=2),
    "FaceId": lambda k: _known(_one(k.faces, _NOBODY), st.uuids().map(str)),
    "PaginationToken": lambda k: _known(_one(k.tokens, "t"), st.text(max_size=LONG)),
    "ResourceArn": lambda k: st.just(k.arn) | st.text(min_size=20, max_size=LONG) | st.just(k.arn + "-none"),
    "TagKey": lambda k: st.text(TAG, min_size=1, max_size=LONG).filter(lambda key: not key.startswith("aws:")),
    "TagValue": lambda k: st.text(TAG, max_size=LONG),
    "ImageBlob": lambda k: _known(lambda number: k.images[number % len(k.images)], st.binary(min_size=1)),
    "S3Bucket": lambda k: st.sampled_from(["photos", "photos", "..."]) | st.text(WORD, min_size=3, max_size=LONG),
    "S3ObjectName": lambda k: st.sampled_from([*k.objects, *HOSTILE_NAMES]) | st.text(min_size=1),
}


def largest(shape: Shape) -> Any:
    """A value as long, as many and as high as the model allows; of what has no limit, a good deal."""
    high = shape.metadata.get("max")
    if shape.name in _LARGEST:
        return _LARGEST[shape.name]
    if isinstance(shape, StructureShape):
        return {name: largest(member) for name, member in shape.members.items()}
    if isinstance(shape, ListShape):
        if shape.member.name == "FaceId":
            return [f"{i:08x}-0000-4000-8000-000000000000" for i in range(high)]
        return [largest(shape.member)] * (high or 50)
    if isinstance(shape, MapShape):
        return {f"{i:03}{'k' * 125}": largest(shape.value) for i in range(high)}
    if shape.metadata.get("enum"):
        return shape.metadata["enum"][-1]
    if shape.type_name in {"integer", "float"}:
        return high or 2**31 - 1
    return "a" * high


_LARGEST = {"FaceId": _NOBODY, "ImageBlob": b"a" * 5_242_880, "TagKey": "k" * 128}
