"""Amazon resource names of collections: `arn:aws:rekognition:REGION:ACCOUNT:collection/ID`."""

from __future__ import annotations

import re

from candid.operations.registry import Caller

_COLLECTION = re.compile(
    r"arn:aws(?:-[a-z-]+)?:rekognition:(?P<region>[a-z0-9-]+):(?P<account>[0-9]{12}):"
    r"collection/(?P<id>[a-zA-Z0-9_.\-]{1,255})"
)


class UnknownResource(Exception):
    """An ARN names nothing that this caller has."""


def collection_arn(caller: Caller, collection_id: str) -> str:
    """The ARN of one of the caller's collections."""
    return f"arn:aws:rekognition:{caller.region}:{caller.account}:collection/{collection_id}"


def collection_of_arn(caller: Caller, arn: str) -> str:
    """The collection that an ARN names.

    Raises:
        UnknownResource: it is no collection's ARN, or one of another region or account: the caller learns
            no more than that it has no such resource.
    """
    match = _COLLECTION.fullmatch(arn)
    if match is None or (match["region"], match["account"]) != (caller.region, caller.account):
        raise UnknownResource(f"Resource {arn} does not exist; only collections can be tagged.")
    return match["id"]
