import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from candid.ledger import FolderSource, LogReader, SigningKey, hash_leaf, read_checkpoint
from candid.ledger.checkpoint import Checkpoint
from candid.ledger.errors import (
    CheckpointError,
    LedgerError,
    MissingError,
    NoteError,
    ProofError,
    UnknownKeyError,
)
from candid.ledger.proofs import verify_consistency
from candid.ledger.tlogproof import TlogProof
from candid.ledger.tree import EMPTY_ROOT, root_of

SIZE = 600
KEY = SigningKey.generate("log.example", randomness=bytes)
ENTRIES = [b"entry %d" % number for number in range(SIZE)]


@pytest.fixture(scope="module")
def log(files):
    return files(ENTRIES, KEY)


@pytest.fixture
def reader(log):
    return LogReader.open(log, KEY.verifier)


def test_all_entries_in_order(reader):
    assert reader.size == SIZE
    assert list(reader.entries()) == list(enumerate(ENTRIES))


@settings(max_examples=40)
@given(st.integers(0, SIZE + 5), st.none() | st.integers(0, SIZE + 300))
def test_any_stretch_of_entries(log, start, stop):
    reader = LogReader.open(log, KEY.verifier)
    assert [entry for _, entry in reader.entries(start, stop)] == ENTRIES[start:stop]


@pytest.mark.parametrize("index", [0, 255, 256, 599])
def test_one_entry_and_its_proof(reader, index):
    assert reader.entry(index) == ENTRIES[index]
    proof = TlogProof.parse(bytes(reader.prove(index, extra=b"note")))
    assert proof.extra == b"note"
    assert proof.verify(hash_leaf(ENTRIES[index]), KEY.verifier).size == SIZE
    with pytest.raises(ProofError):
        proof.verify(hash_leaf(b"another"), KEY.verifier)


@pytest.mark.parametrize("index", [-1, SIZE, 10**9])
def test_there_is_no_other_entry(reader, index):
    message = f"the log has 600 entries; there is none at index {index}"
    with pytest.raises(ProofError, match=message):
        reader.entry(index)
    with pytest.raises(ProofError, match=message):
        reader.prove(index)


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 512, 599, 600])
def test_what_the_log_was_before(reader, log, size):
    root = root_of(map(hash_leaf, ENTRIES[:size]))
    assert reader.root_at(size) == root
    verify_consistency(
        old_size=size, old_root=root, new_size=SIZE, new_root=log.root, proof=reader.prove_consistency(size)
    )
    reader.check_extends(Checkpoint(KEY.name, size, root))


@pytest.mark.parametrize("size", [-1, SIZE + 1])
def test_what_the_log_never_was(reader, size):
    with pytest.raises(ProofError, match=f"so it has no root of {size}"):
        reader.root_at(size)
    with pytest.raises(ProofError):
        reader.prove_consistency(size)


def test_what_does_not_extend_is_told_apart(reader):
    with pytest.raises(ProofError, match=r"a checkpoint of other says nothing about the log log\.example"):
        reader.check_extends(Checkpoint("other", 0, EMPTY_ROOT))
    with pytest.raises(ProofError, match="already 601 entries long and now shows 600: entries were taken away"):
        reader.check_extends(Checkpoint(KEY.name, 601, bytes(32)))
    with pytest.raises(ProofError, match=r"the first 300 entries are not those .* history was rewritten"):
        reader.check_extends(Checkpoint(KEY.name, 300, bytes(32)))
    with pytest.raises(ProofError, match="history was rewritten"):
        reader.check_extends(Checkpoint(KEY.name, 0, bytes(32)))


def test_a_changed_entry_is_not_given_out(files):
    log = files(ENTRIES, KEY)
    log["tile/entries/001"] = log["tile/entries/001"].replace(b"entry 400", b"entry 4oo")
    reader = LogReader.open(log, KEY.verifier)
    assert reader.entry(0) == ENTRIES[0]
    with pytest.raises(ProofError, match="tile/entries/001"):
        reader.entry(256)


def test_a_split_view_is_noticed_by_whoever_kept_a_checkpoint(files):
    """The operator shows another auditor a log that lacks one entry, with the same key and the same size."""
    ours, theirs = files(ENTRIES, KEY), files([*ENTRIES[:17], b"another", *ENTRIES[18:]], KEY)
    with pytest.raises(ProofError, match="history was rewritten"):
        LogReader.open(theirs, KEY.verifier).check_extends(ours.checkpoint)


def test_the_checkpoint_must_be_the_logs(files, tmp_path):
    log = files(ENTRIES[:3], KEY)
    with pytest.raises(UnknownKeyError):
        read_checkpoint(log, SigningKey.generate("log.example").verifier)
    with pytest.raises(MissingError, match="has no file checkpoint"):
        read_checkpoint(FolderSource(tmp_path), KEY.verifier)
    log["checkpoint"] = b""
    with pytest.raises(NoteError):
        read_checkpoint(log, KEY.verifier)


def test_a_checkpoint_of_more_entries_than_there_are_is_refused(files):
    log = files(ENTRIES[:3], KEY)
    log.sign(Checkpoint(KEY.name, 4, bytes(32)), KEY)
    with pytest.raises(MissingError):
        LogReader.open(log, KEY.verifier)
    log.sign(Checkpoint("log.example", 3, bytes(32)), KEY)
    with pytest.raises(ProofError):
        LogReader.open(log, KEY.verifier)
    with pytest.raises(CheckpointError):
        log.sign(Checkpoint("other", 3, log.root), KEY)


def test_every_flipped_byte_of_a_checkpoint_is_refused(files):
    log = files(ENTRIES[:3], KEY)
    good = log["checkpoint"]
    for position in range(len(good)):
        changed = bytearray(good)
        changed[position] ^= 1
        log["checkpoint"] = bytes(changed)
        with pytest.raises(LedgerError):
            LogReader.open(log, KEY.verifier)
