"""CreateUser, DeleteUser, ListUsers, AssociateFaces, DisassociateFaces."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from candid.gallery import Association, LimitExceeded, Once, Refusal
from candid.operations import replies
from candid.operations.collections import page_size
from candid.operations.registry import Caller, Meter, Reply, Request, operation
from candid.operations.rooms import Rooms

# https://docs.aws.amazon.com/rekognition/latest/APIReference/API_AssociateFaces.html
DEFAULT_ASSOCIATION_THRESHOLD = 75.0
MOST_USERS = 500


@operation("CreateUser", bills=Meter.FREE)
def create_user(caller: Caller, request: Request, rooms: Rooms) -> Reply:
    """A new user, without faces."""
    caller.notes.collection = request["CollectionId"]
    once = _once("CreateUser", request)
    if rooms.gallery.users.create(caller.account, request["CollectionId"], request["UserId"], once=once):
        caller.notes.stored["users"] += 1
    return {}


@operation("DeleteUser", bills=Meter.FREE)
def delete_user(caller: Caller, request: Request, rooms: Rooms) -> Reply:
    """Delete a user; its faces stay in the collection, without a user."""
    caller.notes.collection = request["CollectionId"]
    once = _once("DeleteUser", request)
    if rooms.gallery.users.delete(caller.account, request["CollectionId"], request["UserId"], once=once):
        caller.notes.stored["users"] -= 1
    return {}


@operation("ListUsers", bills=Meter.FREE)
def list_users(caller: Caller, request: Request, rooms: Rooms) -> Reply:
    """A page of a collection's users."""
    caller.notes.collection = request["CollectionId"]
    page = rooms.gallery.users.list(
        caller.account,
        request["CollectionId"],
        limit=page_size(request, MOST_USERS),
        token=request.get("NextToken"),
    )
    return {"Users": [replies.user(stored) for stored in page.items], "NextToken": page.token}


@operation("AssociateFaces", bills=Meter.FREE)
def associate_faces(caller: Caller, request: Request, rooms: Rooms) -> Reply:
    """Give faces to a user; each must match the faces that the user has already.

    Raises:
        LimitExceeded: the user had all the faces that a user may have. Where the call itself reaches that
            number, the faces over it are reported with the others that were refused.
    """
    collection = rooms.gallery.collections.describe(caller.account, request["CollectionId"])
    caller.notes.collection = collection.id
    threshold = request.get("UserMatchThreshold")
    threshold = DEFAULT_ASSOCIATION_THRESHOLD if threshold is None else threshold
    outcome = rooms.gallery.users.associate(
        caller.account,
        collection.id,
        request["UserId"],
        request["FaceIds"],
        min_score=rooms.models.score(collection.contract, threshold),
        once=_once("AssociateFaces", request),
    )
    if _was_full(outcome):
        raise LimitExceeded("The user has as many faces as a user may have; disassociate some first.")
    caller.notes.count(associated=len(outcome.associated))
    return {
        "AssociatedFaces": [{"FaceId": face_id} for face_id in outcome.associated],
        "UnsuccessfulFaceAssociations": [
            {**_refusal(refusal), "Confidence": _confidence(refusal, collection.contract, rooms)}
            for refusal in outcome.refused
        ],
        "UserStatus": str(outcome.status),
    }


@operation("DisassociateFaces", bills=Meter.FREE)
def disassociate_faces(caller: Caller, request: Request, rooms: Rooms) -> Reply:
    """Take faces from a user; they stay in the collection."""
    caller.notes.collection = request["CollectionId"]
    outcome = rooms.gallery.users.disassociate(
        caller.account,
        request["CollectionId"],
        request["UserId"],
        request["FaceIds"],
        once=_once("DisassociateFaces", request),
    )
    caller.notes.count(disassociated=len(outcome.disassociated))
    return {
        "DisassociatedFaces": [{"FaceId": face_id} for face_id in outcome.disassociated],
        "UnsuccessfulFaceDisassociations": [_refusal(refusal) for refusal in outcome.refused],
        "UserStatus": str(outcome.status),
    }


def _was_full(outcome: Association) -> bool:
    """Whether faces were refused for the limit, the one refusal without a reason, though none was taken."""
    return not outcome.associated and any(not refusal.reasons for refusal in outcome.refused)


def _refusal(refusal: Refusal) -> dict[str, Any]:
    return {
        "FaceId": refusal.face_id,
        "UserId": refusal.user_id,
        "Reasons": [str(reason) for reason in refusal.reasons],
    }


def _confidence(refusal: Refusal, contract: str, rooms: Rooms) -> float | None:
    return None if refusal.score is None else rooms.models.similarity(contract, refusal.score)


def _once(name: str, request: Request) -> Once | None:
    """The idempotency of a ClientRequestToken: all other parameters, digested in canonical form."""
    token = request.get("ClientRequestToken")
    if token is None:
        return None
    rest = {key: value for key, value in request.items() if key != "ClientRequestToken"}
    digest = hashlib.sha256(orjson.dumps(rest, option=orjson.OPT_SORT_KEYS)).digest()
    return Once(operation=name, token=token, digest=digest)
