"""Where the bytes of an image come from: the request itself, a bucket folder, or an S3 endpoint."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

# Amazon's quotas: 5 MB inline, 15 MB from S3.
# https://docs.aws.amazon.com/rekognition/latest/dg/limits.html
MAX_INLINE_BYTES = 5 * 1024 * 1024
MAX_OBJECT_BYTES = 15 * 1024 * 1024


class ImageSourceError(Exception):
    """The image named in a request cannot be had."""


class NoImageGiven(ImageSourceError):
    """A request's image has neither Bytes nor S3Object, or has both."""


class ObjectUnavailable(ImageSourceError):
    """An S3Object does not exist, or cannot be read."""


class ObjectTooLarge(ImageSourceError):
    """An image has more bytes than are allowed for its source."""


class ObjectStore(Protocol):
    """What an S3Object is read from."""

    def read(self, bucket: str, name: str, version: str | None, *, limit: int) -> bytes:
        """The whole object.

        Raises:
            ObjectUnavailable: there is no such object, or it cannot be read.
            ObjectTooLarge: it has more than `limit` bytes.
        """
        ...


class ImageSource:
    """Reads the image of a request."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def read(self, image: Mapping[str, Any]) -> bytes:
        """The bytes of a request's `Image` member.

        Raises:
            NoImageGiven: neither or both of Bytes and S3Object are given.
            ObjectUnavailable, ObjectTooLarge: see `ObjectStore.read`.
        """
        inline: bytes | None = image.get("Bytes")
        reference = image.get("S3Object")
        if (inline is None) == (reference is None):
            raise NoImageGiven("give exactly one of Image.Bytes and Image.S3Object")
        if inline is not None:
            if len(inline) > MAX_INLINE_BYTES:
                raise ObjectTooLarge(f"Image.Bytes may have {MAX_INLINE_BYTES} bytes, not {len(inline)}")
            return inline
        named = reference or {}
        bucket, name = named.get("Bucket"), named.get("Name")
        if not bucket or not name:
            raise NoImageGiven("an S3Object needs both Bucket and Name")
        return self._store.read(bucket, name, named.get("Version"), limit=MAX_OBJECT_BYTES)


class BucketFolders:
    """Buckets that are folders: object `a/b.jpg` of bucket `photos` is the file `photos/a/b.jpg`.

    A name can never leave its bucket: `..`, absolute names and symbolic links that point outside are
    answered as if there were no such object. An object has one name, as in S3: `./b.jpg`, `a//b.jpg` and
    `b.jpg/` are not `b.jpg`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, bucket: str, name: str, version: str | None, *, limit: int) -> bytes:
        """See `ObjectStore.read`. Folders hold no versions: a call that names one is refused."""
        if version is not None:
            raise ObjectUnavailable("bucket folders hold no object versions; leave S3Object.Version out")
        missing = ObjectUnavailable(
            "Unable to get object metadata from S3. Check object key, region and/or access permissions."
        )
        if "/" in bucket or not {"", ".", ".."}.isdisjoint((bucket, *name.split("/"))) or "\0" in bucket + name:
            raise missing
        try:
            root = (self._folder / bucket).resolve(strict=True)
            path = (root / name).resolve(strict=True)
        except (OSError, RuntimeError, ValueError) as error:
            raise missing from error
        if not path.is_relative_to(root) or root.parent != self._folder.resolve():
            raise missing
        try:
            return _read_regular_file(path, limit=limit)
        except OSError as error:
            raise missing from error


def _read_regular_file(path: Path, *, limit: int) -> bytes:
    # O_NONBLOCK: a named pipe put into a bucket must not hold a worker for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError("not a regular file")
        if status.st_size > limit:
            raise ObjectTooLarge(f"an image in S3 may have {limit} bytes, not {status.st_size}")
        data = file.read(limit + 1)
    if len(data) > limit:
        raise ObjectTooLarge(f"an image in S3 may have {limit} bytes")
    return data
