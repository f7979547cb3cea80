"""CreateCollection, DescribeCollection, ListCollections, DeleteCollection, ListFaces, DeleteFaces."""

from __future__ import annotations

from candid.operations import replies
from candid.operations.arns import collection_arn
from candid.operations.registry import Caller, Meter, Reply, Request, operation
from candid.operations.rooms import Rooms

# Pages hold this many items where the request does not say; 4096 is the model's most.
PAGE = 1000
MOST = 4096


@operation("CreateCollection", bills=Meter.FREE)
def create_collection(caller: Caller, request: Request, rooms: Rooms) -> Reply:
    """A new collection for the faces of the default embedder; a collection keeps its version for life."""
    contract = rooms.models.default
    caller.notes.collection = request["CollectionId"]
    collection = rooms.gallery.collections.create(
        caller.account,
        request["CollectionId"],
        contract=contract.id,
        dimension=contract.dim,
        tags=request.get("Tags") or {},
    )
    return {
        "StatusCode": 200,
        "CollectionArn": collection_arn(caller, collection.id),
        "FaceModelVersion": rooms.models.version(collection.contract),
    }


@operation("DescribeCollection", bills=Meter.FREE)
def describe_collection(caller: Caller, request: Request, rooms: Rooms) -> Reply:
    """Counts, version and age of one collection."""
    collection = rooms.gallery.collections.describe(caller.account, request["CollectionId"])
    caller.notes.collection = collection.id
    return {
        "FaceCount": collection.faces,
        "FaceModelVersion": rooms.models.version(collection.contract),
        "CollectionARN": collection_arn(caller, collection.id),
        "CreationTimestamp": round(collection.created_at, 3),  # milliseconds, as Amazon tells it
        "UserCount": collection.users,
    }


@operation("ListCollections", bills=Meter.FREE)
def list_collections(caller: Caller, request: Request, rooms: Rooms) -> Reply:
    """A page of the caller's collections."""
    page = rooms.gallery.collections.list(
        caller.account, limit=page_size(request), token=request.get("NextToken")
    )
    return {
        "CollectionIds": [collection.id for collection in page.items],
        "FaceModelVersions": [rooms.models.version(collection.contract) for collection in page.items],
        "NextToken": page.token,
    }


@operation("DeleteCollection", bills=Meter.FREE)
def delete_collection(caller: Caller, request: Request, rooms: Rooms) -> Reply:
    """Delete a collection with all its faces and users."""
    gone = rooms.gallery.collections.delete(caller.account, request["CollectionId"])
    caller.notes.collection = request["CollectionId"]
    caller.notes.count(faces=gone.faces, users=gone.users)
    caller.notes.stored.update(faces=-gone.faces, users=-gone.users)
    return {"StatusCode": 200}


@operation("ListFaces", bills=Meter.FREE)
def list_faces(caller: Caller, request: Request, rooms: Rooms) -> Reply:
    """A page of a collection's faces, all or those of one user or with given ids."""
    collection = rooms.gallery.collections.describe(caller.account, request["CollectionId"])
    page = rooms.gallery.faces.list(
        caller.account,
        collection.id,
        limit=page_size(request),
        token=request.get("NextToken"),
        user_id=request.get("UserId"),
        face_ids=request.get("FaceIds"),
    )
    caller.notes.collection = collection.id
    caller.notes.count(listed=len(page.items))
    return {
        "Faces": [replies.face(stored, rooms) for stored in page.items],
        "FaceModelVersion": rooms.models.version(collection.contract),
        "NextToken": page.token,
    }


@operation("DeleteFaces", bills=Meter.FREE)
def delete_faces(caller: Caller, request: Request, rooms: Rooms) -> Reply:
    """Delete faces; those that belong to a user, or are not there, are reported and stay."""
    outcome = rooms.gallery.faces.delete(caller.account, request["CollectionId"], request["FaceIds"])
    caller.notes.collection = request["CollectionId"]
    caller.notes.erase(outcome.deleted)
    return {
        "DeletedFaces": list(outcome.deleted),
        "UnsuccessfulFaceDeletions": [
            {
                "FaceId": refusal.face_id,
                "UserId": refusal.user_id,
                "Reasons": [str(reason) for reason in refusal.reasons],
            }
            for refusal in outcome.refused
        ],
    }


def page_size(request: Request, most: int = MOST) -> int:
    """`MaxResults`; 0, which the model allows, means the default."""
    return min(request.get("MaxResults") or min(PAGE, most), most)
