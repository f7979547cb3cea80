"""The gallery as a whole, in numbers."""

from __future__ import annotations

import uuid

from candid.gallery.core import Core
from candid.gallery.records import Contents, ContractUse, FacePlace, GalleryStatus
from candid.gallery.schema import NUMBER_BITS


def status(core: Core) -> GalleryStatus:
    """Counts, memory and trouble."""
    with core.readers.snapshot() as connection:
        collections, faces, users = connection.execute(
            "SELECT count(*), coalesce(sum(faces), 0), coalesce(sum(users), 0) FROM collections"
        ).fetchone()
    warm, size = core.spaces.sizes()
    return GalleryStatus(
        collections=collections,
        faces=faces,
        users=users,
        index_bytes=size,
        warm=warm,
        trouble=core.writer.trouble,
    )


def contents_of_accounts(core: Core) -> dict[str, Contents]:
    """What each account that has a collection has stored."""
    with core.readers.snapshot() as connection:
        sums = "SELECT account, sum(faces), sum(users) FROM collections GROUP BY account"
        found = connection.execute(sums).fetchall()
    return {account: Contents(faces, users) for account, faces, users in found}


def locate_face(core: Core, face_id: str) -> FacePlace | None:
    """Where a face is stored; None where it is nowhere, or the id is none."""
    try:
        raw = uuid.UUID(face_id).bytes
    except ValueError:
        return None
    question = (
        "SELECT c.account, c.id, u.user_id FROM faces AS f JOIN collections AS c ON c.key = f.id >> ?"
        " LEFT JOIN users AS u ON u.id = f.user WHERE f.face_id = ?"
    )
    with core.readers.snapshot() as connection:
        found = connection.execute(question, (NUMBER_BITS, raw)).fetchone()
    return None if found is None else FacePlace(*found)


def use_of_contracts(core: Core) -> dict[str, ContractUse]:
    """How much of the gallery stands under each embedding contract."""
    with core.readers.snapshot() as connection:
        found = connection.execute(
            "SELECT contract, count(*), sum(faces), sum(crops = faces) FROM collections"
            " GROUP BY contract ORDER BY contract"
        ).fetchall()
    return {
        contract: ContractUse(collections=collections, faces=faces, upgradable=upgradable)
        for contract, collections, faces, upgradable in found
    }
