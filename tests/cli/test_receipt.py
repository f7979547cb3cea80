"""`candid receipt` as its users run it: real processes, exit codes, and every sentence they may read."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from base64 import b64encode, urlsafe_b64decode
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.client.conftest import SIGNER, Operator, call_entry, reply

from candid.ledger import SigningKey
from candid.ledger.receipt import Receipt
from candid.ledger.sequencer import Sequenced

KEY = str(SIGNER.verifier)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format, *args):
        pass


def candid(*arguments, stdin: str = "") -> SimpleNamespace:
    """Run `candid receipt …`; a traceback is a failure whatever the exit code."""
    code = "from candid.cli.receipt import receipt; receipt(prog_name='candid receipt')"
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, timeout=60, input=stdin
    )
    assert "Traceback" not in done.stderr, done.stderr
    return SimpleNamespace(code=done.returncode, out=done.stdout, err=done.stderr)


def refused(code: int, message: str, *arguments, stdin: str = "") -> SimpleNamespace:
    done = candid(*arguments, stdin=stdin)
    assert (done.code, done.err.splitlines()[-1]) == (code, f"candid: {message}")
    return done


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[SimpleNamespace]:
    """A log, a web server with its files, and what callers hold of it."""
    root = tmp_path_factory.mktemp("site")
    operator = Operator(root / "data" / "ledger")
    replies = [operator.serve() for _ in range(3)]
    operator.log.publish()
    late = operator.serve()  # not published
    other = Operator(root / "other", SigningKey.generate("other.example/log"))
    foreign = other.serve()
    fork = Operator(root / "fork")
    fork.enter(call_entry(7))
    fork.log.publish()
    files = {
        "log.key": f"{KEY}\n".encode(),
        "receipt": f"{replies[1].receipt}\n".encode(),
        "padded": f"{replies[1].receipt}{'=' * (-len(replies[1].receipt) % 4)}".encode(),
        "note": urlsafe_b64decode(replies[1].receipt + "==="),
        "late": late.receipt.encode(),
        "foreign": foreign.receipt.encode(),
        "nonsense": b"nonsense!\n",
        "bytes": b"\xff\xfe",
        "empty": b"",
        "json": b"{}",
        "good.jsonl": b"".join(each.line() for each in replies),
        "pending.jsonl": replies[0].line() + late.line(),
        "bad.jsonl": b"".join([reply(9).line(), *(each.line() for each in replies), b"damaged\n", foreign.line()]),
        "old.jsonl": replies[0].line() + replace(late, time=1000).line(),
        "fork.checkpoint": (root / "fork" / "checkpoint").read_bytes(),
    }
    for name, data in files.items():
        (root / name).write_bytes(data)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(root / "data" / "ledger")))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    yield SimpleNamespace(root=root, url=url, data=root / "data", replies=replies, operator=operator)
    server.shutdown()
    thread.join()
    server.server_close()
    for each in (operator, other, fork):
        each.log.close()


@pytest.fixture(scope="module")
def closed_port() -> Iterator[int]:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        yield closed.getsockname()[1]


@pytest.mark.parametrize("name", ["receipt", "padded", "note"])
def test_a_receipt_is_verified_offline(site, name: str) -> None:
    done = candid("verify", site.root / name, "--log-key", site.root / "log.key")
    assert (done.code, done.out) == (
        0,
        f"verified: {SIGNER.name} signed that the call is its entry 1, of 2027-01-15T08:00:00Z\n",
    )


def test_a_receipt_on_standard_input_and_in_the_log(site) -> None:
    for where in (("--url", site.url), ("--data", site.data), ("--data", site.data / "ledger")):
        done = candid("verify", "-", "--log-key", KEY, *where, "--json", stdin=site.replies[1].receipt)
        assert done.code == 0, done.err
        placed = Receipt.open((site.root / "note").read_bytes(), SIGNER.verifier).entry
        facts = json.loads(done.out)
        assert facts == {
            "verified": True,
            "origin": SIGNER.name,
            "index": 1,
            "leaf_hash": b64encode(placed.leaf_hash).decode(),
            "time": placed.time,
            "tree_size": 3,
            "root": facts["root"],
            "entry": json.loads(call_entry(2)),
        }
    done = candid("verify", site.root / "receipt", "--log-key", KEY, "--url", site.url)
    assert done.out.endswith("verified: the log of 3 entries keeps it: DetectFaces, outcome ok, image-group-2: 1\n")


def test_a_receipt_that_the_log_does_not_keep(site) -> None:
    """Exit 1: the answer is no."""
    late = (site.root / "late", "--log-key", KEY, "--url", site.url, "--wait", 0)
    reason = "entry 3 is not public: the log shows 3 entries"
    done = refused(1, f"not verified: {reason}", "verify", *late, "--json")
    assert json.loads(done.out) == {"verified": False, "reason": reason}
    refused(
        1,
        "not verified: the log shows another entry at index 0 than the receipt names",
        *("verify", "-", "--log-key", KEY, "--data", site.root / "fork"),
        stdin=site.replies[0].receipt,
    )


def test_an_entry_that_is_published_while_one_waits(site, tmp_path: Path) -> None:
    operator = Operator(tmp_path / "log")
    receipt = operator.serve().receipt
    timer = threading.Timer(0.8, operator.log.publish)
    timer.start()
    done = candid("verify", "-", "--log-key", KEY, "--data", tmp_path / "log", stdin=receipt)
    timer.join()
    operator.log.close()
    assert done.code == 0, done.err


def test_a_changed_receipt(site) -> None:
    note = (site.root / "note").read_bytes()
    (site.root / "changed").write_bytes(note.replace(b"\n1\n", b"\n2\n"))
    done = candid("verify", site.root / "changed", "--log-key", KEY, "--json")
    assert done.code == 1
    assert json.loads(done.out)["verified"] is False
    assert "signature" in json.loads(done.out)["reason"]


def test_bad_input_and_wrong_use(site) -> None:
    """Exit 2."""
    key = ("--log-key", KEY)
    root = site.root
    sentence = "a receipt is base64url of a signed note, and this is not, or a character of it was changed"
    refused(2, f"not verified: {sentence}", "verify", root / "nonsense", *key)
    refused(2, "not verified: this is neither a receipt in base64url nor a signed note", "verify", root / "bytes", *key)
    refused(
        2,
        "not verified: this is empty; a receipt is the value of the header x-candid-receipt",
        *("verify", root / "empty", *key),
    )
    refused(2, f"{root / 'none'} cannot be read: No such file or directory", "verify", root / "none", *key)
    refused(2, "collected replies are read from a file; name it instead of -", "verify", "-", *key, stdin="{}")
    not_one = "is no file of collected replies: not one line is as candid.client.receipts writes it"
    refused(2, f"{root / 'json'} {not_one}", "verify", root / "json", *key)
    refused(2, f"{root / 'nonsense'} {not_one}", "check", root / "nonsense", *key, "--url", site.url)
    refused(2, "name the log with either --data DIR or --url URL", "check", root / "good.jsonl", *key)
    both = ("--url", site.url, "--data", site.data)
    refused(2, "name the log with either --data DIR or --url URL", "verify", root / "receipt", *key, *both)
    refused(
        2,
        f"not verified: not signed by the key given ({SIGNER.name}); its signatures are of other.example/log",
        *("verify", root / "foreign", *key),
    )
    assert candid("verify", root / "receipt", "--log-key", "no key").code == 2
    assert candid("check", root / "good.jsonl", "--log-key", "no key", "--url", site.url).code == 2
    assert candid("verify", root / "receipt", *key, "--data", root / "nowhere").code == 2
    assert candid("verify").code == 2
    other = SigningKey.generate(SIGNER.name).verifier
    twins = (
        f"not verified: signed by another key of {SIGNER.name} than the one given: by that with the id "
        f"{SIGNER.verifier.key_id.hex()}, and the id of the one given is {other.key_id.hex()}; ask the operator which "
        "key is the log's, and why there are two"
    )
    refused(2, twins, "check", root / "good.jsonl", "--log-key", other, "--url", site.url)
    refused(2, twins, "verify", root / "receipt", "--log-key", other)
    refused(2, twins, "verify", root / "receipt", "--log-key", other, "--url", site.url)
    empty = f"{root / 'empty'} is empty: it holds no receipt; name the file that collect writes to"
    refused(2, empty, "check", root / "empty", *key, "--url", site.url)


def test_a_log_that_cannot_be_reached(site, closed_port: int) -> None:
    """Exit 3."""
    where = ("--log-key", KEY, "--url", f"http://127.0.0.1:{closed_port}/log")
    for command in (("verify", site.root / "receipt"), ("check", site.root / "good.jsonl")):
        done = candid(*command, *where)
        assert done.code == 3
        assert "cannot be reached" in done.err


def test_collected_replies(site) -> None:
    key = ("--log-key", KEY)
    done = candid("check", site.root / "good.jsonl", *key, "--url", site.url)
    assert done.code == 0, done.err
    assert done.out.endswith("verified: 3 receipts, and the log keeps them; 0 are not public yet\n")
    done = candid("verify", site.root / "good.jsonl", *key, "--url", site.url)
    assert done.out.endswith("verified: 3 receipts, and the log keeps them; 0 are not public yet\n")
    done = candid("verify", site.root / "good.jsonl", *key)
    assert done.out.endswith(
        "verified: 3 receipts, and the log was not asked for their entries; 0 are not public yet\n"
    )
    done = candid("check", site.root / "pending.jsonl", *key, "--data", site.data, "--wait", 0, "--json")
    facts = json.loads(done.out)
    assert (done.code, facts["verified"], facts["checked"], facts["pending"]) == (0, True, 1, 1)


def test_collected_replies_that_are_not_kept(site) -> None:
    key = ("--log-key", KEY, "--url", site.url)
    file = site.root / "bad.jsonl"
    message = f"not verified: 3 of the replies in {file} are not as they must be"
    done = refused(1, message, "check", file, *key)
    assert "missing: 1" in done.out
    assert "broken: 1" in done.out
    assert "1 lines cannot be read, the first of them 5" in done.err
    done = refused(1, message, "check", file, *key, "--json")
    facts = json.loads(done.out)
    assert [facts[name] for name in ("verified", "replies", "checked", "damaged")] == [False, 5, 3, [5]]
    assert [each["line"] for each in facts["missing"] + facts["broken"]] == [1, 6]
    done = candid("check", site.root / "old.jsonl", *key, "--json")
    assert done.code == 1
    assert "still shows no more than 3 entries" in json.loads(done.out)["broken"][0]["reason"]
    done = candid("check", site.root / "good.jsonl", *key, "--customer", "somebody", "--json")
    assert (done.code, len(json.loads(done.out)["broken"])) == (1, 3)


def test_a_checkpoint_that_is_kept_from_one_check_to_the_next(site, tmp_path: Path) -> None:
    kept = tmp_path / "checkpoint"
    arguments = ("check", site.root / "good.jsonl", "--log-key", KEY, "--data", site.data, "--checkpoint")
    for _ in range(2):
        assert candid(*arguments, kept).code == 0
        assert kept.read_bytes() == (site.data / "ledger" / "checkpoint").read_bytes()
    (tmp_path / "fork").write_bytes((site.root / "fork.checkpoint").read_bytes())
    done = candid(*arguments, tmp_path / "fork")
    assert (done.code, "history was rewritten" in done.err) == (1, True)
    assert (tmp_path / "fork").read_bytes() == (site.root / "fork.checkpoint").read_bytes()
    (tmp_path / "none").write_text("nothing")
    done = candid(*arguments, tmp_path / "none")
    assert (done.code, "is no checkpoint of the log candid.local/test" in done.err) == (2, True)
    done = candid(*arguments, tmp_path)
    assert (done.code, "cannot be read: Is a directory" in done.err) == (2, True)
    done = candid(*arguments, tmp_path / "missing" / "file")
    assert (done.code, "cannot be written" in done.err) == (2, True)


def test_a_time_that_no_calendar_has(site) -> None:
    far = Sequenced(1, bytes(32), 2**62)
    note = bytes(Receipt(SIGNER.name, far).sign(SIGNER))
    done = candid("verify", "-", "--log-key", KEY, stdin=note.decode())
    assert (done.code, "9999-12-31T23:59:59Z" in done.out) == (0, True)


def test_each_command_shows_an_example() -> None:
    for command in ("verify", "check"):
        done = candid(command, "--help")
        assert f"\n  Example: candid receipt {command} receipt" in done.out
