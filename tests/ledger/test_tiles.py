import pytest
from hypothesis import given
from hypothesis import strategies as st

from candid.ledger.errors import EntryError, TileError
from candid.ledger.tiles import (
    ENTRIES,
    Tile,
    bundle_hashes,
    check_tile,
    decode_bundle,
    edge_tiles,
    encode_bundle,
    width_at,
)
from candid.ledger.tree import hash_leaf

PATHS = {
    "tile/0/000": Tile(0, 0),
    "tile/entries/000": Tile(ENTRIES, 0),
    "tile/0/999.p/1": Tile(0, 999, 1),
    "tile/entries/x001/000.p/255": Tile(ENTRIES, 1000, 255),
    "tile/63/x001/x234/067": Tile(63, 1234067),
}
WRONG_PATHS = [
    "",
    "tile",
    "tile/0",
    "tile/0/0",
    "tile/0/00",
    "tile/0/0000",
    "tile/00/000",
    "tile/64/000",
    "tile/-1/000",
    "tile/0/000/",
    "/tile/0/000",
    "tile/0/000.p/0",
    "tile/0/000.p/256",
    "tile/0/000.p/01",
    "tile/0/000.p/",
    "tile/0/000.p/300",
    "tile/0/x000/000",
    "tile/0/001/067",
    "tile/0/x001/x067",
    "tile/data/000",
    "tile/0/../0/000",
    "tile/0/٠٠٠",
    "tile/0/000\n",
    "checkpoint",
    "tile/0/" + "x999/" * 8 + "999",
]


@pytest.mark.parametrize("path", PATHS)
def test_paths(path):
    assert PATHS[path].path == path
    assert Tile.parse(path) == PATHS[path]


@pytest.mark.parametrize("path", WRONG_PATHS)
def test_no_other_path_is_read(path):
    with pytest.raises(TileError, match="no tile has the path"):
        Tile.parse(path)


@given(st.integers(-1, 63), st.integers(0, 2**63 - 1), st.integers(1, 256))
def test_each_tile_is_read_back_from_its_path(level, index, width):
    tile = Tile(level, index, width)
    assert Tile.parse(tile.path) == tile
    assert tile.full() == Tile(level, index)


def test_the_example_of_the_specification():
    # tlog-tiles: "a tree of size 70,000 will be represented by 273 full level 0 tiles, ..."
    assert list(edge_tiles(70_000)) == [Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1)]
    assert list(edge_tiles(256)) == [Tile(1, 0, 1)]
    assert list(edge_tiles(0)) == []
    assert [width_at(0, index, 70_000) for index in (0, 272, 273, 274)] == [256, 256, 112, 0]
    assert [width_at(ENTRIES, index, 70_000) for index in (272, 273)] == [256, 112]
    assert [width_at(2, 0, 70_000), width_at(3, 0, 70_000)] == [1, 0]


def test_a_tile_has_its_length():
    assert check_tile(Tile(0, 0, 2), bytes(64)) == bytes(64)
    with pytest.raises(TileError, match=r"tile/0/000.p/2 has 63 bytes, expected 64"):
        check_tile(Tile(0, 0, 2), bytes(63))


@given(st.lists(st.binary(max_size=600), min_size=1, max_size=256))
def test_bundles_are_read_back(entries):
    tile = Tile(ENTRIES, 0, len(entries))
    data = encode_bundle(entries)
    assert decode_bundle(tile, data) == entries
    assert bundle_hashes(tile, data) == b"".join(map(hash_leaf, entries))


def test_an_entry_has_at_most_65535_bytes():
    assert len(encode_bundle([bytes(65_535)])) == 65_537
    with pytest.raises(EntryError, match="at most 65535 bytes, not 65536"):
        encode_bundle([bytes(65_536)])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"\0\1",
        b"\0\1a",
        b"\0\1a\0\1",
        b"\0\1a\0\1b\0",
        b"\0\1a\0\1b\0\0",
        b"\0\1a\0\2b",
        b"\0\1a\0\0\0",
    ],
)
def test_a_bundle_of_another_length_is_refused(data):
    with pytest.raises(TileError, match="exactly 2 entries"):
        decode_bundle(Tile(ENTRIES, 0, 2), data)
