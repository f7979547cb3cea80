import pytest
from hypothesis import given
from hypothesis import strategies as st

from candid.ledger.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from candid.ledger.errors import CheckpointError, LedgerError, UnknownKeyError
from candid.ledger.keys import Algorithm, SigningKey
from candid.ledger.notes import sign_note
from candid.ledger.tree import EMPTY_ROOT

ROOT = b"CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
EXAMPLE = b"example.com/behind-the-sofa\n20852163\n" + ROOT + b"\n"
LINES = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20)
WRONG = {
    "nothing": b"",
    "two lines": b"origin\n1\n",
    "no newline at the end": b"origin\n1\n" + ROOT,
    "an empty origin": b"\n1\n" + ROOT + b"\n",
    "an empty extension": b"origin\n1\n" + ROOT + b"\n\n",
    "an empty extension before another": b"origin\n1\n" + ROOT + b"\n\nmore\n",
    "a leading zero": b"origin\n01\n" + ROOT + b"\n",
    "a sign": b"origin\n+1\n" + ROOT + b"\n",
    "a negative size": b"origin\n-1\n" + ROOT + b"\n",
    "a size above 2^63": b"origin\n9223372036854775808\n" + ROOT + b"\n",
    "a short root": b"origin\n1\nQUJD\n",
    "loose base64": b"origin\n1\n" + ROOT.replace(b"2I=", b"2J=") + b"\n",
    "no UTF-8": b"ori\xffgin\n1\n" + ROOT + b"\n",
}


def test_the_example_of_the_specification():
    checkpoint = Checkpoint.parse(EXAMPLE)
    assert (checkpoint.origin, checkpoint.size, checkpoint.extensions) == (
        "example.com/behind-the-sofa",
        20852163,
        (),
    )
    assert checkpoint.text == EXAMPLE


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_checkpoint(name):
    with pytest.raises(CheckpointError):
        Checkpoint.parse(WRONG[name])


@given(LINES, st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32), st.lists(LINES, max_size=3))
def test_checkpoints_are_read_back(origin, size, root, extensions):
    checkpoint = Checkpoint(origin, size, root, tuple(extensions))
    assert Checkpoint.parse(checkpoint.text) == checkpoint


@given(st.binary(max_size=120))
def test_no_bytes_raise_anything_else(data):
    for text in (data, b"origin\n" + data, b"origin\n1\n" + ROOT + b"\n" + data):
        try:
            assert Checkpoint.parse(text).text == text
        except CheckpointError:
            continue


@pytest.mark.parametrize(
    "wrong",
    [
        ("", 1, bytes(32)),
        ("a\nb", 1, bytes(32)),
        ("a", -1, bytes(32)),
        ("a", 1 << 63, bytes(32)),
        ("a", 1, bytes(31)),
    ],
)
def test_what_cannot_be_a_checkpoint(wrong):
    with pytest.raises(CheckpointError):
        Checkpoint(*wrong)


def test_a_signed_checkpoint_is_opened_with_its_key(signer):
    signed = sign_checkpoint(Checkpoint(signer.name, 7, bytes(32)), signer)
    found = open_checkpoint(bytes(signed), signer.verifier)
    assert found == signed
    assert (found.origin, found.size, found.root) == (signer.name, 7, bytes(32))


def test_a_key_signs_only_for_its_own_log(signer):
    with pytest.raises(CheckpointError, match=r"cannot sign for the log another"):
        sign_checkpoint(Checkpoint("another", 7, bytes(32)), signer)
    witness = SigningKey.generate(signer.name, Algorithm.COSIGNATURE)
    with pytest.raises(CheckpointError, match="cannot sign"):
        sign_checkpoint(Checkpoint(signer.name, 7, bytes(32)), witness)


def test_a_checkpoint_of_another_log_is_refused(signer):
    other = SigningKey.generate("another")
    foreign = sign_note(Checkpoint("another", 7, bytes(32)).text, [signer])
    with pytest.raises(CheckpointError, match=r"of another was signed by the key of candid.local/test"):
        open_checkpoint(bytes(foreign), signer.verifier)
    with pytest.raises(UnknownKeyError):
        open_checkpoint(bytes(sign_checkpoint(Checkpoint("another", 7, bytes(32)), other)), signer.verifier)


def test_a_cosignature_is_not_taken_for_the_logs_signature():
    witness = SigningKey.generate("log", Algorithm.COSIGNATURE)
    cosigned = sign_note(Checkpoint("log", 7, bytes(32)).text, [witness], time=5)
    with pytest.raises(CheckpointError):
        open_checkpoint(bytes(cosigned), witness.verifier)


def test_an_empty_log_has_the_hash_of_nothing_as_root(signer):
    open_checkpoint(bytes(sign_checkpoint(Checkpoint(signer.name, 0, EMPTY_ROOT), signer)), signer.verifier)
    with pytest.raises(CheckpointError, match="hash of nothing"):
        open_checkpoint(
            bytes(sign_checkpoint(Checkpoint(signer.name, 0, bytes(32)), signer)), signer.verifier
        )


def test_every_flipped_bit_is_refused(signer):
    data = bytes(sign_checkpoint(Checkpoint(signer.name, 1234, bytes(range(32))), signer))
    for position in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[position] ^= 1 << bit
            with pytest.raises(LedgerError):
                open_checkpoint(bytes(changed), signer.verifier)
