"""The limits and tuning of one gallery, with where each figure comes from."""

from __future__ import annotations

from dataclasses import dataclass

DAY = 24 * 60 * 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits clients meet, then the index's tuning.

    Attributes:
        faces_a_collection: Amazon Rekognition's guidelines and quotas: 20 million.
        faces_a_user: the same: 100 faces associated with one user.
        tags_a_collection: `TagMap` in the service model: 200.
        page_token_seconds: Amazon's page tokens live 24 hours.
        once_seconds: how long an idempotency token is remembered. Amazon states no figure for the user
            operations; a day outlives every client's retries.
        sealed_rows: rows after which a collection's newest vectors are compressed. Below it the search is a
            plain float32 scan (about 2 ms at this size).
        warm_bytes: memory for the float32 vectors of collections of which nothing is compressed; those used
            longest ago are dropped and read again when next searched.
        rescored_rows: most compressed candidates one search re-scores from the store beyond `k`; see
            `candid.gallery.index.space` for what it means for results.
        purge_rows: faces erased in one transaction when a collection is deleted.
    """

    faces_a_collection: int = 20_000_000
    faces_a_user: int = 100
    tags_a_collection: int = 200
    page_token_seconds: float = DAY
    once_seconds: float = DAY
    sealed_rows: int = 32_768
    warm_bytes: int = 256 * 2**20
    rescored_rows: int = 16_384
    purge_rows: int = 2_000
