"""A label's presence or absence is proved through the VRF, and by nobody else's key or label."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from candid.ledger.errors import FormatError, LedgerError, ProofError, VrfError
from candid.ledger.map import LabelMap, LabelProof, VerifiableMap, map_root
from candid.ledger.vrf import PROOF_SIZE, VrfSecretKey

SECRET = VrfSecretKey(bytes(range(32)))
VALUE, VALUE_2 = b"v" * 32, b"w" * 32
LABELS = {b"name:acme": VALUE, b"lei:529900": VALUE_2, b"": VALUE}


@pytest.fixture
def labels(tmp_path):
    with VerifiableMap(tmp_path / "map") as entries:
        yield LabelMap(entries, SECRET)


def test_labels_that_are_there_and_labels_that_are_not(labels):
    version = labels.add(LABELS)
    assert version.count == len(LABELS)
    for label in (*LABELS, b"name:acme ltd", b"NAME:ACME"):
        proof = LabelProof.decode(bytes(labels.prove(label)))
        assert proof.verify(label, key=SECRET.public, root=version.root) == LABELS.get(label)


def test_an_older_version_stays_provable(labels):
    before = labels.add({b"first": VALUE})
    after = labels.add({b"second": VALUE})
    absent = labels.prove(b"second", before)
    assert absent.verify(b"second", key=SECRET.public, root=before.root) is None
    with pytest.raises(ProofError):
        absent.verify(b"second", key=SECRET.public, root=after.root)
    assert labels.prove(b"second").verify(b"second", key=SECRET.public, root=after.root) == VALUE


def test_the_map_is_that_of_a_replay(labels):
    """Whoever has the additions and the secret key gets the same root; the labels are in no file."""
    version = labels.add(LABELS)
    assert version.root == map_root({SECRET.output(label)[:32]: value for label, value in LABELS.items()})
    assert labels.key(b"name:acme") == SECRET.output(b"name:acme")[:32]


def test_the_files_of_a_map_hold_no_label(labels, tmp_path):
    labels.add(LABELS)
    for path in (tmp_path / "map").iterdir():
        assert b"acme" not in path.read_bytes()


def test_a_proof_of_another_label_proves_nothing_of_this_one(labels):
    """The way to hide a customer: show that some other label is absent."""
    root = labels.add(LABELS).root
    elsewhere = labels.prove(b"name:nobody")
    with pytest.raises(VrfError):
        elsewhere.verify(b"name:acme", key=SECRET.public, root=root)
    mixed = LabelProof(labels.prove(b"name:acme").vrf, elsewhere.map)
    with pytest.raises(ProofError):
        mixed.verify(b"name:acme", key=SECRET.public, root=root)


def test_a_proof_by_another_vrf_key_proves_nothing(labels, tmp_path):
    other = VrfSecretKey(bytes(32))
    with VerifiableMap(tmp_path / "other") as entries:
        theirs = LabelMap(entries, other)
        root = theirs.add(LABELS).root
        proof = theirs.prove(b"name:nobody")
    assert proof.verify(b"name:nobody", key=other.public, root=root) is None
    with pytest.raises(VrfError):
        proof.verify(b"name:nobody", key=SECRET.public, root=root)


def test_every_flipped_byte_is_refused(labels):
    root = labels.add({b"%d" % n: VALUE for n in range(6)}).root
    for label in (b"3", b"absent"):
        data = bytes(labels.prove(label))
        for position in (*range(0, PROOF_SIZE, 8), *range(PROOF_SIZE, len(data))):  # test_vrf flips the others
            changed = bytearray(data)
            changed[position] ^= 1
            with pytest.raises(LedgerError):
                LabelProof.decode(bytes(changed)).verify(label, key=SECRET.public, root=root)


@settings(deadline=None)
@given(st.binary(max_size=PROOF_SIZE + 40))
def test_no_bytes_raise_anything_else(data):
    try:
        assert bytes(LabelProof.decode(data)) == data
    except FormatError as error:
        assert len(data) >= PROOF_SIZE or "cut off" in str(error)
