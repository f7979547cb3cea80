"""What the gallery takes and gives: plain frozen records, no behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """One page of a listing; `token` continues it, None ends it."""

    items: tuple[Item, ...]
    token: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """One collection.

    Attributes:
        contract: id of the embedding contract all its faces share.
        dimension: length of its embeddings.
        created_at: seconds since the epoch.
        faces: how many faces it holds.
        users: how many users it holds.
    """

    account: str
    id: str
    contract: str
    dimension: int
    created_at: float
    faces: int
    users: int


@dataclass(frozen=True, slots=True)
class FaceBox:
    """Where a face was, as ratios of the image's width and height."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NewFace:
    """A face to enrol.

    Attributes:
        embedding: float32 (d,), finite and not zero; it is stored unit-length.
        box: where the face was.
        confidence: 0 to 100, that the box holds a face.
        image_id: lowercase UUID of the image it came from.
        external_image_id: the caller's name for the image. Stored in clear: no place for names of people.
        crop: the encoded aligned crop, where the operator keeps crops so that models can be upgraded.
        image_digest: of the image's bytes, where the same face of the same image under the same
            `external_image_id` is to be enrolled once only; None: it is enrolled each time.
    """

    embedding: Vectors
    box: FaceBox
    confidence: float
    image_id: str
    external_image_id: str | None = None
    crop: bytes | None = None
    image_digest: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """An enrolled face, without its embedding, which never leaves this room."""

    face_id: str
    image_id: str
    external_image_id: str | None
    box: FaceBox
    confidence: float
    contract: str
    user_id: str | None
    created_at: float


class UserStatus(StrEnum):
    """The service model's words; associations are synchronous here, so only two are ever met."""

    ACTIVE = "ACTIVE"
    CREATED = "CREATED"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A user: a person's faces under one id; `CREATED` while it has none."""

    user_id: str
    status: UserStatus
    faces: int
    created_at: float


@dataclass(frozen=True, slots=True)
class FaceMatch:
    """A found face; `score` is the raw cosine of its embedding and the probe's."""

    face: Face
    score: float


@dataclass(frozen=True, slots=True)
class UserMatch:
    """A found user; `score` is the raw cosine of the user's vector and the probe."""

    user: User
    score: float


class Reason(StrEnum):
    """Why one face of a request was left as it was; the service model's words."""

    FACE_NOT_FOUND = "FACE_NOT_FOUND"
    ASSOCIATED_TO_AN_EXISTING_USER = "ASSOCIATED_TO_AN_EXISTING_USER"
    ASSOCIATED_TO_A_DIFFERENT_USER = "ASSOCIATED_TO_A_DIFFERENT_USER"
    LOW_MATCH_CONFIDENCE = "LOW_MATCH_CONFIDENCE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A face that was left as it was.

    Attributes:
        reasons: why; empty where the user's hundred faces were reached, for which AWS has no word.
        user_id: the user it belongs to, where that is the reason.
        score: raw cosine with the user's vector, where that was too low.
    """

    face_id: str
    reasons: tuple[Reason, ...]
    user_id: str | None = None
    score: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """What deleting faces did, in the order of the request."""

    deleted: tuple[str, ...]
    refused: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True)
class Contents:
    """How many faces and users there are somewhere."""

    faces: int
    users: int


@dataclass(frozen=True, slots=True)
class FacePlace:
    """Where a face is: whose collection, and the user that it belongs to, if any."""

    account: str
    collection: str
    user: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Association:
    """What associating faces with a user did; faces that were its own already stand in neither list."""

    associated: tuple[str, ...]
    refused: tuple[Refusal, ...]
    status: UserStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Disassociation:
    """What disassociating faces did; faces of no user stand in neither list."""

    disassociated: tuple[str, ...]
    refused: tuple[Refusal, ...]
    status: UserStatus


@dataclass(frozen=True, slots=True)
class Once:
    """An idempotency token.

    Attributes:
        operation: the operation's name; tokens of different operations are different.
        token: the client's token.
        digest: of the canonical parameters, made by the caller.
    """

    operation: str
    token: str
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryStatus:
    """The gallery as a whole, for readiness and metrics.

    Attributes:
        collections: of all accounts.
        faces: of all collections.
        users: of all collections.
        index_bytes: memory of the vectors held for searching.
        warm: collections whose vectors are in memory.
        trouble: why the last write failed, None where it did not; reads work all the same.
    """

    collections: int
    faces: int
    users: int
    index_bytes: int
    warm: int
    trouble: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractUse:
    """How much of the gallery stands under one embedding contract.

    Attributes:
        collections: how many collections.
        faces: how many faces.
        upgradable: collections all of whose faces kept a crop, so that they can move to another contract.
    """

    collections: int
    faces: int
    upgradable: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgrade:
    """What moving a collection to another contract came to.

    Attributes:
        moved: False: nothing has changed, the collection stays on `contract` and is served as before.
        contract: the contract it has now.
        faces: faces re-embedded.
        without_crop: faces that kept no crop, for which the collection had to stay.
    """

    moved: bool
    contract: str
    faces: int
    without_crop: int
