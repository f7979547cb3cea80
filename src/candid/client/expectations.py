"""What a caller expects of each operation: what it is billed as, and whether its reply must have a receipt.

The table is the caller's own, so that what the log says is compared with what was asked for and not with itself. A
test compares it with what the server offers; `docs/receipts.md` shows it.
"""

from __future__ import annotations

from dataclasses import dataclass

# Refused by a decision, so an entry stands in the log. Other errors may come before a decision: a false signature, a
# request that the service model forbids, too many calls at once.
DENIED = "AccessDeniedException"

GROUP_1 = ("CompareFaces", "IndexFaces", "SearchFaces", "SearchFacesByImage", "SearchUsers", "SearchUsersByImage")
GROUP_2 = ("DetectFaces",)
FREE = (
    "AssociateFaces",
    "CreateCollection",
    "CreateUser",
    "DeleteCollection",
    "DeleteFaces",
    "DeleteUser",
    "DescribeCollection",
    "DisassociateFaces",
    "ListCollections",
    "ListFaces",
    "ListTagsForResource",
    "ListUsers",
    "TagResource",
    "UntagResource",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a call is billed as if it is answered.

    Attributes:
        meter: such as `image-group-1`.
        units: how many; images for the image groups.
    """

    meter: str
    units: int


ASKED: dict[str, Asked] = {
    **dict.fromkeys(GROUP_1, Asked("image-group-1", 1)),
    **dict.fromkeys(GROUP_2, Asked("image-group-2", 1)),
    **dict.fromkeys(FREE, Asked("free", 1)),
}


def must_have_receipt(*, status: int, error: str | None) -> bool:
    """Whether a reply can only be one to a decided call."""
    return status < 300 or error == DENIED
