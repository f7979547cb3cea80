"""Witnesses from the log's side: real witnesses over HTTP, and answers of witnesses that are broken or lie."""

import socket
import threading
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from candid.ledger import (
    Checkpoint,
    Log,
    LogOptions,
    Policy,
    SigningKey,
    Witness,
    Witnesses,
    WitnessServer,
    hash_leaf,
    sign_checkpoint,
    verify_log,
)
from candid.ledger.errors import (
    LogForked,
    LogRolledBack,
    QuorumError,
    WitnessAhead,
    WitnessDisputes,
    WitnessError,
)
from candid.ledger.keys import Algorithm
from candid.ledger.notes import sign_note, verify_note
from candid.ledger.proofs import consistency_ranges
from candid.ledger.sources import FolderSource
from candid.ledger.tree import root_of
from candid.ledger.witnessing import WitnessClient

LOG = SigningKey.generate("log.example", randomness=bytes)
ENTRIES = [b"%d" % number for number in range(20)]
FORK = [b"another", *ENTRIES[1:]]
KEYS = [SigningKey(f"w{n}.example", Algorithm.COSIGNATURE, bytes([7 + n]) * 32) for n in range(3)]


def checkpoint(size, entries=ENTRIES):
    return sign_checkpoint(Checkpoint(LOG.name, size, root_of(map(hash_leaf, entries[:size]))), LOG)


def prover(size, entries=ENTRIES):
    leaves = list(map(hash_leaf, entries))
    return lambda old: [root_of(leaves[low:high]) for low, high in consistency_ranges(old, size)]


class Village:
    """Three witnesses that run, and a policy about them."""

    def __init__(self, root, servers, stack, own):
        self.root, self.servers, self.stack, self.own, self.running = root, servers, stack, own, {}
        for number in range(3):
            self.start(number)

    def start(self, number):
        folder = self.root / f"w{number}"
        witness = Witness(folder, KEYS[number], [LOG.verifier, self.own])
        self.stack.callback(witness.close)
        self.running[number] = self.stack.enter_context(self.servers.running(WitnessServer(witness)))

    def policy(self, quorum, *, down=(), without_address=()):
        lines = []
        for number, key in enumerate(KEYS):
            url = "http://127.0.0.1:1" if number in down else self.running[number].url
            lines.append(f"witness w{number} {key.verifier}" + ("" if number in without_address else f" {url}"))
        lines += [f"group g {quorum} w0 w1 w2", "quorum g"] if quorum else ["quorum none"]
        return Policy.parse("\n".join(lines).encode())

    def witnesses(self, quorum, **options):
        return Witnesses(self.policy(quorum, **options), timeout=5)


@pytest.fixture
def village(tmp_path, servers, signer):
    with ExitStack() as stack:
        yield Village(tmp_path / "village", servers, stack, signer.verifier)


def names(note):
    return sorted(found.key.name for found in verify_note(note, [key.verifier for key in KEYS]))


def test_all_that_answer_cosign(village):
    witnesses = village.witnesses(3)
    for size in (0, 3, 3, 8, 20):
        assert names(witnesses.cosign(checkpoint(size), prover(size))) == [key.name for key in KEYS]


@pytest.mark.parametrize(("quorum", "down", "enough"), [(2, (0,), True), (1, (0, 2), True), (2, (0, 2), False)])
def test_as_many_as_the_policy_demands_must_answer(village, quorum, down, enough):
    witnesses = village.witnesses(quorum, down=down)
    if enough:
        assert len(names(witnesses.cosign(checkpoint(3), prover(3)))) == 3 - len(down)
        return
    with pytest.raises(QuorumError, match=r"cosigned by w1.example\): the witness w0.example cannot be reached"):
        witnesses.cosign(checkpoint(3), prover(3))


def test_a_witness_without_an_address_is_not_asked(village):
    witnesses = village.witnesses(3, without_address=(1,))
    with pytest.raises(QuorumError, match=r"w0.example, w2.example\): the others have no address"):
        witnesses.cosign(checkpoint(3), prover(3))


def test_a_policy_that_demands_nobody(village):
    assert len(names(village.witnesses(0).cosign(checkpoint(3), prover(3)))) == 3
    policy = Policy.parse(b"quorum none\n")
    assert Witnesses(policy).cosign(checkpoint(3), prover(3)) == checkpoint(3).note


def test_what_a_witness_knows_is_asked_for_when_it_is_not_known_here(village):
    """As after a start: the first question begins at nothing, and the answer says where the witness is."""
    village.witnesses(3).cosign(checkpoint(5), prover(5))
    for size in (5, 9):
        assert len(names(village.witnesses(3).cosign(checkpoint(size), prover(size)))) == 3


def test_a_witness_that_lost_its_memory_starts_anew(village):
    witnesses = village.witnesses(3)
    witnesses.cosign(checkpoint(5), prover(5))
    client = WitnessClient(KEYS[0].verifier, village.running[0].url)
    client._known = 7  # it was told so before
    assert client.cosign(checkpoint(9), prover(9)).name == KEYS[0].name
    assert client._known == 9


def test_a_witness_that_is_ahead_stops_a_log_that_was_rolled_back(village):
    village.witnesses(3).cosign(checkpoint(9), prover(9))
    with pytest.raises(WitnessAhead, match="has cosigned this log with 9 entries, and it has 5"):
        village.witnesses(1).cosign(checkpoint(5), prover(5))


@pytest.mark.parametrize("size", [9, 12])
def test_a_witness_that_saw_other_entries_stops_a_fork(village, size):
    """Also where the fork is just as long: then the witness has another root for the same size."""
    village.witnesses(3).cosign(checkpoint(9), prover(9))
    with pytest.raises(WitnessDisputes, match="knows other entries of this log"):
        village.witnesses(1).cosign(checkpoint(size, FORK), prover(size, FORK))


def test_a_fork_of_what_this_very_client_had_cosigned(village):
    witnesses = village.witnesses(1)
    witnesses.cosign(checkpoint(9), prover(9))
    with pytest.raises(WitnessDisputes):
        witnesses.cosign(checkpoint(9, FORK), prover(9, FORK))


class Strange(BaseHTTPRequestHandler):
    """A witness that answers whatever its server says, the last answer again and again."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        answers = self.server.answers
        status, body = answers.pop(0) if len(answers) > 1 else answers[0]
        if status is None:
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        pass


@pytest.fixture
def strange(servers):
    with servers.running(servers.Log(Path(), Strange)) as server:
        yield server


def line(size=3, key=KEYS[0], time=1_700_000_000):
    return sign_note(checkpoint(size).note.text, [key], time=time).signatures[0].line


@pytest.mark.parametrize(
    ("answers", "kind", "message"),
    [
        ([(200, b"")], WitnessError, "w0.example sent no valid cosignature"),
        ([(200, b"nonsense\n")], WitnessError, "w0.example sent no valid cosignature"),
        ([(200, line(key=KEYS[1]))], WitnessError, "sent no valid cosignature"),
        ([(200, line(size=4))], WitnessError, "sent no valid cosignature"),
        ([(200, line() * 65)], WitnessError, "sent no valid cosignature"),
        ([(409, b"many\n")], WitnessError, "the size that the witness has: expected a decimal number"),
        ([(409, b"")], WitnessError, "the size that the witness has"),
        ([(409, b"4\n")], WitnessAhead, "with 4 entries, and it has 3"),
        ([(409, b"3\n")], WitnessDisputes, "knows other entries"),
        ([(409, b"0\n")], WitnessError, "answers 409: 0"),
        ([(409, b"2\n"), (409, b"1\n")], WitnessError, "answers 409: 1"),
        ([(422, b"no\n")], WitnessDisputes, "knows other entries of this log: no"),
        ([(404, b"the log is unknown\n")], WitnessError, "answers 404: the log is unknown"),
        ([(403, b"\xff\xfe")], WitnessError, "answers 403"),
        ([(500, b"x" * 5000)], WitnessError, "answers 500: x{200}$"),
        ([(None, b"")], WitnessError, "w0.example cannot be reached"),
    ],
)
def test_a_witness_that_answers_strangely_is_no_cosignature(strange, answers, kind, message):
    strange.answers = list(answers)
    with pytest.raises(WitnessError, match=message) as caught:
        WitnessClient(KEYS[0].verifier, strange.url).cosign(checkpoint(3), prover(3))
    assert type(caught.value) is kind


def test_cosignatures_of_others_in_an_answer_are_ignored(strange):
    strange.answers = [(200, line(key=KEYS[1]) + line() + line(key=KEYS[2]))]
    found = WitnessClient(KEYS[0].verifier, strange.url).cosign(checkpoint(3), prover(3))
    assert found.line == line()


@pytest.mark.parametrize("url", ["ftp://w", "w.example", "http://", "http://[", "http://w:99999", "http://w/ä"])
def test_what_is_no_address_of_a_witness(url):
    with pytest.raises(WitnessError, match="has no address of http or https"):
        WitnessClient(KEYS[0].verifier, url)
    policy = Policy.parse(f"witness w {KEYS[0].verifier} {url}\nquorum w\n".encode())
    with pytest.raises(WitnessError):
        Witnesses(policy)


def test_a_log_is_public_once_enough_witnesses_cosigned(village, workshop):
    log = workshop.create(300, witnesses=village.witnesses(2, down=(2,)))
    assert log.checkpoint.size == 300
    done = verify_log(FolderSource(workshop.folder), log.key, policy=village.policy(2))
    assert sorted(found.key.name for found in done.cosignatures) == [KEYS[0].name, KEYS[1].name]


def test_without_a_quorum_a_log_takes_entries_and_shows_none(village, workshop):
    log = workshop.create(witnesses=village.witnesses(3, down=(2,)))
    assert log.checkpoint is None
    assert log.append(b"taken").index == 0
    with pytest.raises(QuorumError):
        log.publish()
    assert "too few witnesses" in log.status().failure
    assert log.status().published == 0
    log.close()
    log = workshop.open(witnesses=village.witnesses(3))
    assert log.checkpoint.size == 1
    assert log.status().failure is None


def test_witnesses_notice_an_older_copy_where_there_is_no_guard(village, workshop):
    log = workshop.create(10, witnesses=village.witnesses(2))
    with log.frozen():
        older = workshop.copy("older")
    log.append(b"later")
    log.publish()
    options = LogOptions(publish_interval=None, witnesses=village.witnesses(2))
    with pytest.raises(LogRolledBack, match="an older copy of the log was restored"):
        Log.open(older, workshop.signer, options)


def test_witnesses_notice_a_fork_and_the_log_takes_no_more(village, workshop):
    log = workshop.create(10, witnesses=village.witnesses(2))
    with log.frozen():
        other = workshop.copy("other")
    log.append(b"ours")
    log.publish()
    with Log.open(other, workshop.signer, LogOptions(publish_interval=None)) as fork:
        fork.append_many([b"theirs", b"and more"])
    with pytest.raises(LogForked, match="knows other entries of this log"):
        Log.open(other, workshop.signer, LogOptions(publish_interval=None, witnesses=village.witnesses(2)))


def test_a_running_log_that_is_refused_says_why_to_every_caller(village, workshop):
    """Another process went on with a copy of it, and the witnesses heard of that first."""
    log = workshop.create(10, witnesses=village.witnesses(2))
    with log.frozen():
        other = workshop.copy("other")
    options = LogOptions(publish_interval=None, witnesses=village.witnesses(2))
    with Log.open(other, workshop.signer, options) as fork:
        fork.append_many([b"theirs"] * 5)
    log.append(b"ours")
    with pytest.raises(LogRolledBack):
        log.publish()
    failures = []

    def append():
        try:
            log.append(b"more")
        except LogRolledBack as error:
            failures.append(str(error))

    threads = [threading.Thread(target=append) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(failures) == 4
    assert all("an older copy of the log was restored" in failure for failure in failures)
    assert log.size == 11
