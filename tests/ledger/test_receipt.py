import pytest

from candid.ledger.checkpoint import Checkpoint, sign_checkpoint
from candid.ledger.errors import CheckpointError, FormatError, LedgerError, UnknownKeyError
from candid.ledger.keys import Algorithm, SigningKey
from candid.ledger.notes import sign_note
from candid.ledger.receipt import Receipt
from candid.ledger.sequencer import Sequenced

ENTRY = Sequenced(5, bytes(range(32)), 1_700_000_000_123)


def test_a_receipt_is_read_back(signer):
    receipt = Receipt(signer.name, ENTRY)
    data = bytes(receipt.sign(signer))
    assert data.startswith(b"candid-receipt/v1\ncandid.local/test\n5\nAAECAwQ")
    assert Receipt.open(data, signer.verifier) == receipt


def test_a_receipt_is_of_one_log(signer):
    data = bytes(Receipt(signer.name, ENTRY).sign(signer))
    with pytest.raises(UnknownKeyError):
        Receipt.open(data, SigningKey.generate("other").verifier)
    with pytest.raises(FormatError, match="cannot sign receipts of the log other"):
        Receipt("other", ENTRY).sign(signer)
    with pytest.raises(FormatError, match="cannot sign"):
        Receipt("w", ENTRY).sign(SigningKey.generate("w", Algorithm.COSIGNATURE))
    foreign = sign_note(Receipt("other", ENTRY).text, [signer])
    with pytest.raises(FormatError, match="not one of the log"):
        Receipt.open(bytes(foreign), signer.verifier)


def test_a_checkpoint_is_no_receipt_and_a_receipt_no_checkpoint(signer):
    checkpoint = sign_checkpoint(Checkpoint(signer.name, 5, bytes(32), ("more", "and more")), signer)
    with pytest.raises(FormatError, match="no receipt"):
        Receipt.open(bytes(checkpoint), signer.verifier)
    with pytest.raises(CheckpointError):
        Checkpoint.parse(Receipt(signer.name, ENTRY).text)


@pytest.mark.parametrize(
    ("old", "new"), [(b"\n5\n", b"\n05\n"), (b"\n5\n", b"\n5\n5\n"), (b"AAEC", b""), (b"123\n", b"12.3\n")]
)
def test_a_receipt_has_one_form(signer, old, new):
    text = Receipt(signer.name, ENTRY).text
    with pytest.raises(FormatError):
        Receipt.open(bytes(sign_note(text.replace(old, new), [signer])), signer.verifier)


def test_every_flipped_byte_is_refused(signer):
    data = bytes(Receipt(signer.name, ENTRY).sign(signer))
    for position in range(len(data)):
        changed = bytearray(data)
        changed[position] ^= 1
        with pytest.raises(LedgerError):
            Receipt.open(bytes(changed), signer.verifier)
