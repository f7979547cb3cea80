"""The whole log, from its files alone: what is true is established, what was tampered with is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from candid.ledger import Policy, SigningKey, verify_log
from candid.ledger.checkpoint import Checkpoint
from candid.ledger.errors import (
    LedgerError,
    MissingError,
    ProofError,
    QuorumError,
    SignatureError,
    TileError,
    UnknownKeyError,
)
from candid.ledger.keys import Algorithm
from candid.ledger.notes import Note, sign_note

KEY = SigningKey.generate("log.example", randomness=bytes)
WITNESS = SigningKey("w.example", Algorithm.COSIGNATURE, bytes([7]) * 32)


def entries(size):
    return [b"entry %d" % number for number in range(size)]


@pytest.mark.parametrize(
    ("size", "tiles"),
    [(0, 0), (1, 1), (255, 1), (256, 2), (257, 3), (512, 3), (700, 4), (65_536, 258), (65_800, 261)],
)
def test_a_log_of_any_size_is_verified(files, size, tiles):
    done = verify_log(files(entries(size), KEY), KEY.verifier)
    assert (done.signed.size, done.tiles, done.cosignatures) == (size, tiles, ())
    assert done.entry_bytes == sum(map(len, entries(size)))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.binary(max_size=50), max_size=40))
def test_whatever_the_entries_are(files, written):
    done = verify_log(files(written, KEY), KEY.verifier)
    assert (done.signed.size, done.entry_bytes) == (len(written), sum(map(len, written)))


def test_progress_is_told(files):
    said = []
    verify_log(files(entries(66_000), KEY), KEY.verifier, progress=lambda at, of: said.append((at, of)))
    assert said == [(256, 66_000), (65_792, 66_000)]


def test_every_flipped_byte_of_a_small_log_is_found(files):
    log = files(entries(5), KEY)
    for path in list(log):
        good = log[path]
        for position in range(len(good)):
            changed = bytearray(good)
            changed[position] ^= 1
            log[path] = bytes(changed)
            with pytest.raises(LedgerError):
                verify_log(log, KEY.verifier)
        log[path] = good
    verify_log(log, KEY.verifier)


TAMPERINGS = {
    "an entry is altered": (lambda e: [*e[:290], b"altered", *e[291:]], r"tile/0/001\.p/44 is not what the entries"),
    "an entry is dropped": (lambda e: e[:290] + e[291:], "cut off or does not hold exactly 44"),
    "an entry is inserted": (lambda e: [*e[:10], b"new", *e[10:]], "tile/0/000 is not what the entries"),
    "two entries change places": (lambda e: [e[1], e[0], *e[2:]], "tile/0/000 is not what the entries"),
    "an entry is added": (lambda e: [*e, b"new"], "does not hold exactly 44"),
    "the last entry is taken": (lambda e: e[:-1], "does not hold exactly 44"),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_bundles_that_were_tampered_with(files, name):
    """The operator changes entries and leaves the tiles and the checkpoint, to which others hold it."""
    tamper, message = TAMPERINGS[name]
    log, other = files(entries(300), KEY), files(tamper(entries(300)), KEY)
    names = sorted(path for path in log if path.startswith("tile/entries"))
    others = sorted(path for path in other if path.startswith("tile/entries"))
    for path, theirs in zip(names, others, strict=True):
        log[path] = other[theirs]
    with pytest.raises((ProofError, TileError), match=message):
        verify_log(log, KEY.verifier)


@pytest.mark.parametrize("name", TAMPERINGS)
def test_tiles_that_were_rewritten_with_the_entries(files, name):
    """The operator makes everything anew but the checkpoint, which was seen."""
    log, other = files(entries(300), KEY), files(TAMPERINGS[name][0](entries(300)), KEY)
    other["checkpoint"] = log["checkpoint"]
    with pytest.raises((ProofError, MissingError)):
        verify_log(other, KEY.verifier)


def test_a_history_that_was_rewritten_as_a_whole_needs_an_older_checkpoint_to_be_noticed(files):
    """With its own key the operator can sign another log; that is what older checkpoints and witnesses are for."""
    seen = files(entries(300), KEY).checkpoint
    other = files([*entries(17), b"altered", *entries(400)[18:]], KEY)
    verify_log(other, KEY.verifier)
    with pytest.raises(ProofError, match="the first 300 entries are not those"):
        verify_log(other, KEY.verifier, extends=seen)
    with pytest.raises(ProofError, match="entries were taken away"):
        verify_log(files(entries(200), KEY), KEY.verifier, extends=seen)
    with pytest.raises(ProofError, match=r"a checkpoint of other says nothing"):
        verify_log(other, KEY.verifier, extends=Checkpoint("other", 0, seen.root))
    assert verify_log(files(entries(400), KEY), KEY.verifier, extends=seen).signed.size == 400


def test_a_root_that_the_entries_do_not_give(files):
    log = files(entries(300), KEY)
    log.sign(Checkpoint(KEY.name, 300, bytes(32)), KEY)
    with pytest.raises(ProofError, match="the 300 entries do not give the root of the checkpoint"):
        verify_log(log, KEY.verifier)


@pytest.mark.parametrize("path", ["tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/000"])
def test_a_file_that_is_missing(files, path):
    log = files(entries(300), KEY)
    del log[path]
    with pytest.raises(MissingError, match=path.partition(".")[0]):
        verify_log(log, KEY.verifier)


def test_another_key(files):
    log = files(entries(3), KEY)
    with pytest.raises(UnknownKeyError):
        verify_log(log, SigningKey.generate(KEY.name).verifier)


def test_the_cosignatures_that_a_policy_demands(files):
    policy = Policy.parse(f"witness w {WITNESS.verifier}\nquorum w\n".encode())
    log = files(entries(3), KEY)
    with pytest.raises(QuorumError, match="no witness of the policy"):
        verify_log(log, KEY.verifier, policy=policy)
    note = Note.parse(log["checkpoint"])
    given_ = sign_note(note.text, [WITNESS], time=1_700_000_000).signatures[0]
    log["checkpoint"] = bytes(Note(note.text, (*note.signatures, given_)))
    done = verify_log(log, KEY.verifier, policy=policy)
    assert [(found.key, found.time) for found in done.cosignatures] == [(WITNESS.verifier, 1_700_000_000)]
    forged = SigningKey("w.example", Algorithm.COSIGNATURE, bytes([8]) * 32)
    false = given_.__class__(WITNESS.name, WITNESS.verifier.key_id, forged.sign(note.text, time=1_700_000_000))
    log["checkpoint"] = bytes(Note(note.text, (*note.signatures, false)))
    with pytest.raises(SignatureError, match=r"w\.example is false"):
        verify_log(log, KEY.verifier, policy=policy)
