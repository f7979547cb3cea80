"""IndexFaces: enrol the faces of an image in a collection."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

from candid.gallery import NewFace
from candid.operations import replies
from candid.operations.finding import MOST_FACES, FoundFace, find_faces
from candid.operations.registry import Caller, Meter, Reply, Request, operation
from candid.operations.rooms import Rooms
from candid.vision import Image

# Faces that are looked at so that those past the 100 largest can be reported as unindexed.
LOOKED_AT = 500


@operation("IndexFaces", bills=Meter.IMAGE_GROUP_1)
def index_faces(caller: Caller, request: Request, rooms: Rooms) -> Reply:
    """Enrol the largest faces that pass the filter; report the others with the reasons."""
    collection = rooms.gallery.collections.describe(caller.account, request["CollectionId"])
    contract = rooms.models.require(collection.contract)
    wanted = request.get("DetectionAttributes") or ["DEFAULT"]
    level = request.get("QualityFilter") or "AUTO"
    name = request.get("ExternalImageId")
    data = rooms.read(request["Image"])
    # Amazon stores a face of the same image under the same name in the same collection once.
    # https://docs.aws.amazon.com/rekognition/latest/APIReference/API_IndexFaces.html
    digest = None if name is None else hashlib.sha256(data).digest()
    image = rooms.decode(data)

    found = find_faces(rooms, image, level, wanted=wanted, most=LOOKED_AT)
    room = min(request.get("MaxFaces") or MOST_FACES, MOST_FACES)
    indexed, unindexed = _divide(found, room)

    embeddings = rooms.engine.embed(image, [each.face for each in indexed], contract=contract)
    image_id = str(uuid.uuid4())
    crops = rooms.engine.crops(image, [each.face for each in indexed]) if rooms.keep_crops else None
    new = [
        NewFace(
            embedding=embedding,
            box=replies.box_ratios(each.face.box, image),
            confidence=each.face.confidence,
            image_id=image_id,
            external_image_id=name,
            crop=None if crops is None else crops[i],
            image_digest=digest,
        )
        for i, (each, embedding) in enumerate(zip(indexed, embeddings, strict=True))
    ]
    stored = rooms.gallery.faces.add(caller.account, collection.id, new, contract=contract) if new else []
    caller.notes.collection = collection.id
    caller.notes.count(found=len(found), unindexed=len(unindexed))
    caller.notes.enrol(face.face_id for face in stored if face.image_id == image_id)  # others were there already
    return {
        "FaceRecords": [
            {"Face": replies.face(face, rooms), "FaceDetail": _detail(each, image, wanted)}
            for face, each in zip(stored, indexed, strict=True)
        ],
        "FaceModelVersion": rooms.models.version(contract),
        "UnindexedFaces": [
            {"Reasons": list(reasons), "FaceDetail": _detail(each, image, wanted)}
            for each, reasons in unindexed
        ],
    }


def _divide(
    found: list[FoundFace], room: int
) -> tuple[list[FoundFace], list[tuple[FoundFace, tuple[str, ...]]]]:
    """Who is enrolled (largest first, at most `room`), and who is not and why."""
    indexed: list[FoundFace] = []
    unindexed: list[tuple[FoundFace, tuple[str, ...]]] = []
    for each in found:
        if each.reasons:
            unindexed.append((each, each.reasons))
        elif len(indexed) < room:
            indexed.append(each)
        else:
            unindexed.append((each, ("EXCEEDS_MAX_FACES",)))
    return indexed, unindexed


def _detail(each: FoundFace, image: Image, wanted: list[str]) -> dict[str, Any]:
    return replies.face_detail(each.face, each.description, image, wanted)
