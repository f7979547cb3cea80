import pytest
from hypothesis import given
from hypothesis import strategies as st

from candid.ledger.errors import FormatError, LedgerError, ProofError, UnknownKeyError
from candid.ledger.keys import SigningKey
from candid.ledger.notes import MAX_NOTE
from candid.ledger.reader import LogReader
from candid.ledger.sources import FolderSource
from candid.ledger.tlogproof import TlogProof
from candid.ledger.tree import hash_leaf

HASH = b"gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=\n"
ROOT = b"sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=\n"
NOTE = b"\nexample.com/fancylog\n109482\n" + ROOT + b"\n\xe2\x80\x94 a QUJDREU=\n"
GOOD = b"c2sp.org/tlog-proof@v1\nextra YWdl\nindex 73894\n" + 2 * HASH + NOTE
WRONG = {
    "nothing": b"",
    "another header": GOOD.replace(b"@v1", b"@v2"),
    "only a header": b"c2sp.org/tlog-proof@v1\n" + NOTE,
    "no checkpoint": GOOD.removesuffix(NOTE),
    "no index": b"c2sp.org/tlog-proof@v1\n" + HASH + NOTE,
    "extra behind the index": b"c2sp.org/tlog-proof@v1\nindex 1\nextra YWdl\n" + NOTE,
    "two extras": GOOD.replace(b"extra YWdl\n", b"extra YWdl\nextra YWdl\n"),
    "loose extra": GOOD.replace(b"YWdl", b"YW=="),
    "a leading zero": GOOD.replace(b"73894", b"073894"),
    "a short hash": GOOD.replace(HASH, b"QUJD\n"),
    "64 hashes": b"c2sp.org/tlog-proof@v1\nindex 73894\n" + 64 * HASH + NOTE,
    "no checkpoint in the note": GOOD.replace(b"109482", b"many"),
    "too large": GOOD + bytes(2 * MAX_NOTE),
}


def test_the_form_of_the_specification():
    proof = TlogProof.parse(GOOD)
    assert (proof.index, len(proof.hashes), proof.extra) == (73894, 2, b"age")
    assert bytes(proof) == GOOD
    plain = GOOD.replace(b"extra YWdl\n", b"")
    assert TlogProof.parse(plain).extra is None
    assert bytes(TlogProof.parse(plain)) == plain


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_proof_file(name):
    with pytest.raises(FormatError):
        TlogProof.parse(WRONG[name])


@given(st.binary(max_size=100))
def test_no_bytes_raise_anything_else(data):
    for candidate in (
        data,
        b"c2sp.org/tlog-proof@v1\n" + data,
        GOOD[:40] + data + GOOD[60:],
        GOOD[:-20] + data,
    ):
        try:
            assert bytes(TlogProof.parse(candidate)) == candidate
        except FormatError:
            continue


def test_a_proof_verifies_for_its_entry_and_its_log_only(workshop):
    log = workshop.create(300)
    reader = LogReader.open(FolderSource(workshop.folder), log.key)
    proof = TlogProof.parse(bytes(reader.prove(17, extra=b"more")))
    assert proof.verify(hash_leaf(b"entry 17"), log.key).size == 300
    with pytest.raises(ProofError, match="not at index 17"):
        proof.verify(hash_leaf(b"entry 18"), log.key)
    with pytest.raises(UnknownKeyError):
        proof.verify(hash_leaf(b"entry 17"), SigningKey.generate("other").verifier)


def test_every_flipped_byte_is_refused(workshop):
    log = workshop.create(21)
    data = bytes(LogReader.open(FolderSource(workshop.folder), log.key).prove(17))
    for position in range(len(data)):
        for mask in (0x01, 0x20, 0x80):
            changed = bytearray(data)
            changed[position] ^= mask
            with pytest.raises(LedgerError):
                TlogProof.parse(bytes(changed)).verify(hash_leaf(b"entry 17"), log.key)
