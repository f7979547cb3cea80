"""The published log as evidence reads it: several entries proved at once, and found by their time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.evidence.office import Office

from candid.evidence import EvidenceDamaged
from candid.evidence.view import View, multiproof
from candid.ledger import FolderSource
from candid.ledger.tree import hash_leaf, root_of
from candid_verify.errors import ProofError
from candid_verify.tree import check_inclusion


@given(st.integers(1, 300), st.data())
def test_a_proof_of_several_entries_is_accepted_and_no_longer_than_their_own(size: int, data: st.DataObject):
    leaves = [hash_leaf(b"%d" % number) for number in range(size)]
    indexes = sorted(data.draw(st.sets(st.integers(0, size - 1), min_size=1, max_size=20)))
    proof = multiproof(indexes, size, lambda level, at: root_of(leaves[at << level : (at + 1) << level]))
    known = {index: leaves[index] for index in indexes}
    check_inclusion(known, proof, size=size, root=root_of(leaves))
    assert len(proof) <= len(indexes) * (size - 1).bit_length()
    if proof:
        with pytest.raises(ProofError):
            check_inclusion(known, proof[:-1], size=size, root=root_of(leaves))


def test_entries_are_found_by_their_time(office: Office):
    office.open("Alpha")
    for _ in range(300):
        office.book.call("Alpha")
    office.publish()
    view = View(FolderSource(office.folder / "ledger"), office.signer.verifier)
    times = [view.entry(index)["time"] for index in range(view.size)]
    for index in (0, 1, 255, 256, view.size - 1):
        assert view.first_at(times[index]) == index
        assert view.first_at(times[index] + 1) == index + 1
    assert view.first_at(0) == 0
    assert [index for index, _ in view.scan((b"call/1",))] == [i for i in range(view.size) if "number" in view.entry(i)]
    assert [index for index, _ in view.scan((b"call/1",), 250, 260)] == list(range(250, 260))


def test_there_is_nothing_behind_the_end(office: Office):
    office.publish()
    view = View(FolderSource(office.folder / "ledger"), office.signer.verifier)
    for index in (-1, view.size):
        with pytest.raises(EvidenceDamaged, match="is not among them"):
            view.data(index)
