"""The verifier in Go, built here and run against logs of ours: what we say of a log, another library says too."""

import os
import shutil
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from pathlib import Path

import pytest
from tests.conftest import start_server

from candid.ledger import FolderSource, LedgerError, LogReader, SigningKey, UrlSource, VerifierKey, verify_log
from candid.ledger.keys import Algorithm
from candid.ledger.notes import Note, sign_note
from candid.ledger.receipt import Receipt

SOURCES = Path(__file__).resolve().parents[2] / "verifiers" / "go"
PACKAGES = "/usr/share/gocode"  # where Debian's golang-golang-x-mod-dev lies


@pytest.fixture(scope="module")
def go(tmp_path_factory):
    """The verifier as a function: its arguments → exit code and what it said."""
    if shutil.which("go") is None:
        pytest.skip("no go on the path; verifiers/go/README.md names the packages")
    binary = tmp_path_factory.mktemp("go") / "candid-verify-go"
    path = os.pathsep.join(filter(None, (os.environ.get("GOPATH"), PACKAGES)))
    built = subprocess.run(
        ["go", "build", "-o", binary, "."],
        cwd=SOURCES,
        env={**os.environ, "GO111MODULE": "off", "GOPATH": path, "GOFLAGS": ""},
        capture_output=True,
        text=True,
    )
    if "cannot find package" in built.stderr:
        pytest.skip("go lacks golang.org/x/mod; verifiers/go/README.md names the packages")
    assert built.returncode == 0, built.stderr

    def run(*arguments):
        done = subprocess.run([binary, *map(str, arguments)], capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.fixture(scope="module")
def readable(tmp_path_factory):
    """A log's folder on disk from files in memory."""

    def write(log):
        folder = tmp_path_factory.mktemp("log")
        for path, data in log.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
        return folder

    return write


def entries(size):
    return [b"entry %d" % number for number in range(size)]


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 700])
def test_logs_that_candid_wrote_are_verified(go, workshop, size):
    log = workshop.create(size)
    code, said = go("-key", log.key, "-log", workshop.folder, "-all")
    assert code == 0, said
    assert f"verified: {log.origin} has {size} entries, all under its signed root" in said


def test_a_log_with_three_levels_of_tiles(go, files, readable, signer):
    folder = readable(files(entries(66_000), signer))
    code, said = go("-key", signer.verifier, "-log", folder)
    assert code == 0, said
    assert "has 66000 entries" in said


def test_a_log_that_is_served(go, workshop, servers, tmp_path):
    log = workshop.create(600)
    (tmp_path / "log.key").write_text(f"{log.key}\n")
    with servers.running(servers.Log(workshop.folder)) as server:
        code, said = go("-key", tmp_path / "log.key", "-log", server.url)
        assert code == 0, said
        assert "/log/tile/entries/002.p/88" in server.asked
        code, said = go("-key", log.key, "-log", server.url.replace("/log", "/elsewhere"))
        assert (code, "checkpoint: there is no such file" in said) == (1, True)


def test_the_log_of_a_running_server(go, tmp_path):
    """Over HTTP while it serves calls, from its files, and after its end; and by our own command."""
    running = start_server(tmp_path / "data")
    url, key = f"{running.ready['url']}/log", running.ready["log_public_key"]
    client = running.client()
    client.create_collection(CollectionId="go")
    received = client.list_collections()["ResponseMetadata"]["HTTPHeaders"]["x-candid-receipt"]
    old = tmp_path / "old"
    old.write_bytes(UrlSource(url).read("checkpoint", 10_000))
    for _ in range(300):  # more than a tile
        client.list_collections()
    await_size(url, key, 300)
    for place in (url, running.data / "ledger"):
        code, said = go("-key", key, "-log", place, "-old", old, "-all")
        assert code == 0, said
        assert f"verified: {key.partition('+')[0]} has 3" in said
    own = [sys.executable, "-m", "candid", "ledger", "verify", "--url", url, "--log-key", key, "--extends", old]
    done = subprocess.run(own, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    (tmp_path / "receipt").write_text(f"{received}\n")
    code, said = go("-key", key, "-receipt", tmp_path / "receipt", "-log", url)
    assert (code, "verified: the call is entry" in said) == (0, True), said
    assert go("-key", SigningKey.generate("candid.local/other").verifier, "-log", url)[0] == 1
    assert running.stop() == 0, running.log.read_text()
    code, said = go("-key", key, "-log", running.data / "ledger", "-old", old)
    assert code == 0, said


def test_receipts(go, workshop, files, readable, signer, tmp_path):
    log = workshop.create(300)
    placed = log.append(b"a call")
    note = bytes(Receipt(log.origin, placed).sign(signer))
    file, text = tmp_path / "receipt", urlsafe_b64encode(note)
    for data in (note, text, text.rstrip(b"=") + b"\n"):
        file.write_bytes(data)
        code, said = go("-key", log.key, "-receipt", file)
        assert (code, said) == (0, f"verified: {log.origin} signed that the call is its entry 300\n")
    arguments = ("-key", log.key, "-receipt", file, "-log")
    code, said = go(*arguments, workshop.folder)
    assert (code, "entry 300 is not public: the log shows 300 entries" in said) == (1, True)
    log.publish()
    code, said = go(*arguments, workshop.folder)
    assert (code, said) == (0, f"verified: the call is entry 300 of {log.origin}, which has 301\n")
    other = readable(files([*entries(300), b"another call"], signer))
    assert go(*arguments, other)[0] == 1
    assert go(*arguments, tmp_path / "nowhere")[0] == 1


RECEIPTS = {
    "a changed index": lambda note: note.replace(b"\n3\n", b"\n2\n"),
    "cut off": lambda note: note[:-10],
    "nothing": lambda note: b"",
    "a character that base64url has not": lambda note: urlsafe_b64encode(note).replace(b"Y", b"+", 1),
    "no signature": lambda note: note.partition(b"\n\n")[0] + b"\n",
}


@pytest.mark.parametrize("name", RECEIPTS)
def test_receipts_that_are_none(go, workshop, signer, tmp_path, name):
    log = workshop.create(3)
    note = bytes(Receipt(log.origin, log.append(b"a call")).sign(signer))
    (tmp_path / "receipt").write_bytes(RECEIPTS[name](note))
    assert (tmp_path / "receipt").read_bytes() != note
    code, said = go("-key", log.key, "-receipt", tmp_path / "receipt")
    assert (code, said.startswith("not verified: ")) == (1, True), said


def test_other_notes_of_the_log_are_no_receipts(go, workshop, signer, tmp_path):
    log = workshop.create(3)
    code, said = go("-key", log.key, "-receipt", workshop.folder / "checkpoint")
    assert (code, f"this is no receipt of {log.origin}" in said) == (1, True)
    text = Receipt(log.origin, log.append(b"a call")).text
    for odd in (text.replace(b"\n3\n", b"\n03\n"), text.replace(b"\n3\n", b"\n-3\n"), text.replace(b"=\n", b"\n")):
        assert odd != text
        (tmp_path / "odd").write_bytes(bytes(sign_note(odd, [signer])))
        assert go("-key", log.key, "-receipt", tmp_path / "odd")[0] == 1
    assert go("-key", SigningKey.generate(log.origin).verifier, "-receipt", tmp_path / "odd")[0] == 1


def await_size(url, key, size):
    """Wait until a server has published so many entries."""
    deadline = time.monotonic() + 30
    while LogReader.open(UrlSource(url), VerifierKey.parse(key)).size <= size:
        assert time.monotonic() < deadline, "the log is not published"
        time.sleep(0.1)


def test_a_log_of_another_writer(go, foreign_log):
    key = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
    code, said = go("-key", key, "-log", foreign_log, "-all")
    assert code == 0, said
    assert "has 15 entries" in said
    for size in range(15):
        assert go("-key", key, "-log", foreign_log, "-old", foreign_log / f"checkpoint.{size}")[0] == 0


def test_a_checkpoint_with_cosignatures(go, files, readable, signer):
    log = files(entries(3), signer)
    note = Note.parse(log["checkpoint"])
    witness = SigningKey("w.example", Algorithm.COSIGNATURE, bytes([7]) * 32)
    cosignature = sign_note(note.text, [witness], time=1_700_000_000).signatures[0]
    log["checkpoint"] = bytes(Note(note.text, (*note.signatures, cosignature)))
    assert go("-key", signer.verifier, "-log", readable(log))[0] == 0


def test_our_proof_files(go, workshop, tmp_path):
    log = workshop.create(300)
    reader = LogReader.open(FolderSource(workshop.folder), log.key)
    (tmp_path / "other").write_bytes(b"another entry")
    for index in (0, 255, 256, 299):
        (tmp_path / "proof").write_bytes(bytes(reader.prove(index, extra=b"extra" if index else None)))
        (tmp_path / "entry").write_bytes(reader.entry(index))
        code, said = go("-key", log.key, "-proof", tmp_path / "proof", "-entry", tmp_path / "entry")
        assert code == 0, said
        assert f"the entry is entry {index} of {log.origin}, which has 300" in said
        assert go("-key", log.key, "-proof", tmp_path / "proof", "-entry", tmp_path / "other")[0] == 1
    data = (tmp_path / "proof").read_bytes().replace(b"index 299", b"index 298")
    (tmp_path / "proof").write_bytes(data)
    assert go("-key", log.key, "-proof", tmp_path / "proof", "-entry", tmp_path / "entry")[0] == 1


def test_an_older_checkpoint_and_a_rewritten_history(go, workshop, files, readable, signer, tmp_path):
    log = workshop.create(300)
    old = tmp_path / "old"
    old.write_bytes((workshop.folder / "checkpoint").read_bytes())
    log.append_many([b"more"] * 300)
    log.publish()
    code, said = go("-key", log.key, "-log", workshop.folder, "-old", old)
    assert code == 0, said
    rewritten = readable(files([b"other", *entries(600)[1:]], signer))
    assert go("-key", log.key, "-log", rewritten)[0] == 0  # its own signature is no help against the operator
    assert go("-key", log.key, "-log", rewritten, "-old", old)[0] == 1
    shorter = readable(files(entries(200), signer))
    code, said = go("-key", log.key, "-log", shorter, "-old", old)
    assert (code, "the log had 300 entries and now shows 200" in said) == (1, True)


TAMPERINGS = {
    "a byte of an entry": ("tile/entries/000", lambda data: data[:100] + b"?" + data[101:]),
    "a byte of a tile": ("tile/0/000", lambda data: data[:100] + b"?" + data[101:]),
    "a byte of the last tile": ("tile/0/001.p/44", lambda data: b"?" + data[1:]),
    "a byte of an upper tile": ("tile/1/000.p/1", lambda data: b"?" + data[1:]),
    "a bundle cut off": ("tile/entries/001.p/44", lambda data: data[:-1]),
    "a bundle with one entry more": ("tile/entries/001.p/44", lambda data: data + b"\0\1x"),
    "a tile with one hash more": ("tile/0/001.p/44", lambda data: data + bytes(32)),
    "a tile cut off": ("tile/0/000", lambda data: data[:-32]),
    "an empty bundle": ("tile/entries/000", lambda data: b""),
    "a size": ("checkpoint", lambda data: data.replace(b"\n300\n", b"\n299\n")),
    "a checkpoint cut off": ("checkpoint", lambda data: data[:-20]),
    "no checkpoint": ("checkpoint", lambda data: b""),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_both_verifiers_refuse_what_was_tampered_with(go, files, readable, signer, name):
    path, tamper = TAMPERINGS[name]
    log = files(entries(300), signer)
    log[path] = tamper(log[path])
    folder = readable(log)
    with pytest.raises(LedgerError):
        verify_log(FolderSource(folder), signer.verifier)
    code, said = go("-key", signer.verifier, "-log", folder)
    assert (code, said.startswith("not verified:")) == (1, True), said


def test_an_empty_log_has_one_root(go, files, readable, signer):
    log = files([], signer)
    text = log["checkpoint"].partition(b"\n\n")[0].replace(b"47DEQpj8HBSa", b"57DEQpj8HBSa") + b"\n"
    log["checkpoint"] = bytes(sign_note(text, [signer]))
    code, said = go("-key", signer.verifier, "-log", readable(log))
    assert (code, "do not give the root" in said) == (1, True)


def test_another_key_and_no_key(go, workshop):
    log = workshop.create(3)
    code, said = go("-key", SigningKey.generate(log.origin).verifier, "-log", workshop.folder)
    assert (code, "not signed by this key" in said) == (1, True)
    assert go("-key", "no key", "-log", workshop.folder)[0] == 2
    key = ["-key", log.key]
    for arguments in (
        [],
        key,
        [*key, "-log", "x", "-proof", "y"],
        [*key, "-log", "x", "-receipt", "y", "-all"],
        [*key, "-receipt", "x", "-proof", "y", "-entry", "z"],
        ["-receipt", "x"],
        ["-key", "a+b+c", "x"],
    ):
        assert go(*arguments)[0] == 2
