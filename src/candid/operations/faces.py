"""DetectFaces and CompareFaces."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from candid.operations import replies
from candid.operations.finding import NoFaceInImage, find_faces, largest_face
from candid.operations.registry import Caller, Meter, Reply, Request, operation
from candid.operations.rooms import Rooms

# https://docs.aws.amazon.com/rekognition/latest/APIReference/API_CompareFaces.html
DEFAULT_SIMILARITY_THRESHOLD = 80.0


@operation("DetectFaces", bills=Meter.IMAGE_GROUP_2)
def detect_faces(caller: Caller, request: Request, rooms: Rooms) -> Reply:
    """The (at most 100 largest) faces of an image and what can be told of them."""
    wanted = request.get("Attributes") or ["DEFAULT"]
    image = rooms.image(request["Image"])
    faces = find_faces(rooms, image, "NONE", wanted=wanted)
    caller.notes.count(found=len(faces))
    return {"FaceDetails": [replies.face_detail(found.face, found.description, image, wanted) for found in faces]}


@operation("CompareFaces", bills=Meter.IMAGE_GROUP_1)
def compare_faces(caller: Caller, request: Request, rooms: Rooms) -> Reply:
    """The largest face of the source against the (at most 100 largest) faces of the target."""
    threshold = request.get("SimilarityThreshold")
    threshold = DEFAULT_SIMILARITY_THRESHOLD if threshold is None else threshold
    level = request.get("QualityFilter") or "NONE"
    contract = rooms.models.default.id

    searched, probe = _source(rooms, request["SourceImage"], level, contract)
    target_image = rooms.image(request["TargetImage"])
    targets = [found for found in find_faces(rooms, target_image, level) if not found.reasons]
    if not targets:
        raise NoFaceInImage

    embeddings = rooms.engine.embed(target_image, [found.face for found in targets], contract=contract)
    matches: list[Reply] = []
    unmatched: list[Reply] = []
    for found, score in zip(targets, embeddings @ probe, strict=True):
        similarity = rooms.models.similarity(contract, float(score))
        compared = replies.compared_face(found.face, found.description, target_image)
        if similarity >= threshold:
            matches.append({"Similarity": similarity, "Face": compared})
        else:
            unmatched.append(compared)
    caller.notes.count(compared=len(targets), matches=len(matches))
    matches.sort(key=lambda match: match["Similarity"], reverse=True)
    return {
        "SourceImageFace": searched,
        "FaceMatches": matches,
        "UnmatchedFaces": unmatched,
    }


def _source(rooms: Rooms, member: object, level: str, contract: str) -> tuple[Reply, NDArray[np.float32]]:
    """The largest face of the source as the reply shows it, and its embedding.

    The image is let go before the target is decoded: no call holds room for pixels while it waits for more.
    """
    image = rooms.image(member)
    face = largest_face(rooms, image, level).face
    shown = {
        "BoundingBox": replies.bounding_box(replies.box_ratios(face.box, image)),
        "Confidence": face.confidence,
    }
    return shown, rooms.engine.embed(image, [face], contract=contract)[0]
