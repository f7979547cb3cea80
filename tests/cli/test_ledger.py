"""`candid ledger` as its users run it: real processes, their exit codes, and every sentence they may read."""

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from base64 import b64encode
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from candid.ledger import (
    FolderSource,
    Log,
    LogOptions,
    LogReader,
    Policy,
    SigningKey,
    TlogProof,
    VerifierKey,
    Witnesses,
    hash_leaf,
    open_checkpoint,
)
from candid.ledger.keys import Algorithm

SIGNER = SigningKey.generate("candid.local/test", randomness=bytes)
OPTIONS = LogOptions(publish_interval=None)
MARKUP = b'{"name": "[/b] [red]"}'  # what a terminal's own markup would swallow or stumble over
ENTRIES = [MARKUP, "tèxt".encode(), b"\xff\xfe", *(b"%d" % number for number in range(300))]
WITNESS = SigningKey("w.example", Algorithm.COSIGNATURE, bytes([7]) * 32)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format, *args):
        pass


def candid(*arguments, **options):
    """Run `candid ledger …`; a traceback is a failure whatever the exit code."""
    command = [sys.executable, "-m", "candid", "ledger", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **options)
    assert "Traceback" not in done.stderr, done.stderr
    return SimpleNamespace(code=done.returncode, out=done.stdout, err=done.stderr)


def refused(code, message, *arguments):
    done = candid(*arguments)
    assert (done.code, done.err.splitlines()[-1]) == (code, f"candid: {message}")
    return done


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A data folder with a log, an older checkpoint of it, a web server with its files, and files that are none."""
    root = tmp_path_factory.mktemp("site")
    data = root / "data"
    with Log.create(data / "ledger", SIGNER, OPTIONS) as log:
        log.append_many(ENTRIES[:100])
        log.publish()
        (root / "old").write_bytes((data / "ledger" / "checkpoint").read_bytes())
        log.append_many(ENTRIES[100:])
    (root / "log.key").write_text(f"{SIGNER.verifier}\n")
    (root / "nonsense").write_bytes(b"nonsense\n")
    (root / "policy").write_text(f"witness w {WITNESS.verifier}\nquorum w\n")
    with Log.create(root / "other", SIGNER, OPTIONS) as other:
        other.append_many([b"other"] * 400)
    (root / "fork").write_bytes((root / "other" / "checkpoint").read_bytes())
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(data / "ledger")))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield SimpleNamespace(
        root=root, data=data, key=str(SIGNER.verifier), url=f"http://127.0.0.1:{server.server_port}"
    )
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def closed_port():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        yield closed.getsockname()[1]


def test_a_whole_log_is_verified_in_a_folder_and_on_the_web(site):
    root = LogReader.open(FolderSource(site.data / "ledger"), SIGNER.verifier).signed.root
    for place in (("--data", site.data), ("--data", site.data / "ledger"), ("--url", site.url)):
        done = candid("verify", *place, "--log-key", site.root / "log.key", "--extends", site.root / "old")
        assert done.code == 0, done.err
        assert done.out.endswith(f"verified: all 303 entries lead to the root that {SIGNER.name} signed\n")
        assert b64encode(root).decode() in done.out
    done = candid("verify", "--url", site.url + "/", "--log-key", site.key, "--json")
    facts = json.loads(done.out)
    assert facts.pop("seconds") >= 0
    assert facts == {
        "verified": True,
        "origin": SIGNER.name,
        "size": 303,
        "root": b64encode(root).decode(),
        "entry_bytes": sum(map(len, ENTRIES)),
        "tiles": 3,
        "cosigned_by": [],
    }


def test_the_key_of_another_log_of_the_same_name(site):
    twin = SigningKey.generate(SIGNER.name).verifier
    refused(
        2,
        f"not verified: signed by another key of {SIGNER.name} than the one given: by that with the id "
        f"{SIGNER.verifier.key_id.hex()}, and the id of the one given is {twin.key_id.hex()}; ask the operator which "
        "key is the log's, and why there are two",
        *("verify", "--url", site.url, "--log-key", twin),
    )
    other = SigningKey.generate("other.example/log").verifier
    said = f"not verified: not signed by the key given ({other.name}); its signatures are of {SIGNER.name}"
    refused(2, said, "verify", "--url", site.url, "--log-key", other)


def test_a_log_that_is_not_what_it_was_is_refused(site, tmp_path):
    """Exit 1: the answer is no."""
    other = ("--data", site.root / "other", "--log-key", site.key, "--extends", site.root / "old")
    done = candid("verify", *other, "--json")
    reason = "the first 100 entries are not those that the older checkpoint stands for: history was rewritten"
    assert (done.code, json.loads(done.out)) == (1, {"verified": False, "reason": reason})
    assert done.err.splitlines()[-1] == f"candid: not verified: {reason}"
    refused(
        1,
        "not verified: the log was already 400 entries long and now shows 303: entries were taken away",
        *("verify", "--data", site.data, "--log-key", site.key, "--extends", site.root / "fork"),
    )
    refused(
        1,
        "not verified: too few witnesses cosigned this checkpoint (cosigned by no witness of the policy)",
        *("verify", "--data", site.data, "--log-key", site.key, "--witness-policy", site.root / "policy"),
    )
    source, copy = site.data / "ledger", tmp_path / "copy"
    subprocess.run(["cp", "-r", source, copy], check=True)
    (copy / "tile/entries/000").write_bytes((source / "tile/entries/000").read_bytes().replace(b"17", b"18", 1))
    refused(
        1,
        "not verified: tile/0/000 is not what the entries below it give: one of them was changed",
        *("verify", "--data", copy, "--log-key", site.key),
    )
    (copy / "tile/entries/000").unlink()
    refused(
        1, f"not verified: {copy} has no file tile/entries/000", "verify", "--data", copy, "--log-key", site.key
    )
    (copy / "checkpoint").write_bytes((source / "checkpoint").read_bytes().replace(b"\n303\n", b"\n304\n"))
    refused(
        1,
        f"not verified: the signature of {SIGNER.name} is false: the text was changed",
        *("verify", "--data", copy, "--log-key", site.key),
    )
    (copy / "checkpoint").write_bytes(b"half a checkp")
    refused(
        1,
        "not verified: a signed note is a text, an empty line and signature lines; is the file cut off?",
        *("verify", "--data", copy, "--log-key", site.key),
    )


def test_wrong_use_and_bad_input_say_what_to_do(site, tmp_path):
    """Exit 2."""
    root, key = site.root, site.key
    stranger = str(SigningKey("stranger", Algorithm.ED25519, bytes(range(32))).verifier)
    cases = {
        "name the log with either --data DIR or --url URL": ("--log-key", key),
        "name the log with either --data DIR or --url URL ": ("--log-key", key, "--data", "x", "--url", "y"),
        "ftp://x is no address of a log: it has the form https://host/path or http://host:port/path": (
            *("--url", "ftp://x", "--log-key", key),
        ),
        "http://[ is no address of a log: it has the form https://host/path or http://host:port/path": (
            *("--url", "http://[", "--log-key", key),
        ),
        f"not verified: {tmp_path} has no file checkpoint": ("--data", tmp_path, "--log-key", key),
        f"not verified: {site.url}/x/checkpoint answers 404": ("--url", f"{site.url}/x", "--log-key", key),
        "not verified: k is neither a log's public key (name+key id+base64) nor a file that holds one": (
            *("--data", site.data, "--log-key", "k"),
        ),
        f"not verified: {300 * 'k'} is neither a log's public key (name+key id+base64) nor a file that holds one": (
            *("--data", site.data, "--log-key", 300 * "k"),
        ),
        "not verified: a log key (vkey) has the form name+key id+base64, and this has not: 'nonsense'": (
            *("--data", site.data, "--log-key", root / "nonsense"),
        ),
        f"not verified: the key id in the key of {SIGNER.name} does not belong to the key: was it mistyped?": (
            *("--data", site.data, "--log-key", key.replace("+ATt", "+ATu")),
        ),
        f"not verified: not signed by the key given (stranger); its signatures are of {SIGNER.name}": (
            *("--data", site.data, "--log-key", stranger),
        ),
        "not verified: line 1 of the witness policy: expected a line of log, witness, group or quorum in its form": (
            *("--data", site.data, "--log-key", key, "--witness-policy", root / "nonsense"),
        ),
        f"not verified: {root}/none cannot be read: No such file or directory": (
            *("--data", site.data, "--log-key", key, "--witness-policy", root / "none"),
        ),
        f"{root}/none is no checkpoint of the log {SIGNER.name}: "
        f"{root}/none cannot be read: No such file or directory": (
            *("--data", site.data, "--log-key", key, "--extends", root / "none"),
        ),
        f"{root}/nonsense is no checkpoint of the log {SIGNER.name}: a signed note is a text, an empty line and "
        "signature lines; is the file cut off?": (
            *("--data", site.data, "--log-key", key, "--extends", root / "nonsense"),
        ),
    }
    for message, arguments in cases.items():
        refused(2, message.rstrip(), "verify", *arguments)


def test_what_the_key_must_be_is_asked_for():
    done = candid("verify", "--data", "x")
    assert (done.code, "Missing option '--log-key'" in done.err) == (2, True)


def test_a_log_that_cannot_be_reached_is_broken_and_not_false(site, closed_port):
    """Exit 3."""
    url = f"http://127.0.0.1:{closed_port}"
    message = f"{url}/checkpoint cannot be reached: <urlopen error [Errno 111] Connection refused>"
    refused(3, f"not verified: {message}", "verify", "--url", url, "--log-key", site.key)
    refused(3, message, "show", "--url", url, "--log-key", site.key)


def test_a_log_that_stops_to_answer_half_way_is_broken_and_not_false(site, tmp_path):
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-r", site.data / "ledger", copy], check=True)
    (copy / "tile/entries/000").unlink()
    (copy / "tile/entries/000").mkdir()
    message = f"{copy}/tile/entries/000 cannot be read: Is a directory"
    refused(3, f"not verified: {message}", "verify", "--data", copy, "--log-key", site.key)
    refused(3, message, "show", "--data", copy, "--last", "303")


def test_the_newest_entries_are_shown_as_they_are(site):
    done = candid("show", "--data", site.data, "--last", "2", "--json")
    shown = json.loads(done.out)
    leaves = [b64encode(hash_leaf(entry)).decode() for entry in ENTRIES[-2:]]
    assert shown == {
        "origin": SIGNER.name,
        "size": 303,
        "entries": [
            {"index": 301, "leaf_hash": leaves[0], "entry": 298},
            {"index": 302, "leaf_hash": leaves[1], "entry": 299},
        ],
    }
    done = candid("show", "--url", site.url, "--log-key", site.key, "--last", "1000")
    assert done.code == 0, done.err
    rows = done.out.splitlines()
    assert rows[0].rstrip() == f"{SIGNER.name}, 303 entries"
    assert len(rows) == 2 + 303
    assert MARKUP.decode() in rows[2]
    assert '"tèxt"' in rows[3]
    assert '{"base64": "//4="}' in rows[4]


def test_a_proof_is_written_and_verifies_by_itself(site, tmp_path):
    path = tmp_path / "entry.tlog-proof"
    done = candid("prove", "17", "--data", site.data, "-o", path, "--json")
    facts = json.loads(done.out)
    leaf = hash_leaf(ENTRIES[17])
    assert facts == {
        "origin": SIGNER.name,
        "index": 17,
        "size": 303,
        "leaf_hash": b64encode(leaf).decode(),
        "file": str(path),
    }
    assert TlogProof.parse(path.read_bytes()).verify(leaf, SIGNER.verifier).size == 303
    done = candid("prove", "302", "--url", site.url, "--log-key", site.key, "-o", path)
    assert done.out == f"{path} proves entry 302 in the log {SIGNER.name} of 303 entries\n"
    assert TlogProof.parse(path.read_bytes()).index == 302


def test_what_cannot_be_proved(site, tmp_path):
    proof = ("-o", tmp_path / "proof")
    refused(
        2,
        "the published log has 303 entries; there is none at index 303 yet",
        *("prove", "303", "--data", site.data, *proof),
    )
    refused(
        2,
        f"{tmp_path}/none/proof cannot be written: No such file or directory",
        *("prove", "3", "--data", site.data, "-o", tmp_path / "none" / "proof"),
    )
    refused(2, "name the log's public key with --log-key", "prove", "3", "--url", site.url, *proof)
    refused(
        2,
        f"{tmp_path} holds no log's public key; name it with --log-key",
        *("show", "--data", tmp_path),
    )
    assert list(tmp_path.iterdir()) == []


def test_the_public_key(site, tmp_path):
    assert candid("key", "--data", site.data).out == f"{site.key}\n"
    shown = json.loads(candid("key", "--data", site.data, "--json").out)
    assert shown == {"origin": SIGNER.name, "log_key": site.key}
    refused(2, f"{tmp_path} holds no log's public key; name it with --log-key", "key", "--data", tmp_path)


@pytest.fixture
def witnesses(tmp_path):
    """Starts `candid ledger witness` processes, and ends them."""
    running = []

    def start(folder, *arguments):
        ready = tmp_path / f"{folder}-ready-{len(running)}.json"
        command = [sys.executable, "-m", "candid", "ledger", "witness", "--data", tmp_path / folder, "--port", "0"]
        process = subprocess.Popen(
            [*map(str, (*command, "--ready-file", ready, *arguments))], stderr=subprocess.PIPE, text=True
        )
        running.append(process)
        deadline = time.monotonic() + 30
        while not ready.exists():
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return SimpleNamespace(process=process, **json.loads(ready.read_text()))

    yield start
    for process in running:
        process.kill()
        process.communicate()


def test_a_witness_cosigns_remembers_and_ends_cleanly(site, tmp_path, witnesses):
    own = SigningKey.generate("candid.local/witnessed", randomness=bytes)
    first = witnesses("w", "--name", "witness.example/w[/b]", "--log-key", own.verifier)
    policy = f"witness w {first.witness_key} {first.url}\nquorum w\n".encode()
    options = LogOptions(publish_interval=None, witnesses=Witnesses(Policy.parse(policy)))
    with Log.create(tmp_path / "log", own, options) as log:
        log.append(b"entry")
        assert log.publish().size == 1
        (tmp_path / "policy").write_bytes(policy)
        done = candid(
            *("verify", "--data", tmp_path / "log", "--log-key", own.verifier, "--json"),
            *("--witness-policy", tmp_path / "policy"),
        )
        [cosigned] = json.loads(done.out)["cosigned_by"]
        assert (cosigned["name"], abs(cosigned["time"] - time.time()) < 300) == ("witness.example/w[/b]", True)
        first.process.send_signal(signal.SIGTERM)
        _, said = first.process.communicate(timeout=20)
        assert first.process.returncode == 0
        assert said == f"witness witness.example/w[/b] listens on {first.url}\nits key: {first.witness_key}\n"
        older = (tmp_path / "log" / "checkpoint").read_bytes()
    assert open_checkpoint(older, own.verifier).size == 1
    second = witnesses("w", "--log-key", own.verifier)
    assert second.witness_key == first.witness_key
    assert VerifierKey.parse(second.witness_key).algorithm is Algorithm.COSIGNATURE
    refused(
        3,
        f"{tmp_path}/w/state is in use by another process ({second.process.pid}); "
        "a log has one writer: stop the other one first",
        *("witness", "--data", tmp_path / "w", "--port", "0", "--log-key", own.verifier),
    )
    port = second.url.rpartition(":")[2]
    refused(
        2,
        f"cannot listen on 127.0.0.1:{port}: Address already in use; name another port with --port",
        *("witness", "--data", tmp_path / "v", "--name", "v", "--port", port, "--log-key", own.verifier),
    )


def test_a_witness_that_cannot_begin_says_why(site, tmp_path):
    folder, key = ("witness", "--data", tmp_path / "w"), ("--log-key", site.key)
    refused(2, "name the witness with --name; it is asked for once, when its key is made", *folder, *key)
    refused(2, "'a b' cannot name a key: it must have no spaces and no plus signs", *folder, "--name", "a b", *key)
    refused(
        2,
        "x is neither a log's public key (name+key id+base64) nor a file that holds one",
        *(*folder, "--name", "w.example", "--log-key", "x"),
    )
    refused(
        2,
        f"the witness in {tmp_path}/w is w.example, not v.example: use another folder, or its name",
        *(*folder, "--name", "v.example", *key),
    )
    refused(
        2,
        "a witness watches logs by their own keys, not by those of witnesses",
        *(*folder, "--log-key", WITNESS.verifier),
    )
    done = refused(
        2,
        f"{tmp_path}/none/ready cannot be written: No such file or directory",
        *(*folder, *key, "--port", "0", "--ready-file", tmp_path / "none" / "ready"),
    )
    assert "listens on" in done.err
    assert candid(*folder, *key, "--port", "70000").code == 2
    (tmp_path / "w" / "witness.key").chmod(0o644)
    refused(
        2,
        f"others may read the private key {tmp_path}/w/witness.key: run `chmod 600 {tmp_path}/w/witness.key`, "
        "or make a new key",
        *(*folder, *key),
    )


def test_every_command_has_help_with_an_example():
    for command in ("verify", "show", "prove", "key", "witness"):
        done = candid(command, "--help")
        assert done.code == 0
        assert f"Example: candid ledger {command}" in done.out
