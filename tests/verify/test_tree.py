"""Proofs that several entries are in one tree."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from candid.ledger.proofs import inclusion_ranges
from candid.ledger.tree import root_of
from candid_verify.errors import ProofError
from candid_verify.tree import check_inclusion, leaf_hash

LEAVES = [leaf_hash(b"%d" % number) for number in range(300)]


def beside(indexes, low, high):
    """The proof by the words of the documentation, without its code."""
    if not any(low <= index < high for index in indexes):
        return [root_of(LEAVES[low:high])]
    if high - low == 1:
        return []
    middle = low + max(1 << bit for bit in range(10) if 1 << bit < high - low)
    return beside(indexes, low, middle) + beside(indexes, middle, high)


@st.composite
def chosen(draw):
    size = draw(st.integers(1, 300))
    return size, sorted(draw(st.sets(st.integers(0, size - 1), min_size=1, max_size=9)))


@settings(deadline=None)
@given(chosen(), st.data())
def test_proves_these_entries_of_this_tree_and_nothing_else(found, data):
    size, indexes = found
    root, proof = root_of(LEAVES[:size]), beside(indexes, 0, size)
    leaves = {index: LEAVES[index] for index in indexes}
    check_inclusion(leaves, proof, size=size, root=root)

    one = data.draw(st.sampled_from(indexes))
    place = data.draw(st.integers(0, len(proof)))
    wrong = [
        ({**leaves, one: leaf_hash(b"forged")}, proof, size, root),
        (leaves, [*proof[:place], bytes(32), *proof[place:]], size, root),
        (leaves, [*proof[:place], bytes(32), *proof[place + 1 :]], size, root),
        (leaves, proof, size, bytes(32)),
        (leaves, proof, indexes[-1], root),
    ]
    if proof:
        wrong.append((leaves, proof[:-1], size, root))
    for leaves_, proof_, size_, root_ in wrong:
        with pytest.raises(ProofError):
            check_inclusion(leaves_, proof_, size=size_, root=root_)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 255, 300])
def test_one_entry_needs_the_hashes_of_an_inclusion_proof(size):
    for index in range(size):
        ranges = sorted(inclusion_ranges(index, size))
        assert beside([index], 0, size) == [root_of(LEAVES[low:high]) for low, high in ranges]
