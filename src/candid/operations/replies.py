"""Facts of `vision` and `gallery` in the words of Amazon's service model.

Boxes and landmarks are fractions of the image's width and height after EXIF orientation.
"""

from __future__ import annotations

from collections.abc import Collection as Some
from typing import Any

from candid.gallery import Face, FaceBox, FaceMatch, User, UserMatch
from candid.operations.attributes import attribute_members
from candid.operations.rooms import Rooms
from candid.vision import Box, DetectedFace, FaceDescription, Image

Reply = dict[str, Any]

# The landmarks of the DEFAULT attributes; the others come with ALL.
# https://docs.aws.amazon.com/rekognition/latest/APIReference/API_FaceDetail.html
DEFAULT_LANDMARKS = ("eyeLeft", "eyeRight", "mouthLeft", "mouthRight", "nose")


def box_ratios(box: Box, image: Image) -> FaceBox:
    """A box in pixels as fractions of the image."""
    return FaceBox(
        left=box.left / image.width,
        top=box.top / image.height,
        width=box.width / image.width,
        height=box.height / image.height,
    )


def bounding_box(box: FaceBox) -> Reply:
    """A `BoundingBox`."""
    return {"Width": box.width, "Height": box.height, "Left": box.left, "Top": box.top}


def landmarks(description: FaceDescription, image: Image, *, all_of_them: bool) -> list[Reply]:
    """`Landmarks`: the five default ones, or all thirty."""
    return [
        {"Type": str(kind), "X": float(x) / image.width, "Y": float(y) / image.height}
        for kind, (x, y) in description.landmarks.items()
        if all_of_them or kind in DEFAULT_LANDMARKS
    ]


def face_detail(
    face: DetectedFace, description: FaceDescription, image: Image, attributes: Some[str] = ()
) -> Reply:
    """A `FaceDetail` with the default members and the requested attributes that Candid measures."""
    everything = "ALL" in attributes
    pose, quality = description.pose, description.quality
    return {
        "BoundingBox": bounding_box(box_ratios(face.box, image)),
        "Confidence": face.confidence,
        "Landmarks": landmarks(description, image, all_of_them=everything),
        "Pose": {"Roll": pose.roll, "Yaw": pose.yaw, "Pitch": pose.pitch},
        "Quality": {"Brightness": quality.brightness, "Sharpness": quality.sharpness},
        **attribute_members(description, attributes),
    }


def compared_face(face: DetectedFace, description: FaceDescription, image: Image) -> Reply:
    """A `ComparedFace`: like a `FaceDetail` with default members."""
    return face_detail(face, description, image)


def face(stored: Face, rooms: Rooms) -> Reply:
    """A `Face` as it is stored."""
    return {
        "FaceId": stored.face_id,
        "BoundingBox": bounding_box(stored.box),
        "ImageId": stored.image_id,
        "ExternalImageId": stored.external_image_id,
        "Confidence": stored.confidence,
        "IndexFacesModelVersion": rooms.models.version(stored.contract),
        "UserId": stored.user_id,
    }


def face_match(match: FaceMatch, rooms: Rooms) -> Reply:
    """A `FaceMatch` with its calibrated similarity."""
    similarity = rooms.models.similarity(match.face.contract, match.score)
    return {"Similarity": similarity, "Face": face(match.face, rooms)}


def user(stored: User) -> Reply:
    """A `User` or `MatchedUser`."""
    return {"UserId": stored.user_id, "UserStatus": str(stored.status)}


def user_match(match: UserMatch, contract: str, rooms: Rooms) -> Reply:
    """A `UserMatch` with its calibrated similarity."""
    return {"Similarity": rooms.models.similarity(contract, match.score), "User": user(match.user)}
