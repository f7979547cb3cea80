"""The witness over HTTP, asked as any HTTP client asks."""

import http.client
import logging
from hashlib import sha256

import pytest

from candid.ledger import Checkpoint, SigningKey, Witness, WitnessServer, hash_leaf, sign_checkpoint
from candid.ledger.keys import Algorithm
from candid.ledger.notes import Note, verify_note
from candid.ledger.tree import root_of
from candid.ledger.witness import MAX_REQUEST

LOG = SigningKey.generate("log.example", randomness=bytes)
SIGNER = SigningKey("witness.example/w1", Algorithm.COSIGNATURE, bytes([7]) * 32)
NAME = sha256(b"log.example").hexdigest()


def request(size):
    root = root_of(hash_leaf(b"%d" % number) for number in range(size))
    return b"old 0\n\n" + bytes(sign_checkpoint(Checkpoint(LOG.name, size, root), LOG))


@pytest.fixture
def server(tmp_path, servers):
    witness = Witness(tmp_path, SIGNER, [LOG.verifier])
    with servers.running(WitnessServer(witness)) as running:
        yield running
    witness.close()


@pytest.fixture
def connection(server):
    opened = http.client.HTTPConnection(*server.server_address, timeout=10)
    yield opened
    opened.close()


def ask(connection, method, path, body=None, headers=None):
    connection.request(method, path, body, headers or {})
    reply = connection.getresponse()
    return reply.status, reply.headers, reply.read()


def test_a_cosignature_and_the_checkpoint_that_it_is_of(connection, server):
    assert server.url == f"http://127.0.0.1:{server.server_port}"
    status, headers, body = ask(connection, "POST", "/add-checkpoint", request(3))
    assert (status, headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    text = request(3).partition(b"\n\n")[2].partition(b"\n\n")[0] + b"\n"
    assert verify_note(Note.parse(text + b"\n" + body), [SIGNER.verifier])
    # The connection goes on.
    status, _, body = ask(connection, "GET", f"/{NAME}/checkpoint")
    assert status == 200
    assert len(verify_note(Note.parse(body), [LOG.verifier, SIGNER.verifier])) == 2


def test_a_conflict_is_a_size_of_its_own_type(connection):
    ask(connection, "POST", "/add-checkpoint", request(3))
    status, headers, body = ask(connection, "POST", "/add-checkpoint", request(4))
    assert (status, headers["Content-Type"], body) == (409, "text/x.tlog.size", b"3\n")


def test_refusals_are_said_in_text(connection):
    status, headers, body = ask(connection, "POST", "/add-checkpoint", b"nonsense")
    assert (status, headers["Content-Type"]) == (400, "text/plain; charset=utf-8")
    assert body.startswith(b"expected `old <size>`")


@pytest.mark.parametrize(
    "path", ["/", "/checkpoint", f"/{NAME}", f"/{NAME}/", f"/{NAME}/checkpoint/x", "/lock/checkpoint", "/../x"]
)
def test_nothing_else_is_served(connection, path):
    ask(connection, "POST", "/add-checkpoint", request(3))
    assert ask(connection, "GET", path)[0] == 404


def test_other_paths_take_nothing(connection):
    status, headers, body = ask(connection, "POST", "/add", request(3))
    assert (status, headers["Connection"], body) == (404, "close", b"unknown path\n")


@pytest.mark.parametrize(
    ("length", "status"), [("", 411), ("many", 411), ("-1", 411), ("1_0", 411), (str(MAX_REQUEST + 1), 413)]
)
def test_the_length_is_known_and_allowed_before_anything_is_read(connection, length, status):
    connection.putrequest("POST", "/add-checkpoint")
    connection.putheader("Content-Length", length)
    connection.endheaders()
    reply = connection.getresponse()
    assert (reply.status, reply.headers["Connection"]) == (status, "close")


def test_a_request_without_a_length(connection):
    connection.putrequest("POST", "/add-checkpoint")
    connection.endheaders()
    assert connection.getresponse().status == 411


def test_it_writes_to_the_log_and_not_to_standard_error(connection, capfd, caplog):
    with caplog.at_level(logging.DEBUG, logger="candid.ledger.witness_http"):
        ask(connection, "GET", "/")
    assert any("404" in record.getMessage() for record in caplog.records)
    assert capfd.readouterr().err == ""
