"""Objects from a real S3-compatible endpoint, read with boto3."""

from __future__ import annotations

from typing import Any

from candid.operations.images import ObjectTooLarge, ObjectUnavailable


class S3Endpoint:
    """An `ObjectStore` over an S3-compatible endpoint (Amazon S3, MinIO, Ceph, ...)."""

    def __init__(self, *, endpoint_url: str, region: str, access_key_id: str, secret_access_key: str) -> None:
        # Imported here: boto3 costs 0.2 s at start, and most servers read from folders.
        import boto3
        from botocore.config import Config as ClientConfig

        self._client: Any = boto3.client(
            "s3",
            endpoint_url=endpoint_url,
            region_name=region,
            aws_access_key_id=access_key_id or None,
            aws_secret_access_key=secret_access_key or None,
            config=ClientConfig(
                connect_timeout=3,
                read_timeout=10,
                retries={"max_attempts": 2, "mode": "standard"},
                s3={"addressing_style": "path"},
            ),
        )

    def read(self, bucket: str, name: str, version: str | None, *, limit: int) -> bytes:
        """See `ObjectStore.read`."""
        from botocore.exceptions import BotoCoreError, ClientError

        extra = {"VersionId": version} if version is not None else {}
        try:
            answer = self._client.get_object(Bucket=bucket, Key=name, **extra)
            if answer["ContentLength"] > limit:
                raise ObjectTooLarge(f"an image in S3 may have {limit} bytes, not {answer['ContentLength']}")
            data: bytes = answer["Body"].read(limit + 1)
        except (BotoCoreError, ClientError) as error:
            raise ObjectUnavailable(
                "Unable to get object metadata from S3. Check object key, region and/or access permissions."
            ) from error
        if len(data) > limit:
            raise ObjectTooLarge(f"an image in S3 may have {limit} bytes")
        return data
