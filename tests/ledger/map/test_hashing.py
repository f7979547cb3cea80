"""The map's root, by the plain recursion that an auditor would write."""

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from candid.ledger.map import EMPTY, map_root
from candid.ledger.map.hashing import DEPTH, bit, leaf_hash, node_hash, split
from candid.ledger.tree import hash_leaf

hashes = st.binary(min_size=32, max_size=32)
# Keys that share many first bits, so that trees are deep as well as wide.
close_keys = st.tuples(st.integers(0, 32), st.binary(min_size=32, max_size=32)).map(
    lambda drawn: (bytes(drawn[0]) + drawn[1])[:32]
)
maps = st.dictionaries(close_keys | hashes, hashes, max_size=20)


def plainly(entries, prefix=""):
    """The definition, with bits as text: nothing is EMPTY, one entry is its leaf, else a node over two halves."""
    mine = {key: value for key, value in entries.items() if bits(key).startswith(prefix)}
    if not mine:
        return bytes(32)
    if len(mine) == 1:
        [(key, value)] = mine.items()
        return sha256(b"\x02" + key + value).digest()
    return sha256(b"\x03" + plainly(mine, prefix + "0") + plainly(mine, prefix + "1")).digest()


def bits(key):
    return f"{int.from_bytes(key, 'big'):0256b}"


@given(maps)
def test_the_root_is_the_definitions(entries):
    assert map_root(entries) == plainly(entries)


@given(maps, st.randoms())
def test_the_order_of_entries_does_not_matter(entries, chance):
    items = list(entries.items())
    chance.shuffle(items)
    assert map_root(dict(items)) == map_root(entries)


@given(maps, maps)
def test_maps_with_one_root_are_one_map(first, second):
    assert (map_root(first) == map_root(second)) == (first == second)


def test_the_empty_map_and_the_deepest():
    assert map_root({}) == EMPTY == bytes(32)
    pair = {bytes(32): bytes(32), bytes(31) + b"\x01": bytes(32)}
    root = node_hash(leaf_hash(bytes(32), bytes(32)), leaf_hash(bytes(31) + b"\x01", bytes(32)))
    for _ in range(DEPTH - 1):
        root = node_hash(root, EMPTY)
    assert map_root(pair) == root


@given(hashes)
def test_bits_are_counted_from_the_first(key):
    assert "".join(str(bit(key, depth)) for depth in range(DEPTH)) == bits(key)


@given(st.lists(hashes, unique=True, max_size=12))
def test_items_are_split_where_the_bit_changes(keys):
    items = [(key, bytes(32)) for key in sorted(keys)]
    assert split(items, 0) == sum(bit(key, 0) == 0 for key in keys)


@given(hashes, hashes)
def test_nothing_of_the_map_can_be_passed_off_as_part_of_the_log(first, second):
    """Leaves and nodes of the two trees are hashes over different first bytes (RFC 6962 has 0 and 1)."""
    whole = {leaf_hash(first, second), node_hash(first, second), hash_leaf(first + second)}
    assert len(whole) == 3
