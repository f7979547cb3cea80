"""The state machine of tlog-witness: each answer has the status that the specification gives it."""

import threading
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from candid.ledger import Checkpoint, SigningKey, Witness, hash_leaf, sign_checkpoint
from candid.ledger.encoding import encode_base64
from candid.ledger.errors import KeyFormatError, LogLocked
from candid.ledger.keys import Algorithm
from candid.ledger.notes import Note, sign_note, verify_note
from candid.ledger.proofs import consistency_ranges
from candid.ledger.tree import root_of
from candid.ledger.witness import WitnessRefusal

LOG = SigningKey.generate("log.example", randomness=bytes)
OTHER_LOG = SigningKey("other.example", Algorithm.ED25519, bytes([3]) * 32)
SIGNER = SigningKey("witness.example/w1", Algorithm.COSIGNATURE, bytes([7]) * 32)
ENTRIES = [b"%d" % number for number in range(20)]


def checkpoint(size, entries=ENTRIES, signer=LOG):
    return sign_checkpoint(
        Checkpoint(signer.name, size, root_of(map(hash_leaf, entries[:size]))), signer
    )


def request(old, size, entries=ENTRIES, *, signed=None, proof=None):
    """The body of a request; its proof is the true one of these entries unless another is given."""
    leaves = list(map(hash_leaf, entries))
    if proof is None:
        ranges = consistency_ranges(old, size) if old <= size else []
        proof = [root_of(leaves[low:high]) for low, high in ranges]
    lines = [b"old %d" % old, *map(encode_base64, proof)]
    return b"\n".join(lines) + b"\n\n" + bytes(signed or checkpoint(size, entries))


@pytest.fixture
def witness(tmp_path):
    opened = Witness(tmp_path / "state", SIGNER, [LOG.verifier, OTHER_LOG.verifier], clock=lambda: 1_700_000_000)
    yield opened
    opened.close()


def refused(witness, body):
    with pytest.raises(WitnessRefusal) as caught:
        witness.add_checkpoint(body)
    return caught.value


def cosigned(signed, line):
    """The answer as a client reads it."""
    return verify_note(Note.parse(signed.checkpoint.text + b"\n" + line), [SIGNER.verifier])


def test_it_cosigns_what_extends_what_it_cosigned(witness):
    old = 0
    for size in (0, 1, 1, 5, 8, 20, 20):
        line = witness.add_checkpoint(request(old, size))
        [found] = cosigned(checkpoint(size), line)
        assert (found.key, found.time) == (witness.key, 1_700_000_000)
        old = size


def test_logs_do_not_get_into_each_others_way(witness):
    witness.add_checkpoint(request(0, 5))
    witness.add_checkpoint(request(0, 3, signed=checkpoint(3, signer=OTHER_LOG)))
    witness.add_checkpoint(request(5, 6))


def test_it_keeps_the_newest_checkpoint_for_whoever_asks(witness):
    name = sha256(LOG.name.encode()).hexdigest()
    assert witness.latest(name) is None
    witness.add_checkpoint(request(0, 5))
    witness.add_checkpoint(request(5, 9))
    note = Note.parse(witness.latest(name))
    assert note.text == checkpoint(9).checkpoint.text
    assert len(verify_note(note, [LOG.verifier, witness.key])) == 2
    for unknown in ("", "..", "lock", sha256(b"unwatched").hexdigest()):
        assert witness.latest(unknown) is None


def test_signatures_of_others_are_not_kept(witness):
    signed = checkpoint(3)
    stranger = sign_note(signed.note.text, [SigningKey("stranger", Algorithm.ED25519, bytes(32))])
    note = Note(signed.note.text, (*stranger.signatures, *signed.note.signatures))
    witness.add_checkpoint(b"old 0\n\n" + bytes(note))
    kept = Note.parse(witness.latest(sha256(LOG.name.encode()).hexdigest()))
    assert [line.name for line in kept.signatures] == [LOG.name, SIGNER.name]


def test_it_remembers_across_a_restart(tmp_path):
    witness = Witness(tmp_path, SIGNER, [LOG.verifier])
    witness.add_checkpoint(request(0, 5))
    witness.close()
    again = Witness(tmp_path, SIGNER, [LOG.verifier])
    refusal = refused(again, request(0, 6))
    assert (refusal.status, refusal.size) == (409, 5)
    again.add_checkpoint(request(5, 6))
    again.close()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 0\n",
        b"\n\n",
        b"old 0" + b"\n\n" + b"no note",
        b"new 0\n\n" + bytes(checkpoint(3)),
        b"old\n\n" + bytes(checkpoint(3)),
        b"old 00\n\n" + bytes(checkpoint(3)),
        b"old +0\n\n" + bytes(checkpoint(3)),
        b"old -1\n\n" + bytes(checkpoint(3)),
        b"old 0\r\n\n" + bytes(checkpoint(3)),
        b"old 0\nno hash\n\n" + bytes(checkpoint(3)),
        b"old 0\nQUJD\n\n" + bytes(checkpoint(3)),
        b"old 0\n\n\n" + bytes(checkpoint(3)),
        b"old 0\n" + 64 * (encode_base64(bytes(32)) + b"\n") + b"\n" + bytes(checkpoint(3)),
        b"old 0\n\n" + bytes(sign_note(b"log.example\nno size\n", [LOG])),
        b"old 4\n\n" + bytes(checkpoint(3)),
        request(0, 3) + bytes(1 << 21),
    ],
)
def test_what_is_no_request(witness, body):
    assert refused(witness, body).status == 400


@given(st.binary(max_size=200))
def test_no_bytes_are_cosigned(tmp_path_factory, data):
    witness = Witness(tmp_path_factory.mktemp("state"), SIGNER, [LOG.verifier])
    for body in (data, b"old 0\n\n" + data, b"old 0\n\nlog.example\n" + data):
        assert refused(witness, body).status in (400, 403, 404)
    witness.close()


def test_a_log_that_is_not_watched(witness):
    stranger = SigningKey.generate("stranger.example")
    refusal = refused(witness, request(0, 3, signed=checkpoint(3, signer=stranger)))
    assert (refusal.status, str(refusal)) == (404, "the log stranger.example is not watched here")


def test_a_signature_of_another_key_and_a_false_one(witness):
    namesake = SigningKey.generate(LOG.name)
    assert refused(witness, request(0, 3, signed=checkpoint(3, signer=namesake))).status == 403
    body = request(0, 3).replace(encode_base64(checkpoint(3).root), encode_base64(bytes(32)))
    assert refused(witness, body).status == 403


def test_a_conflict_says_what_was_cosigned_last(witness):
    refusal = refused(witness, request(2, 5))
    assert (refusal.status, refusal.size) == (409, 0)
    witness.add_checkpoint(request(0, 5))
    for old, size in ((0, 5), (3, 8), (6, 8), (0, 3)):
        refusal = refused(witness, request(old, size))
        assert (refusal.status, refusal.size) == (409, 5)
        assert f"the last size cosigned is 5, not {old}" in str(refusal)


FORK = [*ENTRIES[:3], b"another", *ENTRIES[4:]]


def test_a_fork_is_not_proved(witness):
    witness.add_checkpoint(request(0, 5))
    refusal = refused(witness, request(5, 9, FORK))
    assert refusal.status == 422
    assert "history was rewritten" in str(refusal)
    witness.add_checkpoint(request(5, 9))


def test_two_roots_for_one_size_are_a_conflict(witness):
    """Of one size there is one root; the specification gives this the status 409."""
    witness.add_checkpoint(request(0, 5))
    refusal = refused(witness, request(5, 5, FORK))
    assert (refusal.status, refusal.size) == (409, 5)
    assert "another root was cosigned for size 5" in str(refusal)
    empty = sign_checkpoint(Checkpoint(OTHER_LOG.name, 0, bytes(32)), OTHER_LOG)
    assert refused(witness, request(0, 0, signed=empty)).status == 409


@pytest.mark.parametrize("proof", [[], [bytes(32)], [bytes(32)] * 3, [bytes(32)] * 63])
def test_a_proof_that_is_none(witness, proof):
    witness.add_checkpoint(request(0, 5))
    assert refused(witness, request(5, 9, proof=proof)).status == 422
    if proof:
        assert refused(witness, request(5, 5, proof=proof)).status == 422


def test_many_at_once_get_one_answer_for_each_size(witness):
    """Checking and remembering is one step: of several that start from the same size, one is cosigned."""
    answers = []

    def ask(size):
        try:
            answers.append((size, witness.add_checkpoint(request(0, size, ENTRIES))))
        except WitnessRefusal as refusal:
            answers.append((refusal.status, refusal.size))

    threads = [threading.Thread(target=ask, args=(size,)) for size in range(1, 13)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [size] = [size for size, line in answers if isinstance(line, bytes)]
    assert [answer for answer in answers if answer[0] != size] == [(409, size)] * 11


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", range(6))
def test_nothing_is_cosigned_that_is_not_remembered(tmp_path, disks, step, after):
    """Each step of writing fails; the cosignature stays inside, and the next one is of the same history."""
    disk = disks.Faulty(step, after=after)
    witness = Witness(tmp_path, SIGNER, [LOG.verifier], disk=disk)
    refusal = refused(witness, request(0, 5))
    assert refusal.status == 500
    assert "the witness cannot write its state: Input/output error" in str(refusal)
    try:
        witness.add_checkpoint(request(0, 5))
    except WitnessRefusal as again:
        assert (again.status, again.size) == (409, 5)
        witness.add_checkpoint(request(5, 5))
    assert refused(witness, request(5, 8, FORK)).status == 422
    witness.close()


@pytest.mark.parametrize("damage", ["cut", "another log", "a folder", "flipped"])
def test_a_witness_that_cannot_remember_refuses(witness, tmp_path, damage):
    witness.add_checkpoint(request(0, 5))
    [path] = [path for path in (tmp_path / "state").iterdir() if len(path.name) == 64]
    data = path.read_bytes()
    path.unlink()
    match damage:
        case "cut":
            path.write_bytes(data[:50])
        case "another log":
            path.write_bytes(bytes(checkpoint(5)))  # not cosigned by this witness
        case "flipped":
            path.write_bytes(data.replace(b"\n5\n", b"\n4\n"))
        case "a folder":
            path.mkdir()
    refusal = refused(witness, request(5, 6))
    assert refusal.status == 500
    assert "the witness's state of this log is damaged" in str(refusal)


def test_keys_have_their_parts(tmp_path):
    with pytest.raises(KeyFormatError, match="is not for cosignatures: make one for a witness"):
        Witness(tmp_path, LOG, [])
    with pytest.raises(KeyFormatError, match="watches logs by their own keys"):
        Witness(tmp_path, SIGNER, [SIGNER.verifier])


def test_one_process_has_the_state(witness, tmp_path):
    with pytest.raises(LogLocked):
        Witness(tmp_path / "state", SIGNER, [])
