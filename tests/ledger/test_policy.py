import pytest
from hypothesis import given
from hypothesis import strategies as st

from candid.ledger.checkpoint import Checkpoint, sign_checkpoint
from candid.ledger.errors import PolicyError, QuorumError, SignatureError, UnknownKeyError
from candid.ledger.keys import Algorithm, SigningKey
from candid.ledger.notes import Note, Signature, sign_note
from candid.ledger.policy import MAX_POLICY, Policy

LOG = SigningKey("log.example", Algorithm.ED25519, bytes([1]) * 32)
WITNESSES = {
    name: SigningKey(f"{name}.example", Algorithm.COSIGNATURE, name.encode() * 16)
    for name in ("X1", "X2", "X3", "Y1", "Y2", "Y3")
}
LINES = [f"witness {name} {key.verifier}" for name, key in WITNESSES.items()]
EXAMPLE = "\n".join(
    [
        "# the example of tlog-policy",
        f"log {LOG.verifier}",
        "",
        *LINES[:3],
        " \tgroup X-witnesses\t2   X1 X2 X3 ",
        *LINES[3:],
        "group Y-witnesses any Y1 Y2 Y3",
        "group X-and-Y all X-witnesses Y-witnesses",
        "quorum X-and-Y",
    ]
)
X1 = LINES[0]
SAME_KEY = SigningKey("other.example", Algorithm.COSIGNATURE, b"X1" * 16).verifier
WRONG = {
    "no quorum": "",
    "an unknown word": "quorum none\nnonsense",
    "an unknown quorum": "quorum X1",
    "a quorum above its definition": f"quorum X1\n{X1}",
    "two quorums": "quorum none\nquorum none",
    "a quorum of two": f"{X1}\nquorum X1 X1",
    "a witness named none": X1.replace("X1 ", "none ") + "\nquorum none",
    "a name twice": f"{X1}\n{LINES[1].replace('X2 ', 'X1 ')}\nquorum none",
    "a witness's key twice": f"{X1}\nwitness Z {SAME_KEY}\nquorum none",
    "a log's key twice": f"log {LOG.verifier}\nlog {LOG.verifier}\nquorum none",
    "a log with a witness's key": X1.replace("witness X1", "log") + "\nquorum none",
    "a witness with a log's key": f"witness X1 {LOG.verifier}\nquorum none",
    "no key": "log foo\nquorum none",
    "a key of other octets": b"log \xff+00000000+AA==\nquorum none",
    "too many words": f"{X1} http://a http://b\nquorum none",
    "an empty group": f"{X1}\ngroup G all\nquorum none",
    "an unknown member": f"{X1}\ngroup G all X2\nquorum none",
    "none as a member": f"{X1}\ngroup G all none\nquorum none",
    "a member twice": f"{X1}\ngroup G any X1 X1\nquorum none",
    "a member of two groups": f"{X1}\ngroup G any X1\ngroup H any X1\nquorum none",
    "a group of itself": f"{X1}\ngroup G any X1 G\nquorum none",
    "a group named as a witness": f"{X1}\ngroup X1 any X1\nquorum none",
    "zero of one": f"{X1}\ngroup G 0 X1\nquorum none",
    "two of one": f"{X1}\ngroup G 2 X1\nquorum none",
    "a lenient number": f"{X1}\ngroup G +1 X1\nquorum none",
    "a carriage return": "quorum none\r\n",
    "a zero": "quorum none\0",
    "a delete": "quorum none \x7f",
    "a vertical tab": "quorum\vnone",
    "too large": "#" * (MAX_POLICY + 1),
    "too much": "".join(
        f"group {i} all {i - 1}\n" if i else f"witness 0 {WITNESSES['X1'].verifier}\n" for i in range(1025)
    )
    + "quorum none",
}


def checkpoint(*names, size=7):
    """A checkpoint cosigned by these witnesses."""
    signed = sign_checkpoint(Checkpoint(LOG.name, size, bytes(32)), LOG)
    cosigned = [
        sign_note(signed.note.text, [WITNESSES[name]], time=1_700_000_000).signatures[0] for name in names
    ]
    return Note(signed.note.text, (*signed.note.signatures, *cosigned))


def encoded(text):
    return text if isinstance(text, bytes) else text.encode()


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_policy(name):
    with pytest.raises(PolicyError):
        Policy.parse(encoded(WRONG[name]))


def test_errors_name_the_line():
    with pytest.raises(PolicyError, match="line 3 of the witness policy: 'X9' is not defined above"):
        Policy.parse(f"# comment\n{X1}\nquorum X9".encode())


@given(st.binary(max_size=100))
def test_no_bytes_raise_anything_else(data):
    for candidate in (data, b"quorum none\n" + data, X1.encode() + b"\n" + data):
        try:
            Policy.parse(candidate)
        except PolicyError:
            continue


@pytest.mark.parametrize(
    ("names", "enough"),
    [
        ("", False),
        ("X1 X2", False),
        ("Y1 Y2 Y3", False),
        ("X1 Y1", False),
        ("X1 X2 Y1", True),
        ("X3 X2 Y3", True),
        ("X1 X2 X3 Y1 Y2 Y3", True),
    ],
)
def test_the_quorum_of_the_example(names, enough):
    policy = Policy.parse(EXAMPLE.encode())
    note = checkpoint(*names.split())
    assert policy.satisfied_by(name.encode() for name in names.split()) == enough
    if enough:
        signed, cosignatures = policy.open_checkpoint(bytes(note))
        assert (signed.size, len(cosignatures)) == (7, len(names.split()))
        assert {found.time for found in cosignatures} == {1_700_000_000}
    else:
        with pytest.raises(QuorumError, match=r"too few witnesses cosigned this checkpoint \(cosigned by"):
            policy.open_checkpoint(bytes(note))


def test_one_witness_can_be_the_quorum_and_nobody_can():
    policy = Policy.parse(f"{X1} https://witness.example/w1\nquorum X1".encode())
    assert (policy.witnesses[0].url, policy.quorum) == ("https://witness.example/w1", b"X1")
    assert policy.check_cosignatures(checkpoint("X1"))
    with pytest.raises(QuorumError, match="no witness of the policy"):
        policy.check_cosignatures(checkpoint("X2"))
    assert Policy.parse(b"quorum none").check_cosignatures(checkpoint()) == ()


def test_a_witness_counts_once():
    policy = Policy.parse(f"{X1}\n{LINES[1]}\ngroup G 2 X1 X2\nquorum G".encode())
    with pytest.raises(QuorumError):
        policy.check_cosignatures(checkpoint("X1", "X1"))


def test_a_stripped_witness_is_noticed():
    policy = Policy.parse(f"{X1}\n{LINES[1]}\ngroup G 2 X1 X2\nquorum G".encode())
    note = checkpoint("X1", "X2")
    policy.check_cosignatures(note)
    with pytest.raises(QuorumError):
        policy.check_cosignatures(Note(note.text, note.signatures[:-1]))


def test_a_cosignature_of_another_checkpoint_is_false():
    policy = Policy.parse(f"{X1}\nquorum X1".encode())
    moved = Note(checkpoint().text, (*checkpoint().signatures, checkpoint("X1", size=6).signatures[1]))
    with pytest.raises(SignatureError, match=r"X1.example is false"):
        policy.check_cosignatures(moved)


def test_a_log_that_is_not_in_the_policy_is_refused():
    policy = Policy.parse(f"log {LOG.verifier} https://log.example\nquorum none".encode())
    assert policy.logs[0].url == "https://log.example"
    assert policy.open_checkpoint(bytes(checkpoint()))[0].origin == LOG.name
    with pytest.raises(UnknownKeyError):
        Policy.parse(b"quorum none").open_checkpoint(bytes(checkpoint()))


def test_the_cosignature_line_is_that_of_the_specification():
    key = WITNESSES["X1"]
    line = checkpoint("X1").signatures[1]
    assert isinstance(line, Signature)
    assert line.key_id == key.verifier.key_id
    assert len(line.payload) == 8 + 64
