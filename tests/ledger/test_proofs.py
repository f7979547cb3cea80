import random
from functools import cache

import pytest

from candid.ledger.errors import ProofError
from candid.ledger.proofs import (
    prove_consistency,
    prove_inclusion,
    range_hash,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from candid.ledger.tree import EMPTY_ROOT, hash_leaf, hash_node

SIZES = range(1, 301)
LEAVES = [hash_leaf(b"%d" % number) for number in range(300)]


@cache
def read(level, index):
    return (
        LEAVES[index] if level == 0 else hash_node(read(level - 1, 2 * index), read(level - 1, 2 * index + 1))
    )


@cache
def root(size):
    return tree_root(size, read)


def plain_inclusion(index, leaves):
    """RFC 6962, section 2.1.1, as it stands there."""
    if len(leaves) == 1:
        return []
    k = 1 << ((len(leaves) - 1).bit_length() - 1)
    if index < k:
        return [*plain_inclusion(index, leaves[:k]), plain_root(leaves[k:])]
    return [*plain_inclusion(index - k, leaves[k:]), plain_root(leaves[:k])]


def plain_consistency(old, leaves, *, whole=True):
    """SUBPROOF of RFC 6962, section 2.1.2, as it stands there."""
    if old == len(leaves):
        return [] if whole else [plain_root(leaves)]
    k = 1 << ((len(leaves) - 1).bit_length() - 1)
    if old <= k:
        return [*plain_consistency(old, leaves[:k], whole=whole), plain_root(leaves[k:])]
    return [*plain_consistency(old - k, leaves[k:], whole=False), plain_root(leaves[:k])]


def plain_root(leaves):
    if len(leaves) == 1:
        return leaves[0]
    k = 1 << ((len(leaves) - 1).bit_length() - 1)
    return hash_node(plain_root(leaves[:k]), plain_root(leaves[k:]))


@pytest.mark.parametrize("size", SIZES)
def test_a_proof_of_inclusion_for_every_index(size):
    for index in range(size):
        proof = prove_inclusion(index, size, read)
        verify_inclusion(leaf_hash=LEAVES[index], index=index, size=size, root=root(size), proof=proof)


@pytest.mark.parametrize("size", SIZES)
def test_a_proof_of_consistency_from_every_size(size):
    for old in range(size + 1):
        proof = prove_consistency(old, size, read)
        verify_consistency(old_size=old, old_root=root(old), new_size=size, new_root=root(size), proof=proof)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 21, 64, 65])
def test_proofs_are_those_of_the_rfc(size):
    for index in range(size):
        assert prove_inclusion(index, size, read) == plain_inclusion(index, LEAVES[:size])
    for old in range(1, size + 1):
        assert prove_consistency(old, size, read) == plain_consistency(old, LEAVES[:size])


@pytest.mark.parametrize("seed", range(40))
def test_a_changed_proof_of_inclusion_is_refused(seed):
    chance = random.Random(seed)
    size = chance.randint(2, 300)
    index = chance.randrange(size)
    good = {
        "leaf_hash": LEAVES[index],
        "index": index,
        "size": size,
        "root": root(size),
        "proof": prove_inclusion(index, size, read),
    }
    verify_inclusion(**good)
    changes = [
        {"leaf_hash": flip(good["leaf_hash"], chance)},
        {"root": flip(good["root"], chance)},
        {"index": (index + chance.randint(1, size - 1)) % size},
        {"index": -1},
        {"index": size},
        {"proof": good["proof"][:-1]},
        {"proof": [*good["proof"], bytes(32)]},
        {"proof": [*good["proof"][:-1], good["proof"][-1][:31]]},
        *({"proof": proof} for proof in with_one_flipped(good["proof"], chance)),
    ]
    for change in changes:
        with pytest.raises(ProofError):
            verify_inclusion(**(good | change))


@pytest.mark.parametrize("seed", range(40))
def test_a_changed_proof_of_consistency_is_refused(seed):
    chance = random.Random(seed)
    new = chance.randint(2, 300)
    old = chance.randint(1, new - 1)
    good = {
        "old_size": old,
        "old_root": root(old),
        "new_size": new,
        "new_root": root(new),
        "proof": prove_consistency(old, new, read),
    }
    verify_consistency(**good)
    changes = [
        {"old_root": flip(good["old_root"], chance)},
        {"new_root": flip(good["new_root"], chance)},
        {"old_size": new + 1},
        {"old_size": -1},
        {"proof": good["proof"][:-1]},
        {"proof": [*good["proof"], bytes(32)]},
        *({"proof": proof} for proof in with_one_flipped(good["proof"], chance)),
    ]
    for change in changes:
        with pytest.raises(ProofError):
            verify_consistency(**(good | change))


def test_one_size_has_one_root():
    with pytest.raises(ProofError, match="two histories"):
        verify_consistency(old_size=5, old_root=root(5), new_size=5, new_root=root(6), proof=[])


def test_the_empty_log_has_one_root():
    verify_consistency(old_size=0, old_root=EMPTY_ROOT, new_size=9, new_root=root(9), proof=[])
    with pytest.raises(ProofError, match="hash of nothing"):
        verify_consistency(old_size=0, old_root=root(1), new_size=9, new_root=root(9), proof=[])


def test_ranges_are_hashed_like_subtrees():
    assert range_hash(4, 7, read) == plain_root(LEAVES[4:7])
    assert tree_root(0, read) == EMPTY_ROOT


def flip(data, chance):
    position = chance.randrange(len(data))
    return data[:position] + bytes([data[position] ^ chance.randint(1, 255)]) + data[position + 1 :]


def with_one_flipped(proof, chance):
    for i, item in enumerate(proof):
        yield [*proof[:i], flip(item, chance), *proof[i + 1 :]]
