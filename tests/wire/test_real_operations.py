"""The real operations, rooms and models behind the application: replies fit the model, bad images are no 500."""

from __future__ import annotations

import base64
import json

import cv2
import numpy as np
import pytest
import skimage.data
from botocore.loaders import create_loader
from botocore.model import ServiceModel as BotoModel
from botocore.parsers import create_parser
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from candid.config import Config
from candid.operations.images import BucketFolders, ImageSource
from candid.operations.registry import offered
from candid.operations.rooms import Rooms
from candid.server.application import face_models, open_application
from candid.server.data_folder import create_data_folder
from candid.server.secrets import create_secrets
from candid.vision import ImageLimits, PixelRoom
from candid.wire.binding import bind
from candid.wire.errors import to_refusal

ARN = "arn:aws:rekognition:us-east-1:123456789012:collection/staff"
NOBODY = "00000000-0000-4000-8000-000000000000"


def encode(pixels, kind=".jpg"):
    return cv2.imencode(kind, pixels)[1].tobytes()


def inline(image: bytes):
    return {"Bytes": base64.b64encode(image).decode()}


ASTRONAUT = encode(skimage.data.astronaut()[:, :, ::-1])
EMPTY = encode(np.zeros((120, 120, 3), np.uint8))


@pytest.fixture(scope="module")
def real_app(make_app, tmp_path_factory):
    """All offered operations; a reply that does not fit the model is a 500."""
    base = tmp_path_factory.mktemp("real")
    config = Config(key_file=str(base / "keys" / "master.key"))
    folder = create_data_folder(base / "data", config)
    with open_application(folder, create_secrets(folder), config) as application:
        rooms = Rooms(
            engine=application.engine,
            gallery=application.gallery,
            images=ImageSource(BucketFolders(folder.buckets)),
            models=face_models(application.engine),
            limits=ImageLimits(),
            pixels=PixelRoom(200_000_000),
        )
        handlers = bind(offered(), rooms=rooms, region="us-east-1")
        yield make_app(handlers=handlers, to_refusal=to_refusal, strict_replies=True)


@pytest.fixture(scope="module")
def call(real_app, ask, wire):
    """(operation, request) → reply as botocore reads it, or the error's name."""
    boto = BotoModel(create_loader().load_service_model("rekognition", "service-2"))
    called = set()

    def run(operation, request):
        called.add(operation)
        reply = ask(wire.signed(operation, request), real_app)
        if reply.status != 200:
            assert reply.status == 400, reply.json
            return reply.error
        answer = {"status_code": 200, "headers": {}, "body": reply.body}
        read = create_parser("json").parse(answer, boto.operation_model(operation).output_shape)
        sent = json.loads(reply.body)
        assert set(sent) == set(read) - {"ResponseMetadata"}
        return read

    run.called = called
    return run


def test_every_offered_operation_answers_by_the_model(call):
    staff, photo = {"CollectionId": "staff"}, {"Image": inline(ASTRONAUT)}
    user = staff | {"UserId": "user-1"}
    assert call("CreateCollection", staff | {"Tags": {"team": "a"}})["CollectionArn"] == ARN
    assert call("ListCollections", {"MaxResults": 1})["CollectionIds"] == ["staff"]
    assert call("ListTagsForResource", {"ResourceArn": ARN})["Tags"] == {"team": "a"}
    call("TagResource", {"ResourceArn": ARN, "Tags": {"x": "y"}})
    call("UntagResource", {"ResourceArn": ARN, "TagKeys": ["x"]})
    indexed = call("IndexFaces", staff | photo | {"ExternalImageId": "a:1", "DetectionAttributes": ["ALL"]})
    face = indexed["FaceRecords"][0]["Face"]["FaceId"]
    call("IndexFaces", staff | photo | {"MaxFaces": 1, "QualityFilter": "HIGH"})
    assert call("IndexFaces", staff | {"Image": inline(EMPTY)})["FaceRecords"] == []
    assert len(call("ListFaces", staff | {"MaxResults": 1})["Faces"]) == 1
    call("CreateUser", user | {"ClientRequestToken": "token-1"})
    call("CreateUser", user | {"ClientRequestToken": "token-1"})
    assert call("CreateUser", user | {"ClientRequestToken": "token-2"}) == "ConflictException"
    call("AssociateFaces", user | {"FaceIds": [face, NOBODY]})
    call("ListUsers", staff)
    call("SearchFaces", staff | {"FaceId": face})
    call("SearchUsers", staff | {"UserId": "user-1"})
    call("SearchUsers", staff | {"FaceId": face})
    call("SearchUsersByImage", staff | photo)
    assert call("SearchFacesByImage", staff | photo)["FaceMatches"][0]["Similarity"] > 99
    assert len(call("DetectFaces", photo | {"Attributes": ["ALL"]})["FaceDetails"]) == 1
    assert len(
        call("CompareFaces", {"SourceImage": inline(ASTRONAUT), "TargetImage": inline(ASTRONAUT)})["FaceMatches"]
    )
    call("DisassociateFaces", user | {"FaceIds": [face, NOBODY]})
    call("DeleteFaces", staff | {"FaceIds": [face, NOBODY]})
    call("DeleteUser", user)
    assert call("DescribeCollection", staff)["FaceCount"] >= 0
    call("DeleteCollection", staff)
    assert call.called == set(offered()), "one of the offered operations was not called"


@pytest.mark.parametrize(
    ("operation", "request_", "error"),
    [
        ("DescribeCollection", {"CollectionId": "none"}, "ResourceNotFoundException"),
        ("DeleteCollection", {"CollectionId": "none"}, "ResourceNotFoundException"),
        ("ListFaces", {"CollectionId": "none"}, "ResourceNotFoundException"),
        ("SearchFaces", {"CollectionId": "none", "FaceId": NOBODY}, "ResourceNotFoundException"),
        ("SearchFacesByImage", {"CollectionId": "none", "Image": inline(ASTRONAUT)}, "ResourceNotFoundException"),
        ("ListCollections", {"NextToken": "garbled"}, "InvalidPaginationTokenException"),
        ("ListTagsForResource", {"ResourceArn": ARN + "-none"}, "ResourceNotFoundException"),
        ("ListTagsForResource", {"ResourceArn": "arn:aws:s3:::bucket-name"}, "ResourceNotFoundException"),
        ("DetectFaces", {"Image": {}}, "InvalidParameterException"),
        ("DetectFaces", {"Image": inline(b"no image")}, "InvalidImageFormatException"),
        ("DetectFaces", {"Image": inline(b"GIF89a" + bytes(99))}, "InvalidImageFormatException"),
        ("DetectFaces", {"Image": inline(ASTRONAUT[:2000])}, "InvalidImageFormatException"),
        ("DetectFaces", {"Image": {"S3Object": {"Bucket": "none", "Name": "a.jpg"}}}, "InvalidS3ObjectException"),
        ("DetectFaces", {"Image": {"S3Object": {"Bucket": "../..", "Name": "etc"}}}, "InvalidParameterException"),
        ("CompareFaces", {"SourceImage": inline(EMPTY), "TargetImage": inline(EMPTY)}, "InvalidParameterException"),
    ],
)
def test_what_the_operations_refuse(call, operation, request_, error):
    assert call(operation, request_) == error


PNG = encode(skimage.data.astronaut()[:96, :96, ::-1], ".png")
JPEG = encode(skimage.data.astronaut()[:96, :96, ::-1])
WEBP = encode(skimage.data.astronaut()[:96, :96, ::-1], ".webp")


@pytest.mark.slow
@settings(max_examples=1500, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_any_damaged_image(call, data):
    image = bytearray(data.draw(st.sampled_from([PNG, JPEG, WEBP])))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(image)) | st.integers(0, 200))
        image[at : at + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    if data.draw(st.booleans()):
        del image[data.draw(st.integers(1, len(image))) :]
    answer = call("DetectFaces", {"Image": inline(bytes(image) or b"x")})
    errors = {"InvalidImageFormatException", "ImageTooLargeException", "InvalidParameterException"}
    assert isinstance(answer, dict) or answer in errors
