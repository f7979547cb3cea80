"""Moves collections to the default embedder, where their aligned crops were kept.

A collection keeps the embedder that it was created with, and is served with it as long as its model is there. With
the setting `keep_crops` the aligned faces are kept too, and can be embedded anew; without, the photographs would be
needed, which Candid never keeps, so such a collection stays on its version.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from candid.gallery import Collection, Gallery
from candid.governance import Customers
from candid.operations.versions import FaceModels
from candid.vision import Engine

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Moved:
    """What came of one collection.

    Attributes:
        account: whose it is.
        collection: its id.
        version: the face model version that it has now.
        faces: how many it holds.
        moved: whether it was moved now.
        without_crop: faces that kept no crop, for which it stays on its version.
    """

    account: str
    collection: str
    version: str
    faces: int
    moved: bool
    without_crop: int


def upgrade_collections(
    customers: Customers,
    gallery: Gallery,
    engine: Engine,
    models: FaceModels,
    *,
    advance: Callable[[], None] = lambda: None,
) -> list[Moved]:
    """Move every collection that can be moved to the default embedder.

    Args:
        customers: whose collections.
        gallery: where they are.
        engine: embeds the crops.
        models: names the versions; its default is moved to.
        advance: called after each collection.

    Raises:
        GalleryError, VisionError: a collection or a crop cannot be read; those before it stay moved.
    """
    target = models.default
    done = []
    for collection in every_collection(customers, gallery):
        outcome = gallery.upgrade(
            collection.account,
            collection.id,
            to=target.id,
            dimension=target.dim,
            embed=lambda crops: engine.embed_crops(crops, contract=target.id),
        )
        done.append(
            Moved(
                account=collection.account,
                collection=collection.id,
                version=models.version(outcome.contract),
                faces=collection.faces,
                moved=outcome.moved,
                without_crop=outcome.without_crop,
            )
        )
        advance()
    return done


def every_collection(customers: Customers, gallery: Gallery) -> Iterator[Collection]:
    """Every collection of every customer, also of closed ones."""
    for customer in customers.all():
        token = None
        while True:
            page = gallery.collections.list(customer.account, limit=_PAGE, token=token)
            yield from page.items
            token = page.token
            if token is None:
                break
