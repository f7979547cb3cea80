"""Which function answers which operation, and what it is metered as.

A dictionary, not reflection: `grep '@operation("DetectFaces"'` finds the function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from candid.operations.notes import Notes
from candid.operations.rooms import Rooms

Request = Mapping[str, Any]
Reply = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose call this is.

    Attributes:
        account: the 12 digits that stand in ARNs.
        region: likewise.
        notes: takes what the log shall hold of the call.
    """

    account: str
    region: str
    notes: Notes = field(default_factory=Notes)


class Meter(StrEnum):
    """What a call is counted as; the groups are Amazon's price groups of the image API."""

    IMAGE_GROUP_1 = "image-group-1"
    IMAGE_GROUP_2 = "image-group-2"
    FREE = "free"


Function = Callable[[Caller, Request, Rooms], Reply]


@dataclass(frozen=True, slots=True)
class Operation:
    """One offered operation."""

    name: str
    bills: Meter
    function: Function


_OPERATIONS: dict[str, Operation] = {}


def operation(name: str, *, bills: Meter) -> Callable[[Function], Function]:
    """Register the decorated function as the operation called `name`.

    Raises:
        ValueError: `name` is registered already.
    """

    def register(function: Function) -> Function:
        if name in _OPERATIONS:
            raise ValueError(f"operation {name} is registered twice")
        _OPERATIONS[name] = Operation(name, bills, function)
        return function

    return register


def offered() -> Mapping[str, Operation]:
    """Every registered operation by its name; imports the families so that they are registered."""
    from candid.operations import collections, faces, indexing, searching, tags, users  # noqa: F401

    return dict(_OPERATIONS)
