from __future__ import annotations

import base64
import json

import pytest
from botocore.model import ServiceModel as BotoModel
from botocore.serialize import create_serializer
from hypothesis import given, settings
from hypothesis import strategies as st

from candid.wire import Refusal
from candid.wire.requests import parse_request

IMAGE = base64.b64encode(b"picture").decode()
FACE = "f5817d37-94f6-4335-bfee-6cf79a3d806e"


def parse(wire, operation, request):
    body = request if isinstance(request, bytes) else json.dumps(request).encode()
    return parse_request(wire.MODEL, wire.MODEL.operations[operation], body)


def refused(wire, operation, request):
    with pytest.raises(Refusal) as caught:
        parse(wire, operation, request)
    assert caught.value.status == 400
    return caught.value.name, caught.value.message


def broken(wire, operation, request):
    name, message = refused(wire, operation, request)
    assert name == "InvalidParameterException"
    return message


def test_blobs_are_decoded_and_the_rest_stays(wire):
    request = {
        "CollectionId": "staff",
        "Image": {"Bytes": IMAGE},
        "MaxFaces": 3,
        "DetectionAttributes": ["ALL"],
    }
    parsed = parse(wire, "IndexFaces", request)
    assert parsed == request | {"Image": {"Bytes": b"picture"}}


def test_unknown_members_are_ignored_and_null_is_absent(wire):
    request = {"CollectionId": "staff", "Shoe": {"Size": 42}, "MaxResults": None, "FaceIds": [FACE, None]}
    assert parse(wire, "ListFaces", request) == {"CollectionId": "staff", "FaceIds": [FACE]}


def test_of_two_members_of_one_name_the_last_is_taken(wire):
    assert parse(wire, "ListFaces", b'{"CollectionId":"a","CollectionId":"b"}') == {"CollectionId": "b"}


@pytest.mark.parametrize(
    ("operation", "request_", "message"),
    [
        (
            "DescribeCollection",
            {},
            "Value null at 'collectionId' failed to satisfy constraint: Member must not be null",
        ),
        (
            "DescribeCollection",
            {"CollectionId": None},
            "Value null at 'collectionId' failed to satisfy constraint: Member must not be null",
        ),
        (
            "DescribeCollection",
            {"CollectionId": "a b"},
            "Value 'a b' at 'collectionId' failed to satisfy constraint: "
            r"Member must satisfy regular expression pattern: [a-zA-Z0-9_.\-]+",
        ),
        (
            "DescribeCollection",
            {"CollectionId": "a" * 256},
            "Value at 'collectionId' failed to satisfy constraint: Member must have length less than or equal to 255",
        ),
        (
            "ListFaces",
            {"CollectionId": "a", "MaxResults": 4097},
            "Value '4097' at 'maxResults' failed to satisfy constraint: "
            "Member must have value less than or equal to 4096",
        ),
        (
            "ListFaces",
            {"CollectionId": "a", "MaxResults": -1},
            "Value '-1' at 'maxResults' failed to satisfy constraint: "
            "Member must have value greater than or equal to 0",
        ),
        (
            "SearchFaces",
            {"CollectionId": "a", "FaceId": FACE, "FaceMatchThreshold": 100.5},
            "Value '100.5' at 'faceMatchThreshold' failed to satisfy constraint: "
            "Member must have value less than or equal to 100",
        ),
        (
            "CompareFaces",
            {"SourceImage": {"Bytes": IMAGE}, "TargetImage": {"Bytes": IMAGE}, "QualityFilter": "BEST"},
            "Value 'BEST' at 'qualityFilter' failed to satisfy constraint: "
            "Member must satisfy enum value set: [NONE, AUTO, LOW, MEDIUM, HIGH]",
        ),
        (
            "DetectFaces",
            {"Image": {"S3Object": {"Bucket": "b", "Name": "n"}}},
            "Value at 'image.s3Object.bucket' failed to satisfy constraint: "
            "Member must have length greater than or equal to 3",
        ),
        (
            "DetectFaces",
            {"Image": {"Bytes": ""}},
            "Value at 'image.bytes' failed to satisfy constraint: Member must have length greater than or equal to 1",
        ),
        (
            "DeleteFaces",
            {"CollectionId": "a", "FaceIds": []},
            "Value at 'faceIds' failed to satisfy constraint: Member must have length greater than or equal to 1",
        ),
        (
            "DeleteFaces",
            {"CollectionId": "a", "FaceIds": ["x", "y", FACE]},
            "Value at 'faceIds' failed to satisfy constraint: Member must satisfy constraint: "
            "[Member must satisfy regular expression pattern: "
            "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}]",
        ),
        (
            "DeleteFaces",
            {"CollectionId": "a", "FaceIds": [FACE] * 4097},
            "Value at 'faceIds' failed to satisfy constraint: Member must have length less than or equal to 4096",
        ),
        (
            "TagResource",
            {"ResourceArn": "a" * 20, "Tags": {"aws:x": "y"}},
            "Value at 'tags' failed to satisfy constraint: Map must satisfy constraint: "
            r"[Member must satisfy regular expression pattern: ^(?!aws:)[\p{L}\p{Z}\p{N}_.:/=+\-@]*$]",
        ),
        (
            "IndexFaces",
            {"CollectionId": "a", "Image": {"Bytes": IMAGE}, "ExternalImageId": "Jane Personal"},
            "Value at 'externalImageId' failed to satisfy constraint: "
            r"Member must satisfy regular expression pattern: [a-zA-Z0-9_.\-:]+",
        ),
    ],
)
def test_a_broken_constraint_in_the_words_of_aws(wire, operation, request_, message):
    assert broken(wire, operation, request_) == f"1 validation error detected: {message}"


def test_every_broken_constraint_is_told_at_once(wire):
    message = broken(wire, "IndexFaces", {"CollectionId": "", "MaxFaces": 0})
    assert message.startswith("4 validation errors detected: ")
    assert message.count("; ") == 3


def test_no_more_than_ten_are_spelled_out(wire):
    assets = [{"GroundTruthManifest": {"S3Object": {"Bucket": "b"}}} for _ in range(12)]
    request = {"ProjectArn": "arn", "VersionName": "a", "TestingData": {"Assets": assets}}
    message = broken(wire, "CreateProjectVersion", request)
    assert message.startswith("15 validation errors detected: ")
    assert message.count(" failed to satisfy constraint: ") == 10
    assert "'testingData.assets.1.member.groundTruthManifest.s3Object.bucket'" in message


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"{}{}", "not valid JSON"),
        (b"\xff", "not valid JSON"),
        (b'\xef\xbb\xbf{"CollectionId":"a"}', "not valid JSON"),
        (b'{"CollectionId":"\xed\xa0\x80"}', "not valid JSON"),
        (b'{"CollectionId":"\\ud800"}', "not valid JSON"),
        (b'{"MaxResults":NaN}', "not valid JSON"),
        (b'{"MaxResults":Infinity}', "not valid JSON"),
        (b'{"MaxResults":1e999}', "not valid JSON"),
        (b'{"CollectionId":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "not valid JSON"),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, "not valid JSON"),
        (b"[]", "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b"1", "must be a JSON object"),
        (b'"{}"', "must be a JSON object"),
        (b'{"CollectionId":1}', "NUMBER_VALUE can not be converted to a String"),
        (b'{"CollectionId":1.5}', "DECIMAL_VALUE can not be converted to a String"),
        (b'{"CollectionId":true}', "TRUE_VALUE can not be converted to a String"),
        (b'{"CollectionId":{}}', "Start of structure or map found where not expected."),
        (b'{"CollectionId":[]}', "Start of list found where not expected."),
        (b'{"CollectionId":"a","MaxResults":"5"}', "STRING_VALUE can not be converted to an Integer"),
        (b'{"CollectionId":"a","MaxResults":5.0}', "DECIMAL_VALUE can not be converted to an Integer"),
        (b'{"CollectionId":"a","MaxResults":true}', "TRUE_VALUE can not be converted to an Integer"),
        (b'{"CollectionId":"a","MaxResults":2147483648}', "NUMBER_VALUE can not be converted to an Integer"),
        (b'{"CollectionId":"a","MaxResults":' + b"9" * 400 + b"}", "not valid JSON"),
        (b'{"CollectionId":"a","FaceIds":"b"}', "a list is expected"),
        (b'{"CollectionId":"a","FaceIds":{}}', "Start of structure"),
        (b'{"CollectionId":"a","FaceIds":[1]}', "NUMBER_VALUE can not be converted to a String"),
    ],
)
def test_what_is_no_request_at_all(wire, body, message):
    name, said = refused(wire, "ListFaces", body)
    assert name == "SerializationException"
    assert message in said


@pytest.mark.parametrize(
    ("operation", "request_", "message"),
    [
        ("DetectFaces", {"Image": "x"}, "a structure is expected"),
        ("DetectFaces", {"Image": {"Bytes": 5}}, "NUMBER_VALUE can not be converted to a ByteBuffer"),
        ("TagResource", {"ResourceArn": "arn", "Tags": "x"}, "a map is expected"),
        (
            "UpdateStreamProcessor",
            {"Name": "a", "DataSharingPreferenceForUpdate": {"OptIn": "yes"}},
            "STRING_VALUE can not be converted to a Boolean",
        ),
        ("SearchFaces", {"FaceMatchThreshold": "80"}, "STRING_VALUE can not be converted to a Float"),
        ("SearchFaces", {"FaceMatchThreshold": False}, "FALSE_VALUE can not be converted to a Float"),
    ],
)
def test_what_has_another_type_than_the_models(wire, operation, request_, message):
    name, said = refused(wire, operation, request_)
    assert name == "SerializationException"
    assert message in said


def test_a_blob_that_is_no_image_and_too_long(wire):
    changes = {"GroundTruth": base64.b64encode(bytes(5 * 2**20 + 1)).decode()}
    message = broken(wire, "UpdateDatasetEntries", {"DatasetArn": "arn", "Changes": changes})
    assert "'changes.groundTruth' failed to satisfy constraint: Member must have length less than" in message


@pytest.mark.parametrize(
    "text", ["a", "ab", "YQ", "YQ=", "YQ===", "Y Q==", "YQ==\n", "YQ-_", "YQ==YQ==", "é===", "=", "===="]
)
def test_base64_is_strict(wire, text):
    name, message = refused(wire, "DetectFaces", {"Image": {"Bytes": text}})
    assert (name, message[:21]) == ("SerializationException", "A blob must be base64")


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=100))
def test_any_blob_arrives(wire, data):
    text = base64.b64encode(data).decode()
    assert parse(wire, "DetectFaces", {"Image": {"Bytes": text}})["Image"]["Bytes"] == data


def test_an_image_of_five_megabytes_and_not_a_byte_more(wire):
    most = 5 * 2**20
    for size in (most - 2, most - 1, most):
        request = {"Image": {"Bytes": base64.b64encode(bytes(size)).decode()}}
        assert len(parse(wire, "DetectFaces", request)["Image"]["Bytes"]) == size
    for size in (most + 1, most + 2, most + 3):
        request = {"Image": {"Bytes": base64.b64encode(bytes(size)).decode()}}
        assert refused(wire, "DetectFaces", request)[0] == "ImageTooLargeException"


def values(shape, shapes):
    """Values that fit a shape, as boto3 is given them."""
    if shape.kind == "structure":
        members = {name: values(shapes[member], shapes) for name, member in shape.members.items()}
        required = {name: members[name] for name in shape.required}
        optional = {name: value for name, value in members.items() if name not in required}
        return st.fixed_dictionaries(required, optional=optional)
    if shape.kind == "list":
        low, high = int(shape.low or 0), min(int(shape.high or 3), 3)
        return st.lists(values(shapes[shape.member], shapes), min_size=low, max_size=max(low, high))
    if shape.kind == "map":
        return st.dictionaries(values(shapes[shape.key], shapes), values(shapes[shape.value], shapes), max_size=2)
    if shape.kind == "string":
        if shape.enum:
            return st.sampled_from(shape.enum)
        text = st.from_regex(shape.pattern, fullmatch=True) if shape.pattern else st.text(max_size=8)
        return text.filter(lambda t: (shape.low or 0) <= len(t) <= (shape.high or 9999) and t.isascii())
    if shape.kind == "blob":
        return st.binary(min_size=int(shape.low or 0), max_size=20)
    if shape.kind == "boolean":
        return st.booleans()
    if shape.kind in {"integer", "long"}:
        return st.integers(int(shape.low or 0), int(shape.high or 1000))
    return st.floats(shape.low or 0.0, shape.high or 1000.0, allow_nan=False)


OPERATIONS = [
    "DetectFaces",
    "IndexFaces",
    "ListFaces",
    "SearchUsersByImage",
    "CreateUser",
    "DetectText",
    "DetectLabels",
]


@settings(deadline=None)
@given(st.data())
def test_what_botocore_serialises_is_understood(wire, boto_model, data):
    name = data.draw(st.sampled_from(OPERATIONS))
    operation = wire.MODEL.operations[name]
    request = data.draw(values(operation.input, wire.MODEL.shapes))
    sent = create_serializer("json").serialize_to_request(request, boto_model.operation_model(name))
    assert parse_request(wire.MODEL, operation, sent["body"]) == request


@pytest.fixture(scope="session")
def boto_model() -> BotoModel:
    from botocore.loaders import create_loader

    return BotoModel(create_loader().load_service_model("rekognition", "service-2"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.data())
def test_any_json_is_understood_or_refused(wire, data):
    operation = wire.MODEL.operations[data.draw(st.sampled_from(sorted(wire.MODEL.operations)))]
    members = st.sampled_from(sorted(operation.input.members) or ["none"])
    request = data.draw(st.dictionaries(members, JSON, max_size=4))
    try:
        parsed = parse_request(wire.MODEL, operation, json.dumps(request).encode())
    except Refusal as refusal:
        assert refusal.name in {"SerializationException", "InvalidParameterException"}
        assert refusal.message
    else:
        assert set(parsed) <= set(request)


def test_an_arn_that_would_be_matched_for_minutes_is_refused_at_once(wire):
    channel = {"SNSTopicArn": "arn:aws:sns:" + "aaaaaaaaaaaa:" * 60_000 + "\n", "RoleArn": "arn:aws:iam::1"}
    request = {"Video": {"S3Object": {"Bucket": "abc", "Name": "n"}}, "NotificationChannel": channel}
    message = broken(wire, "StartFaceDetection", request)
    assert "at 'notificationChannel.sNSTopicArn' failed to satisfy constraint: Member must satisfy regular" in message


def test_no_pattern_is_matched_against_more_than_the_model_allows(wire):
    for shape in wire.MODEL.shapes.values():
        if shape.pattern is not None and shape.high is None:
            assert ".*" not in shape.pattern.pattern or shape.name == "SNSTopicArn", shape.name
