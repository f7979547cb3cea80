"""`candid bill`, `prices` and `usage`: documents, tables, exit codes, and every sentence a user may read."""

import csv
import io
import json
import os
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import duckdb
import pytest
from click.testing import CliRunner
from tests.billing.logs import DAY, KEY, NOVEMBER, call, storage, who, write_log
from tests.billing.logs import prices as prices_entry

from candid.billing import default_prices
from candid.billing.quotasettings import read_settings
from candid.cli.bill import bill
from candid.cli.customer import customer
from candid.cli.prices import prices
from candid.cli.usage import usage
from candid.config import Config
from candid.ledger import Log
from candid.server.data_folder import create_data_folder, open_data_folder
from candid.server.secrets import create_secrets
from candid_verify.rating import Month

A, B = who("a"), who("b")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format, *args):
        pass


DENIED = {"outcome": "denied", "units": 0}


def run(command, *arguments, code=0):
    """Run a command; a traceback is a failure whatever the exit code."""
    done = CliRunner().invoke(command, [str(each) for each in arguments])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.output
    assert done.exit_code == code, done.output
    return SimpleNamespace(out=done.stdout, err=done.stderr)


def run_json(command, *arguments):
    """Run a command with `--json` behind its name."""
    names = [each for each in arguments if each in ("show", "set", "export", "quota")]
    return json.loads(run(command, *names, "--json", *(each for each in arguments if each not in names)).out)


def refused(code, message, command, *arguments):
    assert run(command, *arguments, code=code).err.splitlines()[-1] == f"candid: {message}"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A copy of a log's public files, and its key in a file."""
    folder = tmp_path_factory.mktemp("site")
    entries = [
        prices_entry(NOVEMBER - DAY, default_prices(NOVEMBER - DAY).as_json()),
        call(A, NOVEMBER, number=1),
        call(A, NOVEMBER + 1, number=2, operation="DetectFaces", meter="image-group-2"),
        call(B, NOVEMBER + 2, number=1, **DENIED),
        storage(A, NOVEMBER + DAY, "2026-11-01", faces=3_000_000),
        call(A, NOVEMBER + 31 * DAY, number=3, operation="DetectFaces", meter="image-group-2"),
    ]
    reader = write_log(folder / "log", entries)
    (folder / "log.key").write_text(f"{KEY}\n")
    where = ("--data", folder / "log", "--log-key", folder / "log.key")
    return SimpleNamespace(where=where, folder=folder, reader=reader)


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A data folder of an operator."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    create_secrets(create_data_folder(tmp_path / "data", Config()))
    return tmp_path / "data"


def bill_of(site, *arguments, month="2026-11", code=0):
    return run(bill, "--month", month, *site.where, *arguments, code=code)


def test_a_bill(site):
    text = bill_of(site, "--", A).out
    assert "total 1.002000 USD" in text
    assert f"for {A}\n2 calls" in text
    document = json.loads(bill_of(site, "--json", "--", A).out)
    assert document["totals"] == {"USD": 1_002_000}
    assert json.loads(bill_of(site, "--format", "json", "--", A).out) == document


def test_bills_of_all(site):
    overview = bill_of(site, "--all").out
    assert [A in overview, B in overview, "1.002000" in overview] == [True] * 3
    documents = json.loads(bill_of(site, "--all", "--json").out)
    assert {each["customer"]: each["totals"] for each in documents} == {A: {"USD": 1_002_000}, B: {}}


def test_files_of_bills(site, tmp_path):
    rows = list(csv.DictReader(io.StringIO(bill_of(site, "--all", "--format", "csv").out)))
    assert [row["amount_micro"] for row in rows] == ["1000000", "1000", "1000"]
    rows = list(csv.DictReader(io.StringIO(bill_of(site, "--all", "--format", "focus", "--issuer", "Us").out)))
    assert {row["InvoiceIssuerName"] for row in rows} == {"Us"}
    output = tmp_path / "invoice.html"
    bill_of(site, "--format", "html", "--address", "1 <Main> Street", "-o", output, "--", A)
    assert "1 &lt;Main&gt; Street" in output.read_text()
    assert [each.name for each in tmp_path.iterdir()] == ["invoice.html"]
    bill_of(site, "--all", "-o", tmp_path / "all.txt")
    assert (tmp_path / "all.txt").read_text().count("bill of 2026-11") == 2


def test_a_bill_from_the_public_files_of_a_web_server(site):
    handler = partial(Quiet, directory=str(site.folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        try:
            where = ("--url", f"http://127.0.0.1:{server.server_port}/log", "--log-key", KEY)
            found = run(bill, "--month", "2026-11", "--json", *where, "--", A).out
        finally:
            server.shutdown()
    assert found == bill_of(site, "--json", "--", A).out


def test_bills_that_cannot_be(site, tmp_path):
    month = ("--month", "2026-11")
    refused(2, "name one CUSTOMER, or --all for every one", bill, *month, *site.where)
    refused(2, "name one CUSTOMER, or --all for every one", bill, *month, *site.where, "--all", "--", A)
    html = "an invoice is for one customer: name it, or choose --format csv or focus"
    refused(2, html, bill, *month, *site.where, "--all", "--format", "html")
    refused(2, "'2026-13' is no month; write it like 2026-11", bill, "--month", "2026-13", *site.where, "--all")
    refused(2, "name the log with either --data DIR or --url URL", bill, *month, "--all")
    gone = tmp_path / "no folder" / "x"
    refused(2, f"{gone} cannot be written: No such file or directory", bill, *month, *site.where, "--all", "-o", gone)
    other = tmp_path / "empty"
    assert "has no file checkpoint" in run(bill, *month, "--data", other, "--log-key", KEY, "--all", code=2).err
    unknown = "nobody is no pseudonym of the log (43 characters); an id or account needs --data DIR"
    refused(2, unknown, bill, "nobody", *month, "--url", "http://127.0.0.1:1/log", "--log-key", KEY)
    assert (
        "cannot be reached"
        in run(bill, A.replace("-", "A"), *month, "--url", "http://127.0.0.1:1/log", "--log-key", KEY, code=3).err
    )


def test_prices_changed_backwards_break_the_bill(tmp_path):
    folder = tmp_path / "log"
    write_log(folder, [call(A, NOVEMBER), prices_entry(NOVEMBER + 1, default_prices(NOVEMBER).as_json())])
    done = run(bill, "--all", "--month", "2026-11", "--data", folder, "--log-key", KEY, code=3)
    assert "prices were changed backwards" in done.err


def test_prices_are_shown(site, tmp_path):
    shown = run(prices, "show", *site.where).out
    assert "entry 0, Candid's default prices" in shown
    assert "face-month" in shown
    (document,) = run_json(prices, "show", *site.where)
    assert document.pop("in_force") in (True, False)
    assert {name: document.pop(name) for name in ("entry", "time")} == {"entry": 0, "time": NOVEMBER - DAY}
    assert document == default_prices(NOVEMBER - DAY).as_json()
    shipped = json.loads(run(prices, "show", "--default").out)
    assert default_prices(0).as_json() == shipped | {"valid_from": 0}
    write_log(tmp_path / "log", [call(A, NOVEMBER)])
    done = run(prices, "show", "--data", tmp_path / "log", "--log-key", KEY)
    assert "no price list is in the log" in done.err


def test_a_price_list_is_entered_and_billed_by(data, tmp_path):
    file = tmp_path / "prices.json"
    file.write_text(run(prices, "show", "--default").out)
    entered = run_json(prices, "set", file, "--data", data)
    shown = run_json(prices, "show", "--data", data)[-1]
    assert (shown["entry"], shown["in_force"]) == (entered["entry"], False)
    assert shown["valid_from"] == entered["valid_from"] > shown["time"]
    file.write_text(json.dumps(json.loads(file.read_text()) | {"valid_from": "2199-01-01"}))
    assert "holds from 2199-01-01 00:00:00.000Z on" in run(prices, "set", file, "--data", data).out


def test_price_lists_that_are_refused(data, tmp_path):
    file = tmp_path / "prices.json"
    refused(2, f"{file} cannot be read: No such file or directory", prices, "set", file, "--data", data)
    file.write_text("{}")
    refused(2, "the price list lacks currency", prices, "set", file, "--data", data)
    document = default_prices(NOVEMBER).as_json() | {"valid_from": "2020-01-01"}
    file.write_text(json.dumps(document))
    done = run(prices, "set", file, "--data", data, code=2)
    assert "prices were changed backwards" in done.err
    assert run_json(prices, "show", "--data", data) == []
    done = run(prices, "set", file, "--data", tmp_path / "none", code=2)
    assert "is no data folder" in done.err


def test_usage_is_shown(site):
    shown = run(usage, "--month", "2026-11", *site.where).out
    assert [text in shown for text in ("DetectFaces", "SearchFacesByImage", "3,000,000")] == [True] * 3
    found = run_json(usage, "show", "--from", "2026-11-01", "--to", "2026-12-31", *site.where, "--", A)
    assert [(each["day"], each["operation"]) for each in found["calls"]] == [
        ("2026-11-01", "DetectFaces"),
        ("2026-11-01", "SearchFacesByImage"),
        ("2026-12-02", "DetectFaces"),
    ]
    assert found["stored"] == [{"day": "2026-11-01", "customer": A, "faces": 3_000_000, "users": 0}]
    only = run(usage, "--month", "2026-12", *site.where).out
    assert "faces stored" not in only


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "name either --month YYYY-MM, or --from and --to, each a day"),
        (("--month", "2026-11", "--from", "2026-11-01"), "name either --month YYYY-MM, or --from and --to, each a day"),
        (("--from", "2026-11-01"), "name both --from and --to, each a day; the last day is included"),
        (
            ("--from", "2026-11-02", "--to", "2026-11-01"),
            "the period ends on 2026-11-01, before it begins on 2026-11-02",
        ),
        (("--from", "20261101", "--to", "2026-11-01"), "'20261101' is no day; write it like 2026-11-24"),
        (("--from", "2026-11-01", "--to", "2026-11-31"), "'2026-11-31' is no day; write it like 2026-11-24"),
    ],
)
def test_periods_that_are_none(site, arguments, message):
    refused(2, message, usage, *arguments, *site.where)


def test_exports(site, tmp_path):
    month = ("--month", "2026-11", *site.where)
    output = tmp_path / "calls"
    assert run_json(usage, "export", *month, "-o", output) == {
        "calls": 3, "file": str(output), "format": "cloudtrail",
    }  # fmt: skip
    found = json.loads(output.read_text())["Records"]
    assert not any("awsRegion" in each for each in found)
    run(usage, "export", *month, "--region", "eu-west-1", "-o", output)
    assert {each["awsRegion"] for each in json.loads(output.read_text())["Records"]} == {"eu-west-1"}
    assert [each["additionalEventData"]["logIndex"] for each in found] == [1, 2, 3]
    assert "2 calls written" in run(usage, "export", *month, "--format", "cloudtrail-lines", "-o", output, "--", A).err
    assert [json.loads(line)["requestID"] for line in output.read_text().splitlines()] == [
        each["requestID"] for each in found[:2]
    ]
    run(usage, "export", *month, "--format", "parquet", "-o", output)
    assert duckdb.read_parquet(str(output)).count("*").fetchall() == [(3,)]
    gone = tmp_path / "none" / "calls"
    for form in ("cloudtrail", "parquet"):
        refused(
            2, f"{gone} cannot be written: No such file or directory",
            usage, "export", *month, "--format", form, "-o", gone,
        )  # fmt: skip


def test_quotas(data):
    opened = json.loads(run(customer, "open", "--name", "Example Ltd", "--country", "GB", "--data", data, "--json").out)
    who_is = open_customers_pseudonym(data, opened["account"])

    def quota(*arguments):
        return run_json(usage, "quota", opened["account"], "--data", data, *arguments)

    assert quota() == {"customer": who_is, "meters": {}}
    one = {"image-group-1": {"soft": 5, "hard": 9}}
    assert quota("--meter", "image-group-1", "--hard", 9, "--soft", 5) == {"customer": who_is, "meters": one}
    budget = {"soft": 100_000_000, "hard": 250_500_000, "currency": "EUR"}
    found = quota("--budget", "250.50", "--budget-soft", "100", "--currency", "EUR")
    assert found == quota() == {"customer": who_is, "meters": one, "budget": budget}
    assert list(read_settings(data / "billing" / "quotas.json")) == [who_is]
    shown = run(usage, "quota", opened["customer"], "--data", data).out
    assert [text in shown for text in ("image-group-1", "budget, micro-EUR", "250,500,000")] == [True] * 3
    assert quota("--meter", "image-group-1", "--clear") == {"customer": who_is, "meters": {}, "budget": budget}
    assert quota("--clear") == {"customer": who_is, "meters": {}}
    refused(2, "either --clear, or new limits", usage, "quota", A, "--hard", 1, "--clear", "--data", data)
    message = "name the meter of the limit with --meter, such as image-group-1"
    refused(2, message, usage, "quota", opened["account"], "--hard", 1, "--data", data)
    message = "say how much: --hard, --soft, or both; or --clear"
    refused(2, message, usage, "quota", opened["account"], "--meter", "x", "--data", data)
    message = "there is no meter nope; the meters are free, image-group-1, image-group-2"
    refused(2, message, usage, "quota", opened["account"], "--meter", "nope", "--hard", 1, "--data", data)
    for stored in ("face-days", "user-days"):
        message = f"{stored} counts what is stored, and a quota refuses calls only; set a quota of a meter of calls"
        refused(2, message, usage, "quota", opened["account"], "--meter", stored, "--hard", 1, "--data", data)
    assert quota() == {"customer": who_is, "meters": {}}
    message = "'1.2345678' is no amount of money; write it like 250 or 250.50, with at most six decimals"
    refused(2, message, usage, "quota", opened["account"], "--budget", "1.2345678", "--data", data)
    done = run(usage, "quota", A, "--clear", "--data", data / "none", code=2)
    assert "is no data folder" in done.err
    done = run(usage, "quota", "000", "--data", data, code=2)
    assert "there is no customer 000" in done.err
    above = "is above {}: a warning comes before calls are refused, or at the same time"
    units = ("--meter", "image-group-1", "--soft", 10, "--hard", 3)
    refused(2, "--soft " + above.format("--hard"), usage, "quota", opened["account"], *units, "--data", data)
    money = ("--budget-soft", "2", "--budget", "1.50")
    refused(2, "--budget-soft " + above.format("--budget"), usage, "quota", opened["account"], *money, "--data", data)


def test_a_meter_of_a_price_list_in_the_log_can_be_limited(data, tmp_path):
    opened = json.loads(run(customer, "open", "--name", "Example Ltd", "--country", "GB", "--data", data, "--json").out)
    quota = ("quota", opened["account"], "--meter", "video-minutes", "--hard", 1, "--data", data)
    assert "there is no meter video-minutes" in run(usage, *quota, code=2).err
    document = default_prices(0).as_json()
    document["meters"]["video-minutes"] = document["meters"]["image-group-1"]
    document.pop("valid_from")
    (tmp_path / "prices.json").write_text(json.dumps(document))
    run(prices, "set", tmp_path / "prices.json", "--data", data)
    assert run_json(usage, *quota)["meters"] == {"video-minutes": {"hard": 1}}


def test_nobody_else_reads_the_file_of_quotas(data):
    opened = json.loads(run(customer, "open", "--name", "Example Ltd", "--country", "GB", "--data", data, "--json").out)
    folder, before = data / "billing", os.umask(0o022)
    try:
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
        run(usage, "quota", opened["account"], "--meter", "free", "--hard", 1, "--data", data)
    finally:
        os.umask(before)
    modes = {each.name: f"{each.stat().st_mode & 0o777:o}" for each in (folder, *folder.iterdir())}
    assert modes == {"billing": "700", "quotas.json": "600"}


@pytest.mark.parametrize("as_json", [(), ("--json",)])
def test_customers_that_the_log_does_not_have(site, as_json):
    nobody = who("nobody")
    message = f"the log has no customer {nobody}; is it the pseudonym of another log?"
    month = ("--month", "2026-11", *as_json, *site.where)
    for command, *more in ((bill,), (usage, "show"), (usage, "export", "-o", site.folder / "none")):
        refused(2, message, command, *more, *month, "--", nobody)
    assert not (site.folder / "none").exists()


@pytest.mark.parametrize("as_json", [(), ("--json",)])
def test_periods_that_have_not_begun(site, as_json):
    month = ("--month", "2199-01", *as_json, *site.where)
    refused(2, "the month 2199-01 has not begun: nothing can have been used in it yet", bill, *month, "--all")
    message = "the period from 2199-01 on has not begun: nothing can have been used in it yet"
    refused(2, message, usage, "show", *month)
    refused(2, message, usage, "export", *month, "-o", site.folder / "none")
    days = ("--from", "2199-01-01", "--to", "2199-01-02", *as_json, *site.where)
    refused(2, message.replace("2199-01", "2199-01-01"), usage, "show", *days)


def test_a_month_that_the_log_has_reached_has_begun_whatever_the_clock_says(tmp_path):
    where = ("--data", tmp_path / "log", "--log-key", KEY)
    write_log(tmp_path / "log", [call(A, Month(2198, 12).start, number=1)])
    assert json.loads(run(bill, "--month", "2198-12", "--json", *where, "--", A).out)["calls"] == 1
    run(bill, "--month", "2199-01", *where, "--", A, code=2)


def open_customers_pseudonym(data, account):
    """The pseudonym as the data folder knows it."""
    from candid.gallery.keys import load_key_file
    from candid.governance import open_customers

    folder = open_data_folder(data, Config())
    customers = open_customers(folder.governance, key=load_key_file(folder.key_file))
    try:
        return customers.show(account).pseudonym
    finally:
        customers.close()


def test_a_customer_of_the_data_folder_is_billed_by_name(data, tmp_path):
    opened = json.loads(run(customer, "open", "--name", "Ex & Co", "--country", "GB", "--data", data, "--json").out)
    output = tmp_path / "invoice.html"
    month = ("--month", "2026-11", "--data", data)
    run(bill, opened["account"], *month, "--format", "html", "-o", output)
    assert "Ex &amp; Co<br>GB" in output.read_text()
    document = run_json(bill, opened["customer"], *month)
    assert document["customer"] == open_customers_pseudonym(data, opened["account"])
    assert Log.exists(open_data_folder(data, Config()).ledger)


@pytest.mark.parametrize(
    ("command", "names"),
    [
        (bill, []),
        (prices, ["show"]),
        (prices, ["set"]),
        (usage, []),
        *((usage, [n]) for n in ("show", "export", "quota")),
    ],
)
def test_help_has_an_example(command, names):
    shown = run(command, *names, "--help").out
    assert "\n  Example: candid " in shown
    assert "\\b" not in shown
