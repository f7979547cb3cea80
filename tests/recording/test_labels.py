"""One version of the map for each customer entry with labels, and what becomes of a map that cannot be used."""

from __future__ import annotations

import pytest

from candid.ledger.errors import LogLocked, MapError
from candid.ledger.map import map_root
from candid.recording.labels import IdentityMap
from candid_verify.labels import label_value

KEYS = [bytes([number]) * 32 for number in range(5)]
LEAVES = [bytes([number]) * 32 for number in range(100, 105)]


@pytest.fixture
def identities(tmp_path):
    found = IdentityMap(tmp_path / "map")
    yield found
    found.close()


def test_a_label_that_comes_again_gets_a_value_of_both_entries(identities):
    identities.add(KEYS[:2], LEAVES[0])
    identities.add(KEYS[1:3], LEAVES[1])
    first, second = label_value(None, LEAVES[0]), label_value(label_value(None, LEAVES[0]), LEAVES[1])
    expected = {KEYS[0]: first, KEYS[1]: second, KEYS[2]: label_value(None, LEAVES[1])}
    assert identities.latest.root == identities.root_of(2) == map_root(expected)
    assert (identities.latest.number, identities.latest.count) == (2, 3)
    assert identities.root_of(1) == map_root({KEYS[0]: first, KEYS[1]: first})


def test_an_entry_without_labels_is_a_version_too(identities):
    assert identities.add([], LEAVES[0]).number == 1


def test_only_what_is_missing_is_added(identities):
    history = [([key], leaf) for key, leaf in zip(KEYS, LEAVES, strict=True)]
    for keys, leaf in history[:2]:
        identities.add(keys, leaf)
    identities.bring_up(history)
    assert identities.latest.number == 5
    root = identities.latest.root
    identities.start_again()
    assert identities.latest.number == 0
    identities.bring_up(history)
    assert identities.latest.root == root


def test_damaged_files_are_made_again(tmp_path, identities):
    identities.add(KEYS, LEAVES[0])
    identities.close()
    (tmp_path / "map" / "nodes").write_bytes(b"something else, and longer than sixteen bytes")
    identities._map = IdentityMap(tmp_path / "map")._map
    assert identities.latest.number == 0


def test_a_second_writer_is_refused(tmp_path, identities):
    with pytest.raises(LogLocked):
        IdentityMap(tmp_path / "map")


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(MapError):
        IdentityMap(tmp_path / "file" / "map")
