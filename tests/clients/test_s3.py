"""Images as S3Object: from bucket folders, and from a real S3 endpoint (moto's server)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer
from tests.conftest import RunningServer, start_server


def reference(bucket: str, name: str, **more: str) -> dict[str, Any]:
    return {"S3Object": {"Bucket": bucket, "Name": name, **more}}


@pytest.fixture
def bucket(server: RunningServer, astronaut: bytes) -> Path:
    folder = server.data / "buckets" / "photos"
    (folder / "deep" / "er").mkdir(parents=True, exist_ok=True)
    (folder / "anna.jpg").write_bytes(astronaut)
    (folder / "deep" / "er" / "anna.jpg").write_bytes(astronaut)
    (folder / "large.jpg").write_bytes(astronaut + bytes(16 * 1024 * 1024))
    return folder


@pytest.mark.parametrize("name", ["anna.jpg", "deep/er/anna.jpg"])
def test_a_bucket_is_a_folder(rekognition: Any, bucket: Path, name: str) -> None:
    assert len(rekognition.detect_faces(Image=reference("photos", name))["FaceDetails"]) == 1


@pytest.mark.parametrize(
    ("where", "name"),
    [
        ("photos", "missing.jpg"),
        ("photos", "deep"),
        ("photos", "../../candid.json"),
        ("photos", "/etc/hostname"),
        ("photos", "outside/candid.json"),
        ("photos", "pipe"),
        ("missing", "anna.jpg"),
    ],
)
def test_what_is_not_in_the_bucket(rekognition: Any, bucket: Path, where: str, name: str) -> None:
    import os

    if not (bucket / "outside").is_symlink():
        (bucket / "outside").symlink_to(bucket.parents[1])
        os.mkfifo(bucket / "pipe")
    with pytest.raises(rekognition.exceptions.InvalidS3ObjectException):
        rekognition.detect_faces(Image=reference(where, name))


def test_an_object_that_is_too_large(rekognition: Any, bucket: Path) -> None:
    with pytest.raises(rekognition.exceptions.ImageTooLargeException):
        rekognition.detect_faces(Image=reference("photos", "large.jpg"))


def test_neither_and_both(rekognition: Any, bucket: Path, astronaut: bytes) -> None:
    for image in ({}, {"Bytes": astronaut, **reference("photos", "anna.jpg")}):
        with pytest.raises(rekognition.exceptions.InvalidParameterException):
            rekognition.detect_faces(Image=image)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    yield f"http://{host}:{port}"
    moto.stop()


def test_a_real_endpoint(endpoint: str, astronaut: bytes, tmp_path: Path) -> None:
    keys = {"aws_access_key_id": "s3", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
    s3 = boto3.client("s3", endpoint_url=endpoint, **keys)
    s3.create_bucket(Bucket="remote")
    s3.put_bucket_versioning(Bucket="remote", VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket="remote", Key="a/anna.jpg", Body=astronaut)["VersionId"]
    s3.put_object(Bucket="remote", Key="a/anna.jpg", Body=b"no image")
    s3.put_object(Bucket="remote", Key="large.jpg", Body=astronaut + bytes(16 * 1024 * 1024))
    running = start_server(
        tmp_path / "data",
        environment={
            "CANDID_S3_ENDPOINT_URL": endpoint,
            "CANDID_S3_ACCESS_KEY_ID": "s3",
            "CANDID_S3_SECRET_ACCESS_KEY": "secret",
        },
    )
    try:
        client = running.client()
        found = client.detect_faces(Image=reference("remote", "a/anna.jpg", Version=first))
        assert len(found["FaceDetails"]) == 1
        with pytest.raises(client.exceptions.InvalidImageFormatException):
            client.detect_faces(Image=reference("remote", "a/anna.jpg"))
        with pytest.raises(client.exceptions.ImageTooLargeException):
            client.detect_faces(Image=reference("remote", "large.jpg"))
        for bucket, name in (("remote", "missing.jpg"), ("no-such-bucket", "anna.jpg")):
            with pytest.raises(client.exceptions.InvalidS3ObjectException):
                client.detect_faces(Image=reference(bucket, name))
    finally:
        assert running.stop() == 0
