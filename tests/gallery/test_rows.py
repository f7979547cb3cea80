"""Collections as they stand in the database."""

from dataclasses import replace

import pytest

from candid.gallery import CollectionNotFound, ContractMismatch, rows
from candid.gallery.rows import Kind


def test_a_namesake_is_not_the_collection_that_was_read_before(gallery, make):
    core = gallery._core
    before = core.collection("a", "people")
    with core.readers.snapshot() as connection:
        assert rows.unchanged(connection, before) == before
        with pytest.raises(ContractMismatch):
            rows.unchanged(connection, replace(before, contract="m0"))
    gallery.collections.delete("a", "people")
    gallery.collections.create("a", "people", contract=make.contract, dimension=make.dimension)
    with core.readers.snapshot() as connection, pytest.raises(CollectionNotFound):
        rows.unchanged(connection, before)


def test_whose_a_space_is(gallery):
    stored = gallery._core.collection("a", "people")
    with gallery._core.readers.snapshot() as connection:
        for kind in Kind:
            assert rows.by_space(connection, stored.space(kind)) == (stored, kind)
        assert rows.by_space(connection, 99) is None
