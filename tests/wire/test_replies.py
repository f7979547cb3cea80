from __future__ import annotations

import json
from datetime import UTC, datetime
from enum import StrEnum

import numpy as np
import pytest
from botocore.loaders import create_loader
from botocore.model import ServiceModel as BotoModel
from botocore.parsers import create_parser
from hypothesis import given, settings
from hypothesis import strategies as st

from candid.wire import ReplyError, ReplyWriter


class Reason(StrEnum):
    LOW = "LOW_CONFIDENCE"


@pytest.fixture(scope="module")
def boto_model():
    return BotoModel(create_loader().load_service_model("rekognition", "service-2"))


def write(wire, operation, reply, *, strict=True):
    writer = ReplyWriter(wire.MODEL, strict=strict)
    return writer.write(wire.MODEL.operations[operation].output, reply)


@pytest.mark.parametrize(
    ("operation", "reply", "written"),
    [
        ("DeleteCollection", {"StatusCode": 200}, {"StatusCode": 200}),
        ("DeleteCollection", {"StatusCode": np.int32(200)}, {"StatusCode": 200}),
        ("DeleteCollection", {}, {}),
        ("ListFaces", {"Faces": [], "NextToken": None}, {"Faces": []}),
        ("ListFaces", {"Faces": ({"Confidence": np.float32(0.5)},)}, {"Faces": [{"Confidence": 0.5}]}),
        ("ListFaces", {"Faces": [{"Confidence": 99}]}, {"Faces": [{"Confidence": 99.0}]}),
        (
            "DescribeCollection",
            {"CreationTimestamp": 1_800_000_000.25},
            {"CreationTimestamp": 1_800_000_000.25},
        ),
        (
            "DescribeCollection",
            {"CreationTimestamp": datetime(2027, 1, 15, 8, tzinfo=UTC)},
            {"CreationTimestamp": 1_800_000_000.0},
        ),
        ("ListTagsForResource", {"Tags": {"a": "b"}}, {"Tags": {"a": "b"}}),
        (
            "IndexFaces",
            {"UnindexedFaces": [{"Reasons": [Reason.LOW], "FaceDetail": {"Smile": {"Value": False}}}]},
            {"UnindexedFaces": [{"Reasons": ["LOW_CONFIDENCE"], "FaceDetail": {"Smile": {"Value": False}}}]},
        ),
        (
            "GetFaceLivenessSessionResults",
            {"SessionId": "x", "Status": "CREATED", "ReferenceImage": {"Bytes": b"ab"}},
            {"SessionId": "x", "Status": "CREATED", "ReferenceImage": {"Bytes": "YWI="}},
        ),
    ],
)
def test_what_is_written(wire, operation, reply, written):
    assert json.loads(write(wire, operation, reply)) == written


MISFITS = [
    ("DeleteCollection", {"Status": 200}, "DeleteCollectionResponse.Status is no member"),
    ("DeleteCollection", {"StatusCode": "200"}, "StatusCode is no integer"),
    ("DeleteCollection", {"StatusCode": 200.0}, "StatusCode is no integer"),
    ("DeleteCollection", {"StatusCode": True}, "StatusCode is no integer"),
    ("DeleteCollection", {"StatusCode": float("nan")}, "StatusCode is no integer"),
    ("ListFaces", {"Faces": "none"}, "Faces is no list"),
    ("ListFaces", {"Faces": {}}, "Faces is no list"),
    ("ListFaces", {"NextToken": b"x"}, "NextToken is no string"),
    ("ListFaces", {"Faces": ["x"]}, r"Faces\[\] is no structure"),
    ("ListFaces", {"Faces": [{"Confidence": float("nan")}]}, r"Faces\[\].Confidence is no float"),
    ("ListFaces", {"Faces": [{"Confidence": float("inf")}]}, r"Faces\[\].Confidence is no float"),
    ("ListFaces", {"Faces": [{"Confidence": "1"}]}, r"Faces\[\].Confidence is no float"),
    ("DetectFaces", {"FaceDetails": [{"Smile": {"Value": 1}}]}, "Smile.Value is no boolean"),
    ("DescribeCollection", {"CreationTimestamp": "today"}, "CreationTimestamp is no timestamp"),
    ("ListTagsForResource", {"Tags": []}, "Tags is no map"),
    ("ListTagsForResource", {"Tags": {"a": 1}}, "is no string"),
]


@pytest.mark.parametrize(("operation", "reply", "message"), MISFITS)
def test_a_reply_that_does_not_fit_the_model(wire, operation, reply, message, caplog):
    with pytest.raises(ReplyError, match=message):
        write(wire, operation, reply)
    body = json.loads(write(wire, operation, reply, strict=False))
    assert "NaN" not in json.dumps(body)
    assert "goes without" in caplog.text


def test_a_misfit_is_reported_once(wire, caplog):
    writer = ReplyWriter(wire.MODEL)
    for _ in range(5):
        writer.write(wire.MODEL.operations["DeleteCollection"].output, {"Status": 1})
    assert len(caplog.messages) == 1


def replies(shape, shapes, above=()):
    """Replies that fit a shape, with None for absent members here and there."""
    if shape.kind == "structure":
        if shape.name in above:
            return st.just({})
        inner = (*above, shape.name)
        members = {name: st.none() | replies(shapes[member], shapes, inner) for name, member in shape.members.items()}
        return st.fixed_dictionaries({}, optional=members)
    if shape.kind == "list":
        return st.lists(replies(shapes[shape.member], shapes, above), max_size=2)
    if shape.kind == "map":
        return st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=2)
    if shape.kind == "string":
        return st.sampled_from(shape.enum) if shape.enum else st.text(max_size=6)
    if shape.kind == "blob":
        return st.binary(max_size=9)
    if shape.kind == "boolean":
        return st.booleans()
    if shape.kind in {"integer", "long"}:
        return st.integers(-(2**31), 2**31 - 1)
    if shape.kind == "timestamp":
        return st.integers(0, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
    return st.floats(allow_nan=False, allow_infinity=False)


def without_none(value):
    if isinstance(value, dict):
        return {name: without_none(item) for name, item in value.items() if item is not None}
    return [without_none(item) for item in value] if isinstance(value, list) else value


OPERATIONS = [
    "DetectFaces",
    "IndexFaces",
    "ListFaces",
    "DescribeCollection",
    "CompareFaces",
    "ListTagsForResource",
]


@settings(deadline=None)
@given(st.data())
def test_what_is_written_is_what_botocore_reads(wire, boto_model, data):
    name = data.draw(st.sampled_from(OPERATIONS))
    reply = data.draw(replies(wire.MODEL.operations[name].output, wire.MODEL.shapes))
    answer = {"status_code": 200, "headers": {}, "body": write(wire, name, reply)}
    read = create_parser("json").parse(answer, boto_model.operation_model(name).output_shape)
    read.pop("ResponseMetadata")
    assert read == without_none(reply)
