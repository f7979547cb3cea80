"""Unmodified AWS clients, boto3 and the AWS CLI, over a real socket."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError


@pytest.fixture(scope="module")
def url(make_app, listen_module):
    return listen_module(make_app()).url


@pytest.fixture(scope="module")
def client(url, wire):
    return new_client(url, wire)


def new_client(url, wire, **settings):
    defaults = {
        "endpoint_url": url,
        "region_name": wire.REGION,
        "aws_access_key_id": wire.KEY,
        "aws_secret_access_key": wire.SECRET,
        "config": Config(retries={"total_max_attempts": 1}, parameter_validation=False),
    }
    return boto3.client("rekognition", **defaults | settings)


def test_boto3_reads_the_reply(client):
    reply = client.describe_collection(CollectionId="staff")
    metadata = reply.pop("ResponseMetadata")
    assert reply == {
        "FaceCount": 3,
        "FaceModelVersion": "7.0",
        "CollectionARN": "arn:aws:rekognition:us-east-1:123456789012:collection/staff",
        "CreationTimestamp": datetime(2027, 1, 15, 8, 0, 0, 250_000, tzinfo=UTC),
    } | {"CreationTimestamp": reply["CreationTimestamp"]}
    assert reply["CreationTimestamp"].timestamp() == 1_800_000_000.25
    assert metadata["HTTPStatusCode"] == 200
    assert len(metadata["RequestId"]) == 36
    assert metadata["RetryAttempts"] == 0


def test_boto3_sends_an_image(client):
    image = os.urandom(300_001)
    assert client.detect_faces(Image={"Bytes": image})["FaceDetails"][0]["AgeRange"]["High"] == 300_001


@pytest.mark.parametrize(
    ("call", "arguments", "error"),
    [
        ("describe_collection", {"CollectionId": "missing"}, "ResourceNotFoundException"),
        ("describe_collection", {"CollectionId": "a b"}, "InvalidParameterException"),
        ("describe_collection", {}, "InvalidParameterException"),
        ("detect_faces", {"Image": {"Bytes": bytes(5 * 2**20 + 1)}}, "ImageTooLargeException"),
        ("detect_faces", {"Image": {"Bytes": bytes(20 * 2**20)}}, "ImageTooLargeException"),
        ("describe_collection", {"CollectionId": "a" * (9 * 2**20)}, "RequestEntityTooLargeException"),
        ("detect_labels", {"Image": {"Bytes": b"x"}}, "UnknownOperationException"),
        ("describe_collection", {"CollectionId": "bug"}, "InternalServerError"),
    ],
)
def test_boto3_raises_the_error_by_its_name(client, call, arguments, error):
    with pytest.raises(ClientError) as caught:
        getattr(client, call)(**arguments)
    assert caught.value.response["Error"]["Code"] == error
    assert caught.value.response["Error"]["Message"]
    modelled = getattr(client.exceptions, error, None) if error in dir(client.exceptions) else None
    assert modelled is None or isinstance(caught.value, modelled)


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"aws_secret_access_key": "wrong"}, "InvalidSignatureException"),
        ({"aws_access_key_id": "CNDDNONE"}, "UnrecognizedClientException"),
        ({"aws_session_token": "token"}, "UnrecognizedClientException"),
        ({"region_name": "eu-west-1"}, "InvalidSignatureException"),
        ({"aws_access_key_id": "CNDDCLOSEDCLOSEDCLOS"}, "AccessDeniedException"),
    ],
)
def test_boto3_with_other_credentials(url, wire, settings, error):
    with pytest.raises(ClientError) as caught:
        new_client(url, wire, **settings).describe_collection(CollectionId="staff")
    assert caught.value.response["Error"]["Code"] == error
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_boto3_does_not_try_again_what_is_not_offered(url, wire):
    config = Config(retries={"mode": "standard", "total_max_attempts": 3})
    with pytest.raises(ClientError) as caught:
        new_client(url, wire, config=config).detect_labels(Image={"Bytes": b"x"})
    assert caught.value.response["ResponseMetadata"]["RetryAttempts"] == 0
    assert caught.value.response["Error"]["Message"] == "Candid does not offer DetectLabels yet."


def test_unsigned_boto3_is_told_so(url, wire):
    from botocore import UNSIGNED

    with pytest.raises(ClientError) as caught:
        new_client(url, wire, config=Config(signature_version=UNSIGNED)).describe_collection(CollectionId="a")
    assert caught.value.response["Error"]["Code"] == "MissingAuthenticationTokenException"


def test_the_aws_command_line(url, wire, tmp_path):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | {
        "AWS_ACCESS_KEY_ID": wire.KEY,
        "AWS_SECRET_ACCESS_KEY": wire.SECRET,
        "AWS_DEFAULT_REGION": wire.REGION,
        "HOME": str(tmp_path),
    }
    aws = [str(Path(sys.executable).parent / "aws"), "--endpoint-url", url, "rekognition"]

    def run(*arguments):
        return subprocess.run([*aws, *arguments], env=environment, capture_output=True, text=True, timeout=60)

    done = run("describe-collection", "--collection-id", "staff")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["FaceCount"] == 3
    failed = run("describe-collection", "--collection-id", "missing")
    assert failed.returncode != 0
    assert "(ResourceNotFoundException) when calling the DescribeCollection operation" in failed.stderr
