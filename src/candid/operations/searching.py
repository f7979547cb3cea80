"""SearchFaces, SearchFacesByImage, SearchUsers, SearchUsersByImage."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from candid.gallery import FaceNotFound
from candid.operations import replies
from candid.operations.finding import find_faces, largest_face
from candid.operations.registry import Caller, Meter, Reply, Request, operation
from candid.operations.rooms import Rooms

# https://docs.aws.amazon.com/rekognition/latest/APIReference/API_SearchFacesByImage.html
DEFAULT_MATCH_THRESHOLD = 80.0
MOST_FACE_MATCHES = 4096
MOST_USER_MATCHES = 500

# Clients compare this text: awsdocs/amazon-rekognition-developer-guide#31
NO_SUCH_FACE = "faceId was not found in the collection."


class AmbiguousProbe(Exception):
    """A search names no probe, or two."""


@operation("SearchFaces", bills=Meter.IMAGE_GROUP_1)
def search_faces(caller: Caller, request: Request, rooms: Rooms) -> Reply:
    """Faces of a collection like one of its faces, which is itself left out."""
    collection = rooms.gallery.collections.describe(caller.account, request["CollectionId"])
    threshold = _threshold(request, "FaceMatchThreshold")
    with _missing_face_in_amazons_words():
        matches = rooms.gallery.search.faces_like_face(
            caller.account,
            collection.id,
            request["FaceId"],
            k=request.get("MaxFaces") or MOST_FACE_MATCHES,
            min_score=rooms.models.score(collection.contract, threshold),
        )
    reached = _reached(threshold, [replies.face_match(match, rooms) for match in matches])
    _note(caller, collection.id, reached)
    return {
        "SearchedFaceId": request["FaceId"],
        "FaceMatches": reached,
        "FaceModelVersion": rooms.models.version(collection.contract),
    }


@operation("SearchFacesByImage", bills=Meter.IMAGE_GROUP_1)
def search_faces_by_image(caller: Caller, request: Request, rooms: Rooms) -> Reply:
    """Faces of a collection like the largest face of an image."""
    collection = rooms.gallery.collections.describe(caller.account, request["CollectionId"])
    contract = rooms.models.require(collection.contract)
    threshold = _threshold(request, "FaceMatchThreshold")
    image = rooms.image(request["Image"])
    probe = largest_face(rooms, image, request.get("QualityFilter") or "NONE").face
    (matches,) = rooms.gallery.search.faces(
        caller.account,
        collection.id,
        rooms.engine.embed(image, [probe], contract=contract),
        contract=contract,
        k=request.get("MaxFaces") or MOST_FACE_MATCHES,
        min_score=rooms.models.score(contract, threshold),
    )
    reached = _reached(threshold, [replies.face_match(match, rooms) for match in matches])
    _note(caller, collection.id, reached)
    return {
        "SearchedFaceBoundingBox": replies.bounding_box(replies.box_ratios(probe.box, image)),
        "SearchedFaceConfidence": probe.confidence,
        "FaceMatches": reached,
        "FaceModelVersion": rooms.models.version(contract),
    }


@operation("SearchUsers", bills=Meter.IMAGE_GROUP_1)
def search_users(caller: Caller, request: Request, rooms: Rooms) -> Reply:
    """Users of a collection like one of its faces or users; a user that is searched for is left out."""
    face_id, user_id = request.get("FaceId"), request.get("UserId")
    if (face_id is None) == (user_id is None):
        raise AmbiguousProbe("give exactly one of FaceId and UserId")
    collection = rooms.gallery.collections.describe(caller.account, request["CollectionId"])
    k = request.get("MaxUsers") or MOST_USER_MATCHES
    threshold = _threshold(request, "UserMatchThreshold")
    least = rooms.models.score(collection.contract, threshold)
    search = rooms.gallery.search
    if face_id is not None:
        with _missing_face_in_amazons_words():
            matches = search.users_like_face(caller.account, collection.id, face_id, k=k, min_score=least)
        searched: Reply = {"SearchedFace": {"FaceId": face_id}}
    else:
        matches = search.users_like_user(caller.account, collection.id, str(user_id), k=k, min_score=least)
        searched = {"SearchedUser": {"UserId": user_id}}
    reached = _reached(threshold, [replies.user_match(match, collection.contract, rooms) for match in matches])
    _note(caller, collection.id, reached)
    return {
        "UserMatches": reached,
        "FaceModelVersion": rooms.models.version(collection.contract),
        **searched,
    }


@operation("SearchUsersByImage", bills=Meter.IMAGE_GROUP_1)
def search_users_by_image(caller: Caller, request: Request, rooms: Rooms) -> Reply:
    """Users of a collection like the largest face of an image that passes the filter.

    Where there is no such face the reply has no SearchedFace and no matches; the operations that search faces
    and compare them refuse such an image.
    https://docs.aws.amazon.com/rekognition/latest/APIReference/API_SearchUsersByImage.html
    """
    collection = rooms.gallery.collections.describe(caller.account, request["CollectionId"])
    contract = rooms.models.require(collection.contract)
    threshold = _threshold(request, "UserMatchThreshold")
    image = rooms.image(request["Image"])
    found = find_faces(rooms, image, request.get("QualityFilter") or "NONE")
    probe = next((each for each in found if not each.reasons), None)
    reply: Reply = {
        "UserMatches": [],
        "FaceModelVersion": rooms.models.version(contract),
        "UnsearchedFaces": [
            {
                "FaceDetails": replies.face_detail(each.face, each.description, image),
                "Reasons": list(each.reasons) or ["FACE_NOT_LARGEST"],
            }
            for each in found
            if each is not probe
        ],
    }
    if probe is None:
        _note(caller, collection.id, [])
        return reply
    (matches,) = rooms.gallery.search.users(
        caller.account,
        collection.id,
        rooms.engine.embed(image, [probe.face], contract=contract),
        contract=contract,
        k=request.get("MaxUsers") or MOST_USER_MATCHES,
        min_score=rooms.models.score(contract, threshold),
    )
    reached = _reached(threshold, [replies.user_match(match, contract, rooms) for match in matches])
    _note(caller, collection.id, reached)
    return reply | {
        "UserMatches": reached,
        "SearchedFace": {"FaceDetail": replies.face_detail(probe.face, probe.description, image)},
    }


def _note(caller: Caller, collection_id: str, matches: list[Reply]) -> None:
    caller.notes.collection = collection_id
    caller.notes.count(matches=len(matches))


def _threshold(request: Request, member: str) -> float:
    threshold: float | None = request.get(member)
    return DEFAULT_MATCH_THRESHOLD if threshold is None else threshold


def _reached(threshold: float, matches: list[Reply]) -> list[Reply]:
    """The matches whose similarity, as it is told, reaches a threshold with more decimals than are told."""
    return [match for match in matches if match["Similarity"] >= threshold]


@contextmanager
def _missing_face_in_amazons_words() -> Iterator[None]:
    try:
        yield
    except FaceNotFound as error:
        raise FaceNotFound(NO_SUCH_FACE) from error
