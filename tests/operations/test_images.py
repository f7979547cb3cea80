"""Where images come from, and what hostile names of objects come to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from candid.operations.images import (
    MAX_INLINE_BYTES,
    BucketFolders,
    ImageSource,
    NoImageGiven,
    ObjectTooLarge,
    ObjectUnavailable,
)

PHOTO, SECRET = b"a photograph", b"nobody's business"
LIMIT = 1000


@pytest.fixture(scope="module")
def buckets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of buckets, beside something that no name may reach."""
    base = tmp_path_factory.mktemp("data")
    (base / "secret.jpg").write_bytes(SECRET)
    folder = base / "buckets"
    for name in ("photos", "photos/a", "photos/a/b", "other"):
        (folder / name).mkdir(parents=True)
    names = ["one.jpg", "a/b/two.jpg", "ä b+c%20.jpg", "..three.jpg"]
    for name in (*(f"photos/{name}" for name in names), "other/four.jpg"):
        (folder / name).write_bytes(PHOTO)
    (folder / "loose.jpg").write_bytes(SECRET)
    (folder / "photos" / "large.jpg").write_bytes(bytes(LIMIT + 1))
    (folder / "photos" / "full.jpg").write_bytes(bytes(LIMIT))
    (folder / "photos" / "empty.jpg").write_bytes(b"")
    (folder / "photos" / "inside.jpg").symlink_to(folder / "photos" / "one.jpg")
    (folder / "photos" / "outside.jpg").symlink_to(base / "secret.jpg")
    (folder / "photos" / "up").symlink_to(base)
    (folder / "photos" / "loop").symlink_to(folder / "photos" / "loop")
    (folder / "linked").symlink_to(base)
    os.mkfifo(folder / "photos" / "pipe")
    return folder


@pytest.mark.parametrize(
    "name", ["one.jpg", "a/b/two.jpg", "ä b+c%20.jpg", "..three.jpg", "inside.jpg"]
)
def test_objects_that_are_there(buckets: Path, name: str) -> None:
    assert BucketFolders(buckets).read("photos", name, None, limit=LIMIT) == PHOTO


@pytest.mark.parametrize(
    ("bucket", "name"),
    [
        ("photos", "none.jpg"),
        ("photos", "ONE.jpg\0.png"),
        ("photos", "one.jpg/"),
        ("photos", "./one.jpg"),
        ("photos", "a//b/two.jpg"),
        ("photos", "a/../one.jpg"),
        ("photos", "../photos/one.jpg"),
        ("photos", "../other/four.jpg"),
        ("photos", "../../secret.jpg"),
        ("photos", "a/b/../../../../secret.jpg"),
        ("photos", "/etc/passwd"),
        ("photos", "//etc/passwd"),
        ("photos", "outside.jpg"),
        ("photos", "up/secret.jpg"),
        ("photos", "loop"),
        ("photos", "pipe"),
        ("photos", "a"),
        ("photos", ".."),
        ("photos", "."),
        ("photos", "x" * 1024),
        ("photos", "/".join("y" * 500)),
        ("photos", "\udc80"),
        ("photos", "one.jpg:stream"),
        ("photos", "~/one.jpg"),
        ("none", "one.jpg"),
        ("...", "one.jpg"),
        ("..", "secret.jpg"),
        (".", "loose.jpg"),
        ("linked", "secret.jpg"),
        ("photos/a", "b/two.jpg"),
        ("loose.jpg", "one.jpg"),
    ],
)
def test_names_that_name_nothing(buckets: Path, bucket: str, name: str) -> None:
    with pytest.raises(ObjectUnavailable, match="Unable to get object metadata from S3") as caught:
        BucketFolders(buckets).read(bucket, name, None, limit=LIMIT)
    assert str(buckets) not in str(caught.value)


def test_an_absolute_name_of_an_object_is_no_name_of_it(buckets: Path) -> None:
    with pytest.raises(ObjectUnavailable):
        BucketFolders(buckets).read("photos", str(buckets / "photos" / "one.jpg"), None, limit=LIMIT)


@given(st.text(max_size=60) | st.text(alphabet="./ab\0", max_size=20))
def test_no_name_leaves_its_bucket(buckets: Path, name: str) -> None:
    try:
        read = BucketFolders(buckets).read("photos", name, None, limit=LIMIT)
    except ObjectUnavailable:
        return
    assert read == PHOTO


def test_folders_hold_no_versions(buckets: Path) -> None:
    with pytest.raises(ObjectUnavailable, match=r"leave S3Object\.Version out"):
        BucketFolders(buckets).read("photos", "one.jpg", "1", limit=LIMIT)


def test_the_size_of_an_object(buckets: Path) -> None:
    assert len(BucketFolders(buckets).read("photos", "full.jpg", None, limit=LIMIT)) == LIMIT
    assert BucketFolders(buckets).read("photos", "empty.jpg", None, limit=LIMIT) == b""
    with pytest.raises(ObjectTooLarge, match="1000 bytes"):
        BucketFolders(buckets).read("photos", "large.jpg", None, limit=LIMIT)


@pytest.mark.parametrize(
    "member",
    [
        {},
        {"Bytes": b"x", "S3Object": {"Bucket": "photos", "Name": "one.jpg"}},
        {"S3Object": {}},
        {"S3Object": {"Bucket": "photos"}},
        {"S3Object": {"Name": "one.jpg"}},
        {"S3Object": {"Bucket": "photos", "Version": "1"}},
    ],
)
def test_images_that_are_not_given(buckets: Path, member: dict[str, Any]) -> None:
    with pytest.raises(NoImageGiven):
        ImageSource(BucketFolders(buckets)).read(member)


def test_images_that_are_given(buckets: Path) -> None:
    source = ImageSource(BucketFolders(buckets))
    assert source.read({"Bytes": b"x"}) == b"x"
    assert source.read({"S3Object": {"Bucket": "photos", "Name": "one.jpg"}}) == PHOTO
    assert len(source.read({"Bytes": bytes(MAX_INLINE_BYTES)})) == MAX_INLINE_BYTES
    with pytest.raises(ObjectTooLarge):
        source.read({"Bytes": bytes(MAX_INLINE_BYTES + 1)})
