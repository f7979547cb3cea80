from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from candid.cli import main
from candid.config import Config
from candid.gallery.keys import load_key_file
from candid.governance import Status, open_customers
from candid.server.data_folder import create_data_folder, open_data_folder
from candid.server.secrets import create_secrets


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    create_secrets(create_data_folder(tmp_path / "data", Config()))
    return tmp_path / "data"


def run(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.stderr


def run_json(*arguments: str):
    return json.loads(run(*arguments, "--json"))


def open_customer(data: Path, **options: str) -> dict:
    options = {"name": "Example Ltd", "country": "GB"} | options
    flags = [text for name, value in options.items() for text in (f"--{name}", value)]
    return run_json("customer", "open", *flags, "--data", str(data))


def test_open_show_list_close(data):
    opened = open_customer(data, category="police")
    assert opened["status"] == "unscreened"
    assert opened["screened"] is False
    assert (opened["name"], opened["country"], opened["category"]) == ("Example Ltd", "GB", "police")
    assert opened.pop("hits") == []
    assert opened["log_index"] == 2, "behind the log's first entry and its price list"
    assert run_json("customer", "show", opened["account"], "--data", str(data)) == opened | {"keys": []}
    facts = {name: opened[name] for name in opened if name not in {"registrations", "lei", "owners", "log_index"}}
    assert run_json("customer", "list", "--data", str(data)) == [facts]
    closed = run_json("customer", "close", opened["customer"], "--data", str(data))
    assert closed == facts | {"status": "closed"}


def test_owners_and_numbers_are_kept_and_changed(data):
    at = ("--data", str(data))
    facts = ("--registration", "HRB 1234", "--registration", "NL:555", "--owner", "Ana;CY;49.9;shares", "--owner", "Bo")
    opened = run_json("customer", "open", "--name", "Example Ltd", "--country", "GB", *facts, *at)
    registered = [{"country": "GB", "number": "HRB 1234"}, {"country": "NL", "number": "555"}]
    ana = {"name": "Ana", "country": "CY", "percent": "49.9", "kind": "shares", "registrations": []}
    assert opened["registrations"] == registered
    assert opened["owners"] == [ana, {"name": "Bo", "registrations": []}]
    changed = run_json("customer", "update", opened["customer"], "--owner", "Cy Ltd;CH", *at)
    assert changed["registrations"] == registered
    assert changed["owners"] == [{"name": "Cy Ltd", "country": "CH", "registrations": []}]
    assert changed["log_index"] > opened["log_index"]
    assert changed["pseudonym"] == opened["pseudonym"]
    wrong = ("customer", "open", "--name", "X", "--country", "GB", "--owner", "Ana;CY;49.9;shares;more", *at)
    assert "an owner is NAME;CC;PERCENT;KIND" in run(*wrong, code=2)


def test_issue_list_revoke_and_the_server_sees_it(data):
    opened = open_customer(data)
    issued = run_json("key", "issue", opened["account"], "--data", str(data))
    assert issued["customer"] == opened["customer"]

    folder = open_data_folder(data, Config())
    server = open_customers(folder.governance, key=load_key_file(folder.key_file))
    access = server.lookup(issued["access_key_id"])
    assert access.secret == issued["secret_access_key"]

    [listed] = run_json("key", "list", "--data", str(data))
    assert listed["access_key_id"] == issued["access_key_id"]
    assert listed["active"] is True
    assert issued["secret_access_key"] not in json.dumps(listed)
    assert run_json("key", "list", opened["customer"], "--data", str(data)) == [listed]

    revoked = run_json("key", "revoke", issued["access_key_id"], "--data", str(data))
    assert revoked == listed | {"active": False}
    assert server.lookup(issued["access_key_id"]) is None
    assert server.show(opened["customer"]).status is Status.UNSCREENED
    server.close()


def test_people_are_told_that_nobody_was_screened(data):
    result = CliRunner().invoke(main, ["customer", "open", "--name", "A", "--country", "ch", "--data", str(data)])
    assert result.exit_code == 0
    assert "Candid has no screening yet" in result.stderr
    assert "candid key issue cus-" in result.stderr
    assert "unscreened" in result.stdout
    assert "unscreened" in run("customer", "list", "--data", str(data))
    assert "last used" in run("key", "list", "--data", str(data))


def test_a_secret_is_shown_in_the_form_of_a_credentials_file(data):
    opened = open_customer(data)
    text = run("key", "issue", opened["customer"], "--data", str(data))
    assert text.splitlines()[0].startswith("aws_access_key_id = CNDD")
    assert text.splitlines()[1].startswith("aws_secret_access_key = ")
    shown = run("customer", "show", opened["customer"], "--data", str(data))
    assert "CNDD" in shown
    assert "active" in shown
    assert "revoked" in run("key", "revoke", text.split()[2], "--data", str(data))


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["customer", "open", "--name", "A", "--country", "UK"], 2, "GB, not UK"),
        (["customer", "open", "--name", " ", "--country", "CH"], 2, "1 to 200 printable characters"),
        (["customer", "open", "--name", "A", "--country", "CH", "--category", "x"], 2, "'police'"),
        (["customer", "show", "cus-none"], 2, "candid customer list"),
        (["customer", "close", "cus-none"], 2, "candid customer list"),
        (["key", "issue", "cus-none"], 2, "candid customer list"),
        (["key", "revoke", "CNDDNONE"], 2, "candid key list"),
    ],
)
def test_wrong_use_says_what_to_do(data, arguments, code, message):
    open_customer(data)
    assert message in run(*arguments, "--data", str(data), code=code)


def test_a_closed_customer_gets_no_key_and_the_answer_is_no(data):
    opened = open_customer(data)
    run_json("customer", "close", opened["customer"], "--data", str(data))
    assert "closed and gets no new key" in run("key", "issue", opened["customer"], "--data", str(data), code=1)


def test_no_data_folder(tmp_path):
    assert "candid init" in run("customer", "list", "--data", str(tmp_path / "none"), code=2)


def test_a_lost_key_is_not_replaced(data):
    open_customer(data)
    key_file = open_data_folder(data, Config()).key_file
    key_file.rename(key_file.with_name("elsewhere"))
    assert "no key file" in run("customer", "list", "--data", str(data), code=2)
    assert not key_file.exists()


def test_another_key_is_refused(data):
    open_customer(data)
    key_file = open_data_folder(data, Config()).key_file
    key_file.write_bytes(bytes(32))
    assert "another master key" in run("customer", "list", "--data", str(data), code=2)


def test_a_broken_database_is_three(data):
    open_data_folder(data, Config()).governance.write_bytes(b"broken " * 4000)
    assert "restore it from a backup" in run("customer", "list", "--data", str(data), code=3)


def test_a_name_is_shown_as_it_is(data):
    open_customer(data, name="[/b] & [red]Söhne 株式会社")
    assert "[/b] & [red]Söhne 株式会社" in run("customer", "list", "--data", str(data))
