"""A log that another implementation wrote (transparency-dev/tessera): we find its published roots in it."""

import pytest

from candid.ledger import FolderSource, LogReader, VerifierKey, verify_log
from candid.ledger.checkpoint import open_checkpoint
from candid.ledger.errors import UnknownKeyError
from candid.ledger.proofs import verify_consistency
from candid.ledger.tree import hash_leaf

# The public key of Tessera's test log, as it stands in its repository beside the log.
KEY = VerifierKey.parse("example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx")
SIZE = 15


@pytest.fixture
def source(foreign_log):
    return FolderSource(foreign_log)


def test_the_whole_log_gives_the_signed_root(source):
    done = verify_log(source, KEY)
    assert (done.signed.origin, done.signed.size) == ("example.com/log/testdata", SIZE)


@pytest.mark.parametrize("size", range(SIZE + 1))
def test_every_published_root_is_found_again(source, foreign_log, size):
    published = open_checkpoint((foreign_log / f"checkpoint.{size}").read_bytes(), KEY).checkpoint
    reader = LogReader.open(source, KEY)
    assert published.size == size
    assert reader.root_at(size) == published.root
    reader.check_extends(published)
    proof = reader.prove_consistency(size)
    verify_consistency(
        old_size=size, old_root=published.root, new_size=SIZE, new_root=reader.signed.root, proof=proof
    )


def test_every_entry_is_proved(source):
    reader = LogReader.open(source, KEY)
    entries = dict(reader.entries())
    assert list(entries) == list(range(SIZE))
    assert entries[0] == b"one"
    for index, entry in entries.items():
        assert reader.prove(index).verify(hash_leaf(entry), KEY).size == SIZE


def test_the_log_as_it_was_at_each_size(source, foreign_log):
    """The partial tiles and bundles that the other implementation left of each size."""
    for size in range(1, SIZE + 1):
        signed = open_checkpoint((foreign_log / f"checkpoint.{size}").read_bytes(), KEY)
        reader = LogReader(source, signed)
        assert len(list(reader.entries())) == size


def test_another_key_does_not_open_it(source, signer):
    with pytest.raises(UnknownKeyError, match=r"its signatures are of example\.com/log/testdata"):
        verify_log(source, signer.verifier)
