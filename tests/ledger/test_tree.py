import json
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from candid.ledger.tree import EMPTY_ROOT, Edge, fold, hash_leaf, hash_node, root_of

VECTORS = json.loads((Path(__file__).parent / "data" / "rfc6962.json").read_text())
LEAVES = [hash_leaf(b"%d" % number) for number in range(70_000)]


def plain_root(leaves):
    """RFC 6962, section 2.1, as it stands there."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return hash_node(plain_root(leaves[:k]), plain_root(leaves[k:]))


@pytest.mark.parametrize("size", range(len(VECTORS["roots"])))
def test_recorded_roots(size):
    leaves = [hash_leaf(bytes.fromhex(entry)) for entry in VECTORS["leaves"][:size]]
    assert root_of(leaves).hex() == VECTORS["roots"][size]


@pytest.mark.parametrize("size", range(300))
def test_the_fast_root_is_the_plain_one(size):
    assert root_of(LEAVES[:size]) == plain_root(LEAVES[:size])


@given(st.lists(st.integers(0, 700), max_size=6))
def test_an_edge_gives_the_root_however_leaves_arrive(steps):
    edge, tiles = Edge(), {}
    for step in steps:
        leaves = b"".join(LEAVES[edge.size : edge.size + step])
        for level, index, data in edge.append(leaves):
            assert tiles.setdefault((level, index), data) is data
    assert edge.size == sum(steps)
    assert edge.root() == plain_root(LEAVES[: edge.size])
    assert sorted(tiles) == [(0, index) for index in range(edge.size // 256)]
    assert all(data == b"".join(LEAVES[256 * index :][:256]) for (_, index), data in tiles.items())


def test_tiles_of_a_tree_of_three_levels():
    edge = Edge()
    full = {(level, index): data for level, index, data in edge.append(b"".join(LEAVES))}
    partial = {(level, index): data for level, index, data in edge.partial_tiles()}
    assert len(full) == 273 + 1
    assert {key: len(data) // 32 for key, data in partial.items()} == {(0, 273): 112, (1, 1): 17, (2, 0): 1}
    assert full[1, 0] == b"".join(fold(full[0, index]) for index in range(256))
    assert edge.root() == plain_root(LEAVES)


def test_a_copy_of_an_edge_is_independent():
    edge = Edge()
    list(edge.append(LEAVES[0]))
    copy = edge.copy()
    list(copy.append(LEAVES[1]))
    assert (edge.size, copy.size) == (1, 2)
    assert edge.root() == LEAVES[0]
    assert Edge().root() == EMPTY_ROOT
