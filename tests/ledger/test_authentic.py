import pytest

from candid.ledger import SigningKey, hash_leaf
from candid.ledger.authentic import AuthenticTiles, read_bundle, read_tile
from candid.ledger.errors import LedgerError, MissingError, ProofError, TileError
from candid.ledger.tiles import ENTRIES, Tile
from candid.ledger.tree import EMPTY_ROOT, root_of

SIZES = [0, 1, 2, 3, 255, 256, 257, 511, 512, 513, 1000, 65_536, 65_537, 66_000]


def entries(size):
    return [b"%d" % number for number in range(size)]


@pytest.fixture(scope="module")
def big(files):
    """66,000 entries: three levels of tiles, the middle one with a full tile."""
    return files(entries(66_000), SigningKey.generate("log", randomness=bytes))


@pytest.mark.parametrize("size", SIZES)
def test_the_right_edge_gives_the_root(files, signer, size):
    log = files(entries(size), signer)
    tiles = AuthenticTiles(log, log.checkpoint)
    assert tiles.edge().root() == log.root
    assert tiles.edge().size == size


def test_an_empty_log_needs_no_tiles(files, signer):
    log = files([], signer)
    assert AuthenticTiles(log, log.checkpoint).edge().root() == EMPTY_ROOT
    assert log.asked == []


@pytest.mark.parametrize("size", [1, 5, 256, 300, 513])
def test_every_node_is_the_root_over_its_leaves(files, signer, size):
    log = files(entries(size), signer)
    tiles = AuthenticTiles(log, log.checkpoint)
    hashes = [hash_leaf(entry) for entry in entries(size)]
    for level in range(size.bit_length()):
        for index in range(size >> level):
            assert tiles.node(level, index) == root_of(hashes[index << level : (index + 1) << level])


def test_nodes_above_two_levels_of_tiles(big):
    tiles = AuthenticTiles(big, big.checkpoint)
    hashes = [hash_leaf(entry) for entry in entries(66_000)]
    assert tiles.node(16, 0) == root_of(hashes[:65_536])
    assert tiles.node(9, 100) == root_of(hashes[51_200:51_712])
    assert tiles.node(0, 65_999) == hashes[-1]


def test_every_bundle_is_read(files, signer):
    log = files(entries(600), signer)
    tiles = AuthenticTiles(log, log.checkpoint)
    assert [entry for index in range(3) for entry in tiles.bundle(index)] == entries(600)


def test_a_tile_is_read_once_while_it_is_kept(big, monkeypatch):
    tiles = AuthenticTiles(big, big.checkpoint)
    big.asked.clear()
    for _ in range(3):
        tiles.tile(0, 7)
    assert big.asked == ["tile/0/007", "tile/1/000"]
    # Of more than can be kept, the one that was not used for the longest time goes.
    monkeypatch.setattr("candid.ledger.authentic._KEPT", 3)
    tiles.tile(0, 8)
    tiles.tile(0, 7)
    tiles.tile(0, 9)
    big.asked.clear()
    tiles.tile(0, 7)
    tiles.tile(0, 9)
    assert big.asked == []
    tiles.tile(0, 8)
    assert big.asked[0] == "tile/0/008"


@pytest.mark.parametrize("size", [1, 3, 256, 300, 513])
def test_no_byte_of_a_tile_or_bundle_may_be_another(files, signer, size):
    """Every file, at its first, last and some middle bytes; read through every node and bundle."""
    log = files(entries(size), signer)
    for path in [name for name in log if name.startswith("tile/")]:
        good = log[path]
        for position in {0, 1, len(good) // 3, len(good) // 2, len(good) - 1}:
            changed = bytearray(good)
            changed[position] ^= 1
            log[path] = bytes(changed)
            with pytest.raises(LedgerError):
                read_all(log)
        for wrong in (b"", good[:-1], good + b"\0", good[32:], good + good[-32:]):
            log[path] = wrong
            with pytest.raises(LedgerError):
                read_all(log)
        log[path] = good
    read_all(log)


def read_all(log):
    tiles = AuthenticTiles(log, log.checkpoint)
    for index in range(-(-log.checkpoint.size // 256)):
        tiles.bundle(index)


def test_what_is_wrong_is_said(files, signer):
    log = files(entries(700), signer)
    good = dict(log)
    log["tile/0/002.p/188"] = bytes(188 * 32)
    with pytest.raises(ProofError, match="tiles at the end of the log do not give the root of its checkpoint"):
        AuthenticTiles(log, log.checkpoint)
    log.update(good)
    tiles = AuthenticTiles(log, log.checkpoint)
    log["tile/0/001"] = bytes(8192)
    with pytest.raises(ProofError, match="tile/0/001 does not lead to the root of the checkpoint"):
        tiles.tile(0, 1)
    with pytest.raises(ProofError, match="tile/0/001 does not lead"):
        tiles.bundle(1)
    log["tile/entries/000"] = log["tile/entries/000"].replace(b"17", b"18", 1)
    with pytest.raises(ProofError, match="tile/entries/000 holds an entry that is not the one in the tree"):
        tiles.bundle(0)
    log["tile/0/000"] = bytes(100)
    with pytest.raises(TileError, match="tile/0/000 has 100 bytes, expected 8192"):
        AuthenticTiles(log, log.checkpoint).tile(0, 0)


def test_two_entries_in_each_others_place_are_noticed(files, signer):
    log = files(entries(10), signer)
    log["tile/entries/000.p/10"] = log["tile/entries/000.p/10"].replace(b"\0\x013\0\x014", b"\0\x014\0\x013")
    with pytest.raises(ProofError):
        read_all(log)


def test_a_partial_tile_that_was_removed_is_the_beginning_of_the_full_one(files, signer):
    old, new = files(entries(300), signer), files(entries(600), signer)
    assert read_tile(new, Tile(0, 1, 44)) == old["tile/0/001.p/44"]
    assert read_bundle(new, Tile(ENTRIES, 1, 44)) == old["tile/entries/001.p/44"]
    # So a log can be read as of an older checkpoint.
    new["tile/1/000.p/1"] = old["tile/1/000.p/1"]  # of a level whose tile is not full yet
    tiles = AuthenticTiles(new, old.checkpoint)
    assert [entry for index in range(2) for entry in tiles.bundle(index)] == entries(300)


def test_what_is_missing_is_said(files, signer):
    log = files(entries(300), signer)
    for tile in (Tile(0, 1), Tile(0, 1, 45), Tile(1, 1)):
        with pytest.raises(MissingError):
            read_tile(log, tile)
    for tile in (Tile(ENTRIES, 1), Tile(ENTRIES, 1, 45)):
        with pytest.raises(MissingError):
            read_bundle(log, tile)


def test_a_full_bundle_in_the_place_of_a_partial_one_must_be_whole(files, signer):
    log = files(entries(600), signer)
    log["tile/entries/001"] = log["tile/entries/001"][:-1]
    with pytest.raises(TileError, match="cut off"):
        read_bundle(log, Tile(ENTRIES, 1, 44))
