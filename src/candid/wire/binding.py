"""Operations, bound to the rooms that they enter, as the handlers that the application calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from candid.operations.notes import Notes
from candid.operations.registry import Caller, Operation
from candid.operations.rooms import Rooms
from candid.wire.calls import Handler


def bind(operations: Mapping[str, Operation], *, rooms: Rooms, region: str) -> dict[str, Handler]:
    """A handler for each operation.

    Args:
        operations: by name, from `candid.operations.registry.offered`.
        rooms: what each is handed.
        region: what stands in ARNs.
    """

    def handler(operation: Operation) -> Handler:
        def handle(account: str, request: Mapping[str, Any], notes: Notes) -> Mapping[str, Any]:
            return operation.function(Caller(account, region, notes), request, rooms)

        return handle

    return {name: handler(operation) for name, operation in operations.items()}
