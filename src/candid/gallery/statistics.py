"""The gallery as a whole, in numbers."""

from __future__ import annotations

from candid.gallery.core import Core
from candid.gallery.records import Contents, ContractUse, GalleryStatus


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
