"""TagResource, UntagResource, ListTagsForResource: tags of collections."""

from __future__ import annotations

from candid.operations.arns import collection_of_arn
from candid.operations.registry import Caller, Meter, Reply, Request, operation
from candid.operations.rooms import Rooms


@operation("TagResource", bills=Meter.FREE)
def tag_resource(caller: Caller, request: Request, rooms: Rooms) -> Reply:
    """Set tags; a key that is there already gets the new value."""
    collection_id = caller.notes.collection = collection_of_arn(caller, request["ResourceArn"])
    rooms.gallery.tags.put(caller.account, collection_id, request["Tags"])
    return {}


@operation("UntagResource", bills=Meter.FREE)
def untag_resource(caller: Caller, request: Request, rooms: Rooms) -> Reply:
    """Take tags away; keys that are not there are passed over."""
    collection_id = caller.notes.collection = collection_of_arn(caller, request["ResourceArn"])
    rooms.gallery.tags.remove(caller.account, collection_id, request["TagKeys"])
    return {}


@operation("ListTagsForResource", bills=Meter.FREE)
def list_tags_for_resource(caller: Caller, request: Request, rooms: Rooms) -> Reply:
    """All tags of a collection."""
    collection_id = caller.notes.collection = collection_of_arn(caller, request["ResourceArn"])
    return {"Tags": rooms.gallery.tags.get(caller.account, collection_id)}
