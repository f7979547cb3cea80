"""What Amazon's reference pages say of the operations beyond the shapes, with faces drawn as vectors.

Each test names the page: https://docs.aws.amazon.com/rekognition/latest/APIReference/API_<Operation>.html
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from botocore.exceptions import ClientError
from tests.operations.inprocess import ACCOUNT, REGION, InProcess

from candid.operations.finding import FoundFace
from candid.operations.indexing import _divide
from candid.vision import Attributes, Box, DetectedFace, FaceDescription, Pose, Quality

NOBODY = "00000000-0000-4000-8000-000000000000"


def refusal(call: Any, **members: Any) -> tuple[str, str]:
    """The name and text of the error that a call must end with."""
    with pytest.raises(ClientError) as caught:
        call(**members)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.fixture
def client(inside: InProcess) -> Any:
    return inside.client


@pytest.fixture
def empty(client: Any) -> Iterator[str]:
    name = f"semantics-{uuid.uuid4()}"
    client.create_collection(CollectionId=name)
    yield name
    client.delete_collection(CollectionId=name)


def people(inside: InProcess, count: int, *, like: float = 0.0) -> np.ndarray:
    """Directions, each with the cosine `like` to the first axis, and nearly none to each other otherwise."""
    size = inside.rooms.models.default.dim
    drawn = np.random.default_rng(count).standard_normal((count, size))
    drawn[:, 0] = 0
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    drawn *= np.sqrt(1 - like**2)
    drawn[:, 0] = like
    return drawn.astype(np.float32)


def test_a_user_has_at_most_100_faces(inside: InProcess, client: Any, empty: str) -> None:
    """AssociateFaces: the faces over the limit are reported; a call to a full user is refused."""
    faces = inside.enrol(empty, people(inside, 103, like=0.999))
    user = {"CollectionId": empty, "UserId": "u"}
    client.create_user(**user)
    client.associate_faces(**user, FaceIds=faces[:99])
    reply = client.associate_faces(**user, FaceIds=faces[99:102])
    assert reply["AssociatedFaces"] == [{"FaceId": faces[99]}]
    assert reply["UnsuccessfulFaceAssociations"] == [
        {"FaceId": face, "Reasons": []} for face in faces[100:102]
    ]
    token = {"ClientRequestToken": "full"}
    for _ in range(2):  # the second is answered from the token
        name, text = refusal(client.associate_faces, **user, **token, FaceIds=[faces[102]])
        assert name == "ServiceQuotaExceededException"
        assert "disassociate some first" in text
    again = client.associate_faces(**user, FaceIds=[faces[0], NOBODY])
    assert again["AssociatedFaces"] == []
    assert [each["Reasons"] for each in again["UnsuccessfulFaceAssociations"]] == [["FACE_NOT_FOUND"]]
    assert len(client.list_faces(**user)["Faces"]) == 100


def test_an_unknown_face_is_an_invalid_parameter_in_amazons_words(client: Any, empty: str) -> None:
    """SearchFaces, SearchUsers."""
    expected = ("InvalidParameterException", "faceId was not found in the collection.")
    assert refusal(client.search_faces, CollectionId=empty, FaceId=NOBODY) == expected
    assert refusal(client.search_users, CollectionId=empty, FaceId=NOBODY) == expected


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("delete_user", {}),
        ("associate_faces", {"FaceIds": [NOBODY]}),
        ("disassociate_faces", {"FaceIds": [NOBODY]}),
        ("search_users", {}),
        ("list_faces", {}),
    ],
)
def test_an_unknown_user_is_not_found(client: Any, empty: str, operation: str, members: Any) -> None:
    call = getattr(client, operation)
    name, _ = refusal(call, CollectionId=empty, UserId="nobody", **members)
    assert name == "ResourceNotFoundException"


@pytest.mark.parametrize("probe", [{}, {"FaceId": NOBODY, "UserId": "u"}])
def test_users_are_searched_by_a_face_or_a_user(client: Any, empty: str, probe: Any) -> None:
    """SearchUsers: either FaceId or UserId."""
    name, _ = refusal(client.search_users, CollectionId=empty, **probe)
    assert name == "InvalidParameterException"


def test_a_deleted_user_leaves_its_faces(inside: InProcess, client: Any, empty: str) -> None:
    """DeleteUser: its faces are disassociated before; DeleteFaces then takes them."""
    faces = inside.enrol(empty, people(inside, 2, like=0.9))
    user = {"CollectionId": empty, "UserId": "u"}
    client.create_user(**user)
    client.associate_faces(**user, FaceIds=faces)
    refused = client.delete_faces(CollectionId=empty, FaceIds=faces)
    assert refused["DeletedFaces"] == []
    assert refused["UnsuccessfulFaceDeletions"] == [
        {"FaceId": face, "UserId": "u", "Reasons": ["ASSOCIATED_TO_AN_EXISTING_USER"]} for face in faces
    ]
    client.delete_user(**user)
    assert client.search_users(CollectionId=empty, FaceId=faces[0], UserMatchThreshold=0)["UserMatches"] == []
    assert client.delete_faces(CollectionId=empty, FaceIds=faces)["DeletedFaces"] == faces


def test_association_and_its_undoing_pass_over_what_is_done(
    inside: InProcess, client: Any, empty: str
) -> None:
    """AssociateFaces, DisassociateFaces: what is so already is ignored; others' and unknown faces are reported."""
    mine, other, free = inside.enrol(empty, people(inside, 3, like=0.9))
    for user, face in (("u", mine), ("v", other)):
        client.create_user(CollectionId=empty, UserId=user)
        client.associate_faces(CollectionId=empty, UserId=user, FaceIds=[face])
    user, all_of_them = {"CollectionId": empty, "UserId": "u"}, [mine, other, NOBODY]
    elsewhere = {"FaceId": other, "UserId": "v", "Reasons": ["ASSOCIATED_TO_A_DIFFERENT_USER"]}
    unknown = {"FaceId": NOBODY, "Reasons": ["FACE_NOT_FOUND"]}
    reply = client.associate_faces(**user, FaceIds=all_of_them)
    assert reply["AssociatedFaces"] == []
    assert reply["UnsuccessfulFaceAssociations"] == [elsewhere, unknown]
    reply = client.disassociate_faces(**user, FaceIds=[*all_of_them, free])
    assert reply["DisassociatedFaces"] == [{"FaceId": mine}]
    assert reply["UnsuccessfulFaceDisassociations"] == [elsewhere, unknown]
    assert reply["UserStatus"] == "CREATED"


def test_a_face_unlike_its_user_is_refused_with_its_confidence(
    inside: InProcess, client: Any, empty: str
) -> None:
    """AssociateFaces: UserMatchThreshold, 75 where it is not given; the user's first face has nothing to match."""
    same, stranger = inside.enrol(empty, people(inside, 2))
    user = {"CollectionId": empty, "UserId": "u"}
    client.create_user(**user)
    reply = client.associate_faces(**user, FaceIds=[same, stranger])
    assert reply["AssociatedFaces"] == [{"FaceId": same}]
    (refused,) = reply["UnsuccessfulFaceAssociations"]
    assert refused["Reasons"] == ["LOW_MATCH_CONFIDENCE"]
    assert 0 <= refused["Confidence"] < 75
    told = {"UserMatchThreshold": refused["Confidence"]}
    assert client.associate_faces(**user, **told, FaceIds=[stranger])["AssociatedFaces"] == [
        {"FaceId": stranger}
    ]


def test_matches_are_the_best_first_and_the_default_threshold_is_80(
    inside: InProcess, client: Any, empty: str
) -> None:
    """SearchFaces: MaxFaces keeps the best; equal ones come as they were enrolled; the probe is left out."""
    likeness = (0.3, 0.9, 0.7, 0.9, 0.5)
    vectors = [np.eye(1, inside.rooms.models.default.dim, dtype=np.float32)[0]]
    vectors += [people(inside, 1, like=like)[0] for like in likeness]
    probe, *faces = inside.enrol(empty, vectors)

    def search(**members: Any) -> list[tuple[str, float]]:
        reply = client.search_faces(CollectionId=empty, FaceId=probe, **members)
        return [(match["Face"]["FaceId"], match["Similarity"]) for match in reply["FaceMatches"]]

    order = [faces[i] for i in (1, 3, 2, 4, 0)]
    everyone = search(FaceMatchThreshold=0)
    assert [face for face, _ in everyone] == order
    assert search(FaceMatchThreshold=0, MaxFaces=3) == everyone[:3]
    assert search() == [each for each in everyone if each[1] >= 80]
    for _, told in everyone:  # a similarity that was told is a threshold that is reached
        assert search(FaceMatchThreshold=told) == [each for each in everyone if each[1] >= told]


def test_a_page_token_goes_with_any_page_size_but_not_with_another_listing(
    inside: InProcess, client: Any, empty: str
) -> None:
    """ListFaces."""
    faces = inside.enrol(empty, people(inside, 7))
    first = client.list_faces(CollectionId=empty, MaxResults=2)
    token = {"NextToken": first["NextToken"]}
    rest = client.list_faces(CollectionId=empty, MaxResults=4096, **token)
    assert [face["FaceId"] for face in (*first["Faces"], *rest["Faces"])] == faces
    assert "NextToken" not in rest
    garbled = ("InvalidPaginationTokenException", "Invalid Pagination Token")
    assert refusal(client.list_users, CollectionId=empty, **token) == garbled
    assert refusal(client.list_collections, **token) == garbled
    assert refusal(client.list_faces, CollectionId=empty, FaceIds=faces, **token) == garbled
    assert client.list_faces(CollectionId=empty, MaxResults=0)["Faces"] == [
        *first["Faces"],
        *rest["Faces"],
    ]


def test_as_many_face_ids_as_the_model_allows(inside: InProcess, client: Any, empty: str) -> None:
    """ListFaces, DeleteFaces: 4,096 ids; one more is too many; an id may be given twice."""
    faces = inside.enrol(empty, people(inside, 4096))
    listed = client.list_faces(CollectionId=empty, FaceIds=faces[::-1], MaxResults=4096)["Faces"]
    assert [face["FaceId"] for face in listed] == faces
    pages = [4096, 1, 1000]
    for size in pages:
        page = client.list_faces(CollectionId=empty, FaceIds=faces, MaxResults=size)
        assert len(page["Faces"]) == size
        assert ("NextToken" in page) is (size < 4096)
    for call in (client.list_faces, client.delete_faces):
        name, _ = refusal(call, CollectionId=empty, FaceIds=[*faces, NOBODY])
        assert name == "InvalidParameterException"
    twice = client.delete_faces(CollectionId=empty, FaceIds=[faces[0]] * 4096)
    assert (twice["DeletedFaces"], twice["UnsuccessfulFaceDeletions"]) == ([faces[0]], [])
    assert client.delete_faces(CollectionId=empty, FaceIds=faces)["DeletedFaces"] == faces[1:]


def test_a_collection_of_a_model_that_is_not_served(inside: InProcess, client: Any) -> None:
    """What needs the model is refused and says so; the rest works."""
    name, contract = f"old-{uuid.uuid4()}", "mobilefacenet-0.9-000000000000-p1-192"
    inside.rooms.gallery.collections.create(ACCOUNT, name, contract=contract, dimension=192)
    assert client.describe_collection(CollectionId=name)["FaceModelVersion"] == "0.9"
    client.create_user(CollectionId=name, UserId="u")
    image = {"Bytes": b"never looked at"}
    for call, members in (
        (client.index_faces, {"Image": image}),
        (client.search_faces_by_image, {"Image": image}),
        (client.search_users_by_image, {"Image": image}),
        (client.search_faces, {"FaceId": NOBODY}),
        (client.search_users, {"UserId": "u"}),
        (client.associate_faces, {"UserId": "u", "FaceIds": [NOBODY]}),
    ):
        error, text = refusal(call, CollectionId=name, **members)
        assert error == "InvalidParameterException"
        assert "face model version 0.9" in text
    assert client.list_faces(CollectionId=name)["Faces"] == []
    client.delete_collection(CollectionId=name)


def test_tags_are_of_the_collection(client: Any) -> None:
    """CreateCollection, TagResource: 200 tags; keys that begin with aws: are Amazon's."""
    name = f"tags-{uuid.uuid4()}"
    many = {f"k{i}": "ä /=+-@:._9" for i in range(200)}
    arn = client.create_collection(CollectionId=name, Tags=many)["CollectionArn"]
    assert arn == f"arn:aws:rekognition:{REGION}:{ACCOUNT}:collection/{name}"
    assert client.list_tags_for_resource(ResourceArn=arn)["Tags"] == many
    over, _ = refusal(client.tag_resource, ResourceArn=arn, Tags={"one": "more"})
    assert over == "ServiceQuotaExceededException"
    client.tag_resource(ResourceArn=arn, Tags={"k0": ""})
    for tags in ({"aws:x": "y"}, {"x": "*"}, {"x" * 129: ""}, {"x": "y" * 257}):
        error, _ = refusal(client.tag_resource, ResourceArn=arn, Tags=tags)
        assert error == "InvalidParameterException"
    client.untag_resource(ResourceArn=arn, TagKeys=list(many))
    client.delete_collection(CollectionId=name)
    client.create_collection(CollectionId=name)
    assert client.list_tags_for_resource(ResourceArn=arn)["Tags"] == {}
    client.delete_collection(CollectionId=name)
    gone, _ = refusal(client.list_tags_for_resource, ResourceArn=arn)
    assert gone == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("search_faces", {"FaceId": NOBODY.replace("0", "A")}),
        ("search_faces", {"FaceId": NOBODY, "MaxFaces": 4097}),
        ("search_faces", {"FaceId": NOBODY, "FaceMatchThreshold": 100.5}),
        ("search_users", {"UserId": "u", "MaxUsers": 501}),
        ("list_users", {"MaxResults": 501}),
        ("list_faces", {"MaxResults": 4097}),
        ("create_user", {"UserId": "a b"}),
        ("create_user", {"UserId": "u", "ClientRequestToken": "x" * 65}),
        ("associate_faces", {"UserId": "u", "FaceIds": [NOBODY] * 101}),
        ("index_faces", {"Image": {"Bytes": b"x"}, "ExternalImageId": "a/b"}),
    ],
)
def test_past_the_limits_of_the_model(client: Any, empty: str, operation: str, members: Any) -> None:
    name, text = refusal(getattr(client, operation), CollectionId=empty, **members)
    assert name == "InvalidParameterException"
    assert "failed to satisfy constraint" in text


def test_a_request_token_stands_for_one_request(client: Any, empty: str) -> None:
    """CreateUser, DeleteUser: the same token, the same answer; tokens of other operations are other tokens."""
    user, token = {"CollectionId": empty, "UserId": "u"}, {"ClientRequestToken": "t-1_"}
    for _ in range(2):
        client.create_user(**user, **token)
    for _ in range(2):
        client.delete_user(**user, **token)
    assert client.list_users(CollectionId=empty)["Users"] == []
    client.create_user(**user, **token)  # it was done under this token
    assert client.list_users(CollectionId=empty)["Users"] == []
    name, _ = refusal(client.create_user, CollectionId=empty, UserId="v", **token)
    assert name == "IdempotentParameterMismatchException"


def test_poor_faces_are_sorted_out_before_the_smallest() -> None:
    """IndexFaces: MaxFaces counts the faces that pass the filter, largest first; the rest is reported."""

    def found(side: float, *reasons: str) -> FoundFace:
        points, mesh = np.zeros((5, 2), np.float32), np.zeros((468, 3), np.float32)
        face = DetectedFace(box=Box(0, 0, side, side), confidence=99, points=points, mesh=mesh)
        description = FaceDescription(
            landmarks={},
            pose=Pose(roll=0, yaw=0, pitch=0),
            quality=Quality(brightness=50, sharpness=50),
            attributes=Attributes(),
        )
        return FoundFace(face, description, reasons)

    largest_first = [found(9), found(8, "LOW_SHARPNESS"), found(7), found(6), found(5, "EXTREME_POSE")]
    indexed, rest = _divide(largest_first, 2)
    assert [each.face.box.width for each in indexed] == [9, 7]
    assert [(each.face.box.width, why) for each, why in rest] == [
        (8, ("LOW_SHARPNESS",)),
        (6, ("EXCEEDS_MAX_FACES",)),
        (5, ("EXTREME_POSE",)),
    ]
