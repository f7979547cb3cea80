"""Bills and what they look like: text, CSV, JSON and the invoice, from a small log whose every amount is known."""

import csv
import io
import json
import re
from base64 import b64encode
from html.parser import HTMLParser

import pytest
from tests.billing.logs import DAY, KEY, NOVEMBER, SIGNER, call, prices, storage, who, write_log

from candid.billing import (
    AsOf,
    UnknownCustomer,
    UnreadableEntry,
    billed_entries,
    default_prices,
    make_bills,
    note_opener,
)
from candid.billing.invoice import invoice_html
from candid.billing.listing import CSV_COLUMNS, bill_text, bills_csv, invoice_number, price_text, time_text
from candid.billing.money import grouped, plain
from candid.billing.reading import check_billed
from candid.ledger import FolderSource, Log, LogOptions, LogReader, SigningKey
from candid.ledger.errors import NoteError, ProofError, SignatureError, UnknownKeyError
from candid_verify.errors import ProofError as NotProved
from candid_verify.rating import Line, Month

A, B = who("a"), who("b")
MONTH = Month(2026, 11)
LISTED = {
    "currency": "USD",
    "valid_from": NOVEMBER,
    "meters": {
        "image-group-1": {
            "unit": "image", "monthly": False, "per": 1, "free": 1,
            "tiers": [{"upto": 3, "price": 1_000_000}, {"price": 8}],
        },
        "face-days": {"unit": "face-day", "monthly": True, "per": 1000, "free": 0, "tiers": [{"price": 3_000_000}]},
    },
}  # fmt: skip
ENTRIES = [
    prices(NOVEMBER - 1, LISTED),
    *(call(A, NOVEMBER + nth, number=nth) for nth in range(5)),
    call(A, NOVEMBER + 5, meter="image-group-2", operation="DetectFaces"),
    call(B, NOVEMBER + 6, meter="free", operation="ListFaces"),
    storage(A, NOVEMBER + DAY, "2026-11-01", faces=15_000),
]


def start(time):
    """The start of a server, as far as bills look at it; the log's writer takes no more than is documented."""
    software = {"name": "candid", "version": "1"}
    policy = {"version": "1", "rules": []}
    return {
        "kind": "start/1", "time": time, "software": software, "models": [], "policy": policy, "previous": "clean",
    }  # fmt: skip


CLOSING = [call(B, MONTH.end + DAY, meter="free"), call(B, MONTH.end + 2 * DAY + 1, meter="free")]


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    return write_log(tmp_path_factory.mktemp("bill") / "ledger", [*ENTRIES, *CLOSING])


@pytest.fixture(scope="module")
def bill(reader):
    return make_bills(reader, KEY, MONTH, customer=A)[0]


def test_a_bill_names_what_it_was_made_of(reader, bill):
    assert bill.log == AsOf("candid.local/billing", len(ENTRIES) + 2, reader.signed.root)
    assert json.loads(json.dumps(bill.as_json())) == {
        "bill": "candid-bill/1",
        "customer": A,
        "month": "2026-11",
        "start": NOVEMBER,
        "end": NOVEMBER + 30 * DAY,
        "closed": True,
        "log": {"origin": "candid.local/billing", "size": 11, "root": b64encode(reader.signed.root).decode()},
        "prices": [{"entry": 0, "currency": "USD", "valid_from": NOVEMBER}],
        "late": [],
        "calls": 6,
        "lines": [
            {
                "meter": "face-days", "prices": 0, "tier": 1, "first": 1, "units": 15_000, "unit": "face-day",
                "price": 3_000_000, "per": 30_000, "amount": 1_500_000, "currency": "USD",
            },
            {
                "meter": "image-group-1", "prices": 0, "tier": 0, "first": 1, "units": 1, "unit": "image", "price": 0,
                "per": 1, "amount": 0, "currency": "USD",
            },
            {
                "meter": "image-group-1", "prices": 0, "tier": 1, "first": 2, "units": 2, "unit": "image",
                "price": 1_000_000, "per": 1, "amount": 2_000_000, "currency": "USD",
            },
            {
                "meter": "image-group-1", "prices": 0, "tier": 2, "first": 4, "units": 2, "unit": "image", "price": 8,
                "per": 1, "amount": 16, "currency": "USD",
            },
            {
                "meter": "image-group-2", "prices": 0, "first": 1, "units": 1, "unit": "image-group-2", "price": 0,
                "per": 1, "amount": 0,
            },
        ],
        "totals": {"USD": 3_500_016},
    }  # fmt: skip


def test_bills_of_all_are_those_of_each(reader):
    bills = make_bills(reader, KEY, MONTH)
    assert [each.usage.customer for each in bills] == sorted([A, B])
    assert bills == [make_bills(reader, KEY, MONTH, customer=each.usage.customer)[0] for each in bills]


def test_a_customer_that_the_log_does_not_have(reader):
    with pytest.raises(UnknownCustomer, match="the log has no customer"):
        make_bills(reader, KEY, MONTH, customer=who("nobody"))


def test_a_customer_that_was_opened_and_used_nothing(tmp_path):
    opened = {"kind": "customer/1", "time": NOVEMBER, "event": "opened", "customer": A, "identity": A}
    entry = opened | {"category": "other", "status": "unscreened"}
    (nothing,) = make_bills(write_log(tmp_path / "ledger", [entry]), KEY, MONTH, customer=A)
    assert nothing.usage.calls == 0


def test_a_month_in_which_a_customer_used_nothing(reader):
    (nothing,) = make_bills(reader, KEY, Month(2026, 10), customer=A)
    assert (nothing.rating.lines, nothing.lists, nothing.usage.calls) == ((), (), 0)
    assert "nothing to be charged" in bill_text(nothing)
    assert "total 0\n" in bill_text(nothing)
    assert "Nothing to be charged." in invoice_html(nothing)


def test_a_month_that_goes_on_has_an_interim_bill(tmp_path):
    (found,) = make_bills(write_log(tmp_path / "ledger", ENTRIES), KEY, MONTH, customer=A)
    assert not found.closed
    assert bill_text(found).endswith("this is an interim bill.\n")
    assert "this is an interim bill." in invoice_html(found)


FREE = {"meter": "free", "operation": "ListFaces"}


def billed(folder, entries):
    (found,) = make_bills(write_log(folder, [*ENTRIES, *entries]), KEY, MONTH, customer=A)
    return found


@pytest.mark.parametrize(
    ("entries", "closed"),
    [
        ([], False),
        ([call(B, MONTH.end, **FREE)], False),
        # A server at work has two days from the month's end.
        ([call(B, MONTH.end + DAY, **FREE), call(B, MONTH.end + 2 * DAY, **FREE)], False),
        ([call(B, MONTH.end + DAY, **FREE), call(B, MONTH.end + 2 * DAY + 1, **FREE)], True),
        ([call(B, MONTH.end + DAY, **FREE), prices(MONTH.end + 3 * DAY, LISTED | {"valid_from": 2**50})], True),
        # One that did not run has a day from its next start.
        ([start(MONTH.end + 90 * DAY)], False),
        ([start(MONTH.end + 90 * DAY), call(B, MONTH.end + 91 * DAY, **FREE)], False),
        ([start(MONTH.end + 90 * DAY), call(B, MONTH.end + 91 * DAY + 1, **FREE)], True),
        # What is entered without a server does not count.
        ([prices(MONTH.end + 9 * DAY, LISTED | {"valid_from": 2**50}) for _ in range(2)], False),
    ],
)
def test_when_a_month_is_closed(tmp_path, entries, closed):
    assert billed(tmp_path / "ledger", entries).closed is closed


def test_what_comes_to_a_closed_month_changes_nothing(tmp_path, bill):
    after = MONTH.end + 150 * DAY
    late = billed(tmp_path / "ledger", [*CLOSING, storage(A, after, "2026-11-30", faces=50_000_000)])
    assert (late.closed, late.rating, late.late) == (True, bill.rating, (11,))
    said = "Entered too late, and not billed: storage of the entries 11 of the log."
    assert (said in bill_text(late), said in invoice_html(late)) == (True, True)
    # Two computations of one month differ visibly.
    assert invoice_number(bill) == f"2026-11/{A}/11"
    assert invoice_number(late) == f"2026-11/{A}/12"
    assert "Number: 2026-11/" in invoice_html(late)


def test_many_late_entries_are_named_in_part(tmp_path):
    after = MONTH.end + 150 * DAY
    late = [storage(A, after, f"2026-11-{day:02}", faces=1) for day in range(2, 31)]
    found = billed(tmp_path / "ledger", CLOSING + late)
    assert "entries 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, … of" in bill_text(found)


def test_the_last_day_is_billed_as_soon_as_it_is_entered(tmp_path):
    found = billed(tmp_path / "ledger", [storage(A, MONTH.end, "2026-11-30", faces=1000)])
    assert (found.closed, found.rating.totals) == (False, {"USD": 3_600_016})
    assert "may still be entered: this is an interim bill." in bill_text(found)


def test_the_text(bill):
    assert (
        bill_text(bill)
        == f"""\
bill of 2026-11 (UTC) for {A}
6 calls

meter          tier             units                          price        amount
face-days      tier 1          15,000  3.000000 per 30,000 face-days  1.500000 USD
image-group-1  free allowance       1             0.000000 per image  0.000000 USD
image-group-1  tier 1               2             1.000000 per image  2.000000 USD
image-group-1  tier 2               2             0.000008 per image  0.000016 USD
image-group-2  no price             1                              -             -

total 3.500016 USD

computed from the log candid.local/billing of 11 entries, root {b64encode(bill.log.root).decode()}
prices of entry 0, valid from 2026-11-01 00:00:00.000Z
"""
    )


def test_the_csv(reader, bill):
    text = bills_csv([bill])
    rows = list(csv.DictReader(io.StringIO(text)))
    assert tuple(rows[0]) == CSV_COLUMNS
    assert [row["amount_micro"] for row in rows] == ["1500000", "0", "2000000", "16", "0"]
    assert rows[4]["tier"] == rows[4]["currency"] == ""
    assert {row["log_root"] for row in rows} == {b64encode(reader.signed.root).decode()}
    assert "\r" not in text


class Texts(HTMLParser):
    def __init__(self):
        super().__init__()
        self.texts, self.tags = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, attrs))

    def handle_data(self, data):
        self.texts.append(data.strip())


def test_the_invoice(bill):
    page = invoice_html(bill, customer=["<Söhne> & Co", "1 Main Street"], issuer=['"Operator"'])
    found = Texts()
    found.feed(page)
    assert {"<Söhne> & Co", "1 Main Street", '"Operator"', "3.500016 USD", "Invoice for 2026-11"} <= set(found.texts)
    assert {tag for tag, _ in found.tags}.isdisjoint({"script", "img", "link", "a"})
    assert not re.search(r"https?:|url\(", page)
    rows = page.count("<tr>")
    assert rows == 1 + len(bill.rating.lines) + 1


@pytest.mark.parametrize(
    ("micro", "text", "with_groups"),
    [
        (0, "0.000000", "0.000000"),
        (1, "0.000001", "0.000001"),
        (1_234_567_890_123, "1234567.890123", "1,234,567.890123"),
    ],
)
def test_money(micro, text, with_groups):
    assert (plain(micro), grouped(micro)) == (text, with_groups)


def test_prices_and_times_for_people():
    line = Line("image-group-1", 0, 1, 1, 1, "image", 1_500_000_000, 1, 1, "USD")
    assert price_text(line) == "1,500.000000 per image"
    assert time_text(NOVEMBER + 7) == "2026-11-01 00:00:00.007Z"


def raw_log(folder, entries):
    """A log of any bytes."""
    with Log.create(folder, SIGNER, LogOptions(publish_interval=None)) as log:
        log.append_many(entries)
        log.publish()
    return LogReader.open(FolderSource(folder), KEY)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xff", "entry 1 is no entry of Candid"),
        (b"[]", "entry 1 is no entry of Candid"),
        (b"{}", "entry 1 is no entry of Candid"),
        (b'{"kind":"call/1"}', "entry 1, a call/1, has no number time"),
        (b'{"kind":"storage/1","time":1,"faces":1,"users":-1}', "entry 1, a storage/1, has no number users"),
        (b'{"kind":"prices/1","time":1,"note":7}', "entry 1, a prices/1, has no text note"),
        (b'{"kind":"call/1","time":1,"units":true}', "has no number units"),
    ],
)
def test_entries_that_are_none(tmp_path, data, message):
    reader = raw_log(tmp_path / "ledger", [b'{"kind":"unknown/9"}', data])
    with pytest.raises(UnreadableEntry, match=message):
        list(billed_entries(reader))


def test_entries_that_are_billed(reader):
    assert [entry["kind"] for _, entry in billed_entries(reader, 8)] == ["storage/1", "call/1", "call/1"]
    for index, entry in billed_entries(reader):
        check_billed(index, entry)


def test_prices_that_another_key_signed(tmp_path):
    other = SigningKey.generate(SIGNER.name)
    reader = write_log(tmp_path / "ledger", [prices(NOVEMBER - 1, LISTED, signer=other)])
    with pytest.raises(UnknownKeyError):
        make_bills(reader, KEY, MONTH)


def test_prices_changed_backwards_stop_every_bill(tmp_path):
    reader = write_log(tmp_path / "ledger", [*ENTRIES[1:], prices(NOVEMBER + 2 * DAY, LISTED)])
    with pytest.raises(NotProved, match="changed backwards"):
        make_bills(reader, KEY, MONTH)


def test_a_log_that_was_changed_gives_no_bill(tmp_path):
    folder = tmp_path / "ledger"
    write_log(folder, ENTRIES)
    bundle = next((folder / "tile" / "entries").rglob("*"))
    bundle = bundle if bundle.is_file() else next(path for path in bundle.rglob("*") if path.is_file())
    bundle.write_bytes(bundle.read_bytes().replace(b'"units":1', b'"units":0'))
    with pytest.raises(ProofError):
        make_bills(LogReader.open(FolderSource(folder), KEY), KEY, MONTH)


def test_notes_are_opened():
    note = prices(0, LISTED)["note"].encode()
    assert note_opener(KEY)(note).startswith(b"candid-prices/1\n")
    with pytest.raises(SignatureError):
        note_opener(KEY)(note.replace(b'"free":1', b'"free":2'))
    with pytest.raises(NoteError):
        note_opener(KEY)(b"no note")


def test_the_default_prices_are_rekognitions():
    listed = default_prices(7)
    assert (listed.valid_from, listed.currency) == (7, "USD")
    for group in ("image-group-1", "image-group-2"):
        tiers = [(tier.upto, tier.price) for tier in listed.meters[group].tiers]
        assert tiers == [(1_000_000, 1000), (5_000_000, 800), (35_000_000, 600), (None, 400)]
    assert [listed.meters[name].tiers[0].price for name in ("face-days", "user-days")] == [10, 10]
