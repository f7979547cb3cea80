"""`candid evidence`: what its users see, and its exit codes."""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.evidence.bookkeeper import log_key
from tests.evidence.office import Office

from candid.cli.evidence import evidence
from candid.client.replies import Reply
from candid.config import Config
from candid.governance import Registration, open_customers
from candid.ledger import Algorithm, Note, SigningKey, hash_leaf, sign_note
from candid.ledger.receipt import Receipt
from candid.ledger.sequencer import Sequenced
from candid.recording import map_folder
from candid.server.acts import log_waiting
from candid.server.data_folder import DataFolder, create_data_folder
from candid.server.secrets import create_secrets
from candid_verify.canonical import encode_bytes

ID = "0b7e4f3a-1c2d-4e5f-8a9b-0c1d2e3f4a5b"


def run(*arguments: object, code: int = 0) -> str:
    result = CliRunner().invoke(evidence, [str(each) for each in arguments])
    assert result.exit_code == code, result.output
    return result.stdout if code < 2 else result.stderr


# On a data folder that no server runs on


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataFolder:
    """A data folder with one customer, whose entries stand in the log."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    found = create_data_folder(tmp_path / "data", Config())
    secrets = create_secrets(found)
    customers = open_customers(found.governance, key=secrets.master)
    customers.open_customer(
        name="Alpha Ltd", country="GB", account="111111111111", registrations=[Registration(number="00123")]
    )
    customers.close()
    log_waiting(found, Config())
    (tmp_path / "log.key").write_text(f"{secrets.log.verifier}\n")
    return found


def exported(folder: DataFolder, *arguments: object, code: int = 0) -> str:
    return run("export", *arguments, "--data", folder.path, "-o", folder.path.parent / "file", code=code)


def test_export_and_verify(folder: DataFolder, tmp_path: Path):
    claim = ("--claim", "never-served", "--subject", "Gamma", "--country", "nl", "--registration", "9")
    made = json.loads(exported(folder, *claim, "--json"))
    assert made["verdict"] == "established" and made["bytes"] == (tmp_path / "file").stat().st_size
    key, report = tmp_path / "log.key", tmp_path / "r.html"
    verdict = json.loads(run("verify", tmp_path / "file", "--log-key", key, "--json", "--report", report))
    assert made == verdict | {"file": str(tmp_path / "file"), "bytes": made["bytes"]}
    assert set(verdict) >= {"claim", "verdict", "established", "not_established", "tree_size", "root", "as_of"}
    assert "Gamma" in report.read_text("utf-8")
    assert "established" in run("verify", tmp_path / "file", "--log-key", key.read_text().strip())


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        (("never-served", "--subject", "ALPHA"), "not-established"),
        (("never-served", "--registration", "123", "--from", "2020-01-01"), "not-established"),
        (("usage", "--customer", "111111111111"), "established"),
        (("not-used", "--customer", "111111111111", "--to", "2026-01-01"), "established"),
        (("not-used", "--customer", "111111111111", "--from", "2020-01-01T00:00:00+02:00"), "established"),
        (("decision", "--request-id", ID), "not-established"),
        (("erased", "--face-id", ID.upper(), "--to", "2026-01-01"), "not-established"),
    ],
)
def test_every_claim(folder: DataFolder, tmp_path: Path, claim: tuple[str, ...], verdict: str):
    said = exported(folder, "--claim", *claim)
    assert said.startswith(f"{claim[0]}: {verdict}")
    run("verify", tmp_path / "file", "--log-key", tmp_path / "log.key", code=0 if verdict == "established" else 1)


def test_anonymous_evidence_names_nobody(folder: DataFolder, tmp_path: Path):
    claim = ("--claim", "usage", "--customer", "111111111111")
    exported(folder, *claim)
    assert b"Alpha" in (tmp_path / "file").read_bytes()
    exported(folder, *claim, "--anonymous")
    assert b"Alpha" not in (tmp_path / "file").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("never-served",), "at least one of --subject, --country, --registration, --lei"),
        (("never-served", "--subject", "…"), "no letters or digits"),
        (("never-served", "--subject", "x", "--customer", "y"), "no use for --customer"),
        (("never-served", "--country", "NLD"), "no country code"),
        (("never-served", "--subject", "x", "--to", "2999-01-01"), "the future"),
        (("usage",), "needs --customer"),
        (("usage", "--customer", "222222222222"), "there is no customer"),
        (("usage", "--customer", "A" * 43), "no such customer"),
        (("usage", "--customer", "111111111111", "--from", "yesterday"), "is no day or time"),
        (("usage", "--customer", "111111111111", "--from", "1960-01-01"), "before 1970"),
        (("usage", "--customer", "A" * 43, "--from", "2026-02-01", "--to", "2026-01-01"), "ends before it begins"),
        (("decision",), "needs --request-id"),
        (("decision", "--request-id", "blah"), "--request-id blah is none of Candid's ids"),
        (("decision", "--request-id", f"{ID}0"), "the x-amzn-requestid of the reply"),
        (("erased", "--face-id", "xyz"), "the FaceId of a reply"),
        (("never-served", "--subject", "x", "--country", "UK"), "GB, not UK"),
        (("never-served", "--country", "XX"), "no country code of ISO 3166-1"),
        (("never-served", "--lei", "5493001KJTIIGC8Y1R13"), "is no LEI"),
        (("erased",), "needs --face-id"),
        (("moratorium-kept", "--policy", "p"), "no evidence can be made for moratorium-kept"),
        (("anything",), "Invalid value for '--claim'"),
    ],
)
def test_wrong_use(folder: DataFolder, tmp_path: Path, arguments: tuple[str, ...], message: str):
    assert message in exported(folder, "--claim", *arguments, code=2)
    assert not (tmp_path / "file").exists()


def test_a_folder_that_is_none_and_a_file_that_cannot_be_written(folder: DataFolder, tmp_path: Path):
    claim = ("export", "--claim", "never-served", "--subject", "x")
    assert "is no data folder" in run(*claim, "--data", tmp_path / "none", "-o", tmp_path / "f", code=2)
    assert "cannot be written" in run(*claim, "--data", folder.path, "-o", tmp_path / "no" / "f", code=2)


def invalid(file: Path, key: object, *arguments: str) -> str:
    """What is said on standard output of a file that is invalid."""
    result = CliRunner().invoke(evidence, ["verify", str(file), "--log-key", str(key), *arguments])
    assert result.exit_code == 2
    return result.stdout


def test_what_cannot_be_verified(folder: DataFolder, tmp_path: Path):
    exported(folder, "--claim", "never-served", "--subject", "Gamma")
    key = ("--log-key", tmp_path / "log.key")
    assert "cannot be read" in run("verify", tmp_path / "none", *key, code=2)
    assert "is no public key" in run("verify", tmp_path / "file", "--log-key", "a+b", code=2)
    assert "witness policy" in run("verify", tmp_path / "file", *key, "--witness-policy", tmp_path / "none", code=2)
    (tmp_path / "cut").write_bytes((tmp_path / "file").read_bytes()[:-100])
    found = json.loads(invalid(tmp_path / "cut", tmp_path / "log.key", "--json"))
    assert found["verdict"] == "invalid" and "cut off" in found["reason"]
    assert "another log" in invalid(tmp_path / "file", log_key("candid.local/other").verifier)


def test_the_operators_own_log_is_audited_with_its_books(folder: DataFolder, tmp_path: Path):
    found = json.loads(run("audit", "--data", folder.path, "--log-key", tmp_path / "log.key", "--openings", "--json"))
    assert found["verified"] and found["findings"] == [] and found["openings"] == {"customers": 1, "findings": []}
    customers = open_customers(folder.governance, key=create_secrets(folder).master)
    customers.open_customer(name="Secret", country="NL")
    customers.close()
    said = run("audit", "--data", folder.path, "--log-key", tmp_path / "log.key", "--openings", code=1)
    assert "it was left out, or waits to be entered" in said


def test_what_is_broken_ends_with_3(folder: DataFolder, tmp_path: Path):
    claim = ("--claim", "never-served", "--subject", "Gamma")
    exported(folder, *claim)
    nodes = map_folder(folder.path) / "nodes"
    whole = nodes.read_bytes()
    nodes.write_bytes(whole[:16] + bytes(len(whole) - 16))
    said = exported(folder, *claim)  # no server runs: the map is made anew when the log is opened
    assert said.startswith("never-served: established")
    (folder.ledger / "checkpoint").write_text("nothing")
    assert "signed note" in exported(folder, "--claim", "decision", "--request-id", ID, code=3)


def test_a_key_that_is_not_the_folders(folder: DataFolder):
    folder.key_file.write_bytes(bytes(32))
    claim = ("--claim", "decision", "--request-id", ID)
    assert "key" in exported(folder, *claim, code=2)


# On logs whose writer may lie


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    found = Office(tmp_path / "office")
    found.open("Alpha")
    for _ in range(5):
        found.book.call("Alpha")
    found.publish()
    (tmp_path / "log.key").write_text(str(found.signer.verifier))
    yield found
    found.close()


def audited(office: Office, *arguments: object, code: int = 0) -> str:
    return run("audit", "--data", office.folder, "--log-key", office.signer.verifier, *arguments, code=code)


def test_an_honest_log(office: Office):
    assert f"audited: each of the {len(office.book.entries)} entries" in audited(office)


def test_findings(office: Office):
    for _ in range(25):
        office.book.call("Alpha", number=1)
    office.publish()
    said = audited(office, code=1)
    assert "this number had been given" in said and "and 5 more" in said
    found = json.loads(audited(office, "--json", code=1))
    assert len(found["findings"]) == 25 and found["findings"][0]["rule"] == "number_without_gap"


def test_an_entry_of_the_future_is_found(office: Office):
    office.book.time = int(time.time() * 1000) + 3_600_000
    office.book.call("Alpha")
    office.publish()
    found = json.loads(audited(office, "--json", code=1))["findings"]
    assert [each["rule"] for each in found] == ["time_has_come"]
    assert "by the clock of this machine it was" in found[0]["message"]


@pytest.mark.parametrize(("late", "fine"), [(-60, True), (299, True), (400, False)])
def test_an_entry_that_a_witness_saw_before_its_time_is_found(office: Office, tmp_path: Path, late: int, fine: bool):
    witness = SigningKey.generate("witness.example/w", Algorithm.COSIGNATURE, randomness=lambda size: bytes(size))
    checkpoint = office.folder / "ledger" / "checkpoint"
    signed = sign_note(Note.parse(checkpoint.read_bytes()).text, [office.signer, witness], time=_seconds(office) - late)
    checkpoint.write_bytes(bytes(signed))
    (tmp_path / "policy").write_text(f"witness w {witness.verifier}\nquorum w\n")
    said = json.loads(audited(office, "--witness-policy", tmp_path / "policy", "--json", code=0 if fine else 1))
    assert [each["name"] for each in said["cosigned_by"]] == ["witness.example/w"]
    assert {each["rule"] for each in said["findings"]} == (set() if fine else {"time_has_come"})
    assert fine or "the clock of the witness witness.example/w" in said["findings"][0]["message"]
    audited(office)  # whoever names no witness counts none


def _seconds(office: Office) -> int:
    return office.book.time // 1000


def test_a_log_that_is_not_what_was_signed(office: Office):
    (bundle,) = (office.folder / "ledger" / "tile" / "entries").glob("000.p/*")
    data = bytearray(bundle.read_bytes())
    data[100] ^= 1
    bundle.write_bytes(data)
    found = json.loads(audited(office, "--json", code=1))
    assert not found["verified"] and "changed" in found["reason"]
    bundle.unlink()
    assert "has no file" in json.loads(audited(office, "--json", code=1))["reason"]


def receipt(office: Office, index: int, data: bytes) -> str:
    note = Receipt(office.signer.name, Sequenced(index, hash_leaf(data), 0)).sign(office.signer)
    return urlsafe_b64encode(bytes(note)).rstrip(b"=").decode()


def test_receipts(office: Office, tmp_path: Path):
    entries = office.book.entries
    good = [receipt(office, index, data) for index, data in enumerate(entries)]
    (tmp_path / "good").write_text("\n".join(good))
    assert json.loads(audited(office, "--receipts", tmp_path / "good", "--json"))["receipts"] == len(good)
    replies = [
        Reply(id=encode_bytes(bytes([number] * 16)), time=1, operation="X", attempt=1, status=200, receipt=text)
        for number, text in enumerate(good[-3:])
    ]
    (tmp_path / "collected").write_bytes(b"".join(reply.line() for reply in replies))
    assert json.loads(audited(office, "--receipts", tmp_path / "collected", "--json"))["receipts"] == 3
    (tmp_path / "broken").write_text(receipt(office, len(entries), b"a call that was served and not entered"))
    assert "a receipt promises this entry" in audited(office, "--receipts", tmp_path / "broken", code=1)
    (tmp_path / "none").write_text("no receipt")
    assert "receipt 1 in" in audited(office, "--receipts", tmp_path / "none", code=2)


def test_wrong_use_of_audit(office: Office, tmp_path: Path):
    assert "either --data DIR or --url URL" in run("audit", "--log-key", tmp_path / "log.key", code=2)
    url = ("--url", "http://127.0.0.1:9/log")
    assert "--openings needs" in run("audit", *url, "--log-key", tmp_path / "log.key", "--openings", code=2)
    assert "cannot be reached" in run("audit", *url, "--log-key", tmp_path / "log.key", code=3)
    assert "is no data folder" in audited(office, "--openings", code=2)
    other = log_key(seed="other").verifier
    assert "signed by another key of" in run("audit", "--data", office.folder, "--log-key", other, code=2)
    assert "cannot be read" in audited(office, "--receipts", tmp_path / "missing", code=2)
    (tmp_path / "replies").write_text("{}\n")
    assert "no file of collected replies" in audited(office, "--receipts", tmp_path / "replies", code=2)
    (tmp_path / "policy").write_text("quorum none\n")
    assert json.loads(audited(office, "--witness-policy", tmp_path / "policy", "--json"))["cosigned_by"] == []
