"""No request that the service model allows makes the server fail: it is answered, or refused by the model."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
import skimage.data
from botocore.exceptions import ClientError
from botocore.model import StructureShape
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.operations.inprocess import ACCOUNT, REGION, InProcess
from tests.operations.modelled import Known, largest, requests

from candid.operations.registry import offered

FACE = skimage.data.astronaut()[:200, 120:320, ::-1]
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
THOROUGH = settings(QUICK, max_examples=3000)


def encoded(pixels: np.ndarray, kind: str) -> bytes:
    return cv2.imencode(kind, pixels)[1].tobytes()


IMAGES = [
    encoded(FACE, ".jpg"),
    encoded(np.hstack([FACE, FACE[:, ::-1]]), ".jpg"),
    encoded(cv2.GaussianBlur(FACE, (0, 0), 9), ".png"),
    encoded(np.zeros((90, 90, 3), np.uint8), ".png"),
    encoded(FACE[:40], ".jpg"),
    encoded(FACE, ".webp"),
    encoded(FACE, ".jpg")[:900],
]


class Caller:
    """Calls operations, holds what came of it against the model, and keeps one collection filled."""

    def __init__(self, inside: InProcess) -> None:
        self._client = inside.client
        self._model = inside.client.meta.service_model
        self._collection = f"any-{uuid.uuid4()}"
        arn = f"arn:aws:rekognition:{REGION}:{ACCOUNT}:collection/{self._collection}"
        photos = inside.buckets / "photos"
        (photos / "folder").mkdir(parents=True, exist_ok=True)
        (photos / "photo.jpg").write_bytes(IMAGES[0])
        collections = [f"{self._collection}-other", self._collection, self._collection]
        self.known = Known(collections, ["u:1", "u:2"], IMAGES, ["photo.jpg"], arn)
        self.answers: dict[str, int] = {}
        self.fill()

    def fill(self) -> None:
        """Make the collection, with faces of a user, where an example has deleted it."""
        if self.call("CreateCollection", {"CollectionId": self._collection}) is None:
            return
        for _ in range(2):
            self.call("IndexFaces", {"CollectionId": self._collection, "Image": {"Bytes": IMAGES[1]}})
        user = {"CollectionId": self._collection, "UserId": "u:1"}
        self.call("CreateUser", user)
        self.call("AssociateFaces", user | {"FaceIds": self.known.faces[-2:]})

    def input_shape(self, operation: str) -> StructureShape:
        return self._model.operation_model(operation).input_shape

    def requests(self, operation: str) -> st.SearchStrategy[dict[str, Any]]:
        return requests(self.input_shape(operation), self.known)

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any] | None:
        """The answer, or None for an error that the model has for the operation."""
        try:
            answer = self._client._make_api_call(operation, request)
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            name = error.response["Error"]["Code"]
            errors = {shape.name for shape in self._model.operation_model(operation).error_shapes}
            assert status == 400, (status, name)
            assert name in errors
            assert error.response["Error"]["Message"]
            return None
        self.answers[operation] = self.answers.get(operation, 0) + 1
        self.known.faces += [record["Face"]["FaceId"] for record in answer.get("FaceRecords", [])]
        self.known.tokens += [answer["NextToken"]] if "NextToken" in answer else []
        for matches in (answer.get("FaceMatches", []), answer.get("UserMatches", [])):
            told = [match["Similarity"] for match in matches]
            assert told == sorted(told, reverse=True)
            assert all(0 <= each <= 100 for each in told)
        return answer


@pytest.fixture(scope="module")
def caller(inside: InProcess) -> Caller:
    return Caller(inside)


def try_one(caller: Caller, data: st.DataObject) -> None:
    operation = data.draw(st.sampled_from(sorted(offered())))
    caller.call(operation, data.draw(caller.requests(operation)))
    caller.fill()


@QUICK
@given(st.data())
def test_some_requests(caller: Caller, data: st.DataObject) -> None:
    try_one(caller, data)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@THOROUGH
@given(st.data())
def test_many_requests(caller: Caller, data: st.DataObject) -> None:
    try_one(caller, data)


@pytest.mark.slow
def test_the_many_requests_were_not_all_refused(caller: Caller) -> None:
    if sum(caller.answers.values()) > 1000:
        assert set(caller.answers) == set(offered())


@pytest.mark.parametrize("operation", sorted(offered()))
def test_every_operation_can_be_drawn(caller: Caller, operation: str) -> None:
    some: Callable[..., None] = given(caller.requests(operation))(
        settings(QUICK, max_examples=3)(lambda request: caller.call(operation, request) and None)
    )
    some()
    caller.fill()


@pytest.mark.parametrize("operation", sorted(offered()))
@pytest.mark.parametrize("optional", [True, False])
def test_the_largest_requests(caller: Caller, operation: str, optional: bool) -> None:
    shape = caller.input_shape(operation)
    request = largest(shape)
    for name, value in list(request.items()):
        if not optional and name not in shape.required_members:
            del request[name]
        elif shape.members[name].name == "Image":
            del value["Bytes" if optional else "S3Object"]
    caller.call(operation, request)
    if "CollectionId" in request:
        caller.call(operation, request | {"CollectionId": caller.known.collections[-1]})
    caller.fill()
