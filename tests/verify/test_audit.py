"""Each rule of the audit, broken by an operator who holds the key and can write whatever he likes."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.evidence.bookkeeper import BEGIN, DAY, DETECTOR, SOFTWARE, Bookkeeper, Known, identity, log_key

from candid.ledger.map.hashing import map_root
from candid.ledger.tree import hash_leaf, root_of
from candid_verify.audit import ALWAYS, RULES, Audit, AuditReport, Promise
from candid_verify.audit_entries import read_entry
from candid_verify.audit_map import ReplayedMap
from candid_verify.audit_state import Limit
from candid_verify.canonical import encode_bytes
from candid_verify.entries import parse_entry
from candid_verify.errors import EntryError
from candid_verify.labels import VERSION
from candid_verify.notes import Key

SIGNER = log_key()
NOW = BEGIN + 100 * DAY  # the auditor's


def roots(book: Bookkeeper) -> Callable[[int], bytes]:
    return lambda size: root_of([hash_leaf(data) for data in book.entries[:size]])


def audited(book: Bookkeeper, **options) -> AuditReport:
    usual = {"key": Key.parse(str(SIGNER.verifier)), "root_at": roots(book), "limit": Limit(NOW, "this")}
    audit = Audit(**{**usual, **options})
    for index, data in enumerate(book.entries):
        audit.feed(index, data)
    return audit.finish()


def running() -> Bookkeeper:
    """A server that runs, with two customers, of whom the first made two calls."""
    book = Bookkeeper()
    book.begin()
    book.start()
    book.state()
    book.open("Alpha", identity("Alpha B.V.", registrations=[{"country": "NL", "number": "00123"}]))
    book.open("Beta", identity("Beta GmbH", "DE"))
    book.call("Alpha")
    book.call("Alpha", "IndexFaces", rows=4, enrolled=[book.tag("a"), book.tag("b")], meter="image-group-1")
    return book


def honest() -> Bookkeeper:
    """A log with everything that can stand in one."""
    book = running()
    book.denied("Beta")
    book.call("Beta", outcome="error", error="InvalidImageFormatException", units=0, rows=0)
    book.state(public={"size": 3, "root": encode_bytes(roots(book)(3)), "witnesses": []})
    book.prices(SIGNER)
    book.call("Alpha", "DeleteFaces", erased=[book.tag("a")], meter="free", units=0, rows=0)
    book.statement("Alpha")
    book.customer("Alpha", identity("Alpha Holding B.V."), "updated")
    book.map_entry()
    book.key("Alpha", name="second")
    book.key("Alpha", "revoked")
    book.call("Alpha", started=book.time - 5000)  # it had begun before its key was revoked
    book.call("Alpha", key=book.customers["Alpha"].key("second"))
    book.stop()
    book.state()
    book.time = BEGIN + DAY
    for name in ("Alpha", "Beta"):
        _storage(book, "2026-01-01", customer=book.customers[name].pseudonym)
    book.start()
    book.state()
    book.end("Beta")
    book.denied("Beta")
    book.end("Beta", "erased")
    book.add({"kind": "erasure/1", "subject": "face", "faces": [book.tag("b")], "removed": {"faces": 1}})
    book.add({"kind": "resumed/1", "refused": 3, "since": book.time})
    book.stop()
    return book


def test_an_honest_log_has_no_findings_and_is_counted():
    book = honest()
    report = audited(book)
    assert report.findings == () and report.more_findings == 0 and report.notes == ()
    assert report.entries == len(book.entries)
    assert sum(report.kinds.values()) == report.entries
    assert report.kinds["call/1"] == 8
    assert report.customers == 2
    assert report.map_root == map_root(book.labels) and report.map_labels == len(book.labels)
    assert (report.first, report.last) == (BEGIN + 1000, book.time)
    document = report.as_json()
    assert document["from"] == "2026-01-01T00:00:01.000Z"
    assert document["months"] == {
        "2026-01": {"calls": 8, "denied": 2, "units": {"free": 0, "image-group-1": 1, "image-group-2": 3}}
    }
    assert document["findings"] == []


def hidden(book: Bookkeeper, *, rows: int = 8, **call: object) -> None:
    """The engine works for 8 rows, then a call comes, and the server is killed before it states its counters again."""
    book.rows[DETECTOR] += 8
    book.state()
    book.call("Alpha", rows=rows, **call)
    book.time += 600_000
    book.start()


def test_work_under_way_when_the_log_fails_is_told_after_it():
    """A `state/1` stands while a call runs, then the log cannot be written for an hour; that call comes behind it."""
    book = honest()
    book.start()
    book.state()
    book.rows[DETECTOR] += 8
    book.state()
    book.time += 3_600_000
    book.add({"kind": "resumed/1", "refused": 3, "since": book.time - 3_500_000})
    book.rows[DETECTOR] -= 8
    book.call("Alpha", rows=8, key=book.customers["Alpha"].key("second"), outcome="error", error="X", units=0)
    book.time += 700_000
    book.state()
    book.stop()
    assert audited(book).findings == ()


def test_a_silence_excuses_no_work_for_which_no_call_comes():
    book = honest()
    book.start()
    book.state()
    book.rows[DETECTOR] += 8
    book.state()
    book.time += 3_600_000
    book.add({"kind": "resumed/1", "refused": 0, "since": book.time - 3_500_000})
    book.time += 700_000
    book.call("Alpha", key=book.customers["Alpha"].key("second"))
    assert [finding.rule for finding in audited(book).findings] == ["work_ends_in_calls"]


def alpha_key(book: Bookkeeper) -> str:
    return book.customers["Alpha"].key()


def _storage(book: Bookkeeper, day: str, **lies: object) -> int:
    customer = book.customers["Alpha"].pseudonym
    return book.add({"kind": "storage/1", "customer": customer, "day": day, "faces": 1, "users": 0} | lies)


def _succeeding(book: Bookkeeper, **lies: object) -> dict[str, object]:
    """A first entry that names a log before it."""
    vrf = encode_bytes(book.vrf.public.encoded)
    first = {"kind": "log/1", "origin": book.origin, "vrf": vrf, "labels": VERSION, "software": SOFTWARE}
    before = log_key("candid.local/before", "before").verifier
    return first | {"previous": {"origin": before.name, "key": str(before), "size": 9, "root": STRANGER} | lies}


STRANGER = encode_bytes(bytes(32))
LIES: list[tuple[str, Callable[[Bookkeeper], object], str]] = [
    ("first_entry", lambda book: book.begin(), "another one"),
    ("successor_of_another", lambda book: book.add(_succeeding(book, key="key")), "not by a log's key"),
    ("successor_of_another", lambda book: book.add(_succeeding(book, origin="x")), "key is that of candid.local"),
    (
        "successor_of_another",
        lambda book: book.add(_succeeding(book, origin=SIGNER.name, key=str(SIGNER.verifier))),
        "it names itself",
    ),
    ("time_goes_on", lambda book: book.call("Alpha", time=BEGIN), "backwards"),
    ("time_goes_on", lambda book: book.call("Alpha", time=2**53 - 1), "impossible"),
    ("end_of_previous_run", lambda book: book.start(previous="clean"), "by the log it is unclean"),
    ("end_of_previous_run", lambda book: book.start(previous="none"), "by the log it is unclean"),
    ("newest_run", lambda book: book.call("Alpha", run=0), "it names run 0, and the newest is 1"),
    ("newest_run", lambda book: (book.stop(), book.call("Alpha")), "had stopped"),
    ("calls_of_run", lambda book: book.stop(calls=1), "states 1 calls of run 1, and the log has 2"),
    ("calls_of_run", lambda book: book.state(calls=3), "states 3 calls"),
    ("counters_before_calls", lambda book: (book.start(), book.call("Alpha")), "no state/1 before them"),
    ("counters_go_on", lambda book: (book.state(), book.stop(engine={})), "went back"),
    ("counters_cover_calls", lambda book: book.call("Alpha", engine={DETECTOR: 99}) and book.state(), "state 104 rows"),
    ("no_work_without_call", lambda book: (book.rows.update({DETECTOR: 99}), book.stop()), "there is no call"),
    ("no_work_without_call", lambda book: (book.rows.update({"other": 1}), book.stop()), "1 rows of other"),
    ("map_replayed", lambda book: book.map_entry(root=encode_bytes(bytes(32))), "replaying the customers gives"),
    ("map_replayed", lambda book: book.map_entry(version=9), "3 comes next"),
    ("map_replayed", lambda book: book.map_entry(count=1), "states a map of 1 labels"),
    ("map_before_state", lambda book: (book.customer("Gamma"), book.state()), "a customer was left out"),
    ("map_of_state", lambda book: book.state(map={**book.map, "root": STRANGER}), "root of its map"),
    ("map_of_state", lambda book: book.state(map={**book.map, "entry": 4}), "entry of its map is 4"),
    ("map_of_state", lambda book: book.state(map={**book.map, "version": 1}), "version of its map is 1"),
    ("customers_of_state", lambda book: book.state(customers=1), "1 entries of customers, and the log has 2"),
    ("public_is_true", lambda book: book.state(public={"size": 99, "root": STRANGER, "witnesses": []}), "99"),
    ("public_is_true", lambda book: book.state(public={"size": 3, "root": STRANGER, "witnesses": []}), "another root"),
    ("prices_go_forward", lambda book: book.prices(SIGNER, valid_from=BEGIN), "prices were changed backwards"),
    ("prices_go_forward", lambda book: book.prices(SIGNER, text=b"cheap\n"), "no price list"),
    ("prices_go_forward", lambda book: book.prices(log_key(seed="other")), "not signed by the key given"),
    ("work_ends_in_calls", lambda book: hidden(book, started=book.time + 60_000), "8 rows of detector-1"),
    ("work_ends_in_calls", lambda book: hidden(book, rows=7), "1 rows of detector-1"),
    ("of_known_customer", lambda book: book.call("Alpha", customer=STRANGER), "never opened"),
    ("of_known_customer", lambda book: book.statement("Alpha", customer=STRANGER), "never opened"),
    ("of_known_customer", lambda book: _storage(book, "2025-12-31", customer=STRANGER), "never opened"),
    ("number_without_gap", lambda book: book.call("Alpha", number=7), "4 calls are missing before it"),
    ("number_without_gap", lambda book: book.call("Alpha", number=2), "this number had been given"),
    ("customer_not_ended", lambda book: (book.end("Alpha"), book.call("Alpha")), "customer had ended"),
    ("customer_not_ended", lambda book: (book.end("Alpha", "erased"), book.call("Alpha")), "customer had ended"),
    ("key_in_force", lambda book: (book.key("Alpha", "revoked"), book.call("Alpha")), "revoked"),
    ("key_in_force", lambda book: book.call("Alpha", key=book.customers["Beta"].key()), "to another customer"),
    ("key_in_force", lambda book: book.call("Alpha", key=STRANGER), "never issued"),
    ("outcome_fits", lambda book: book.denied("Alpha", outcome="ok"), "decision is denied and its outcome ok"),
    ("outcome_fits", lambda book: book.call("Alpha", outcome="denied", units=0), "decision is allowed"),
    ("outcome_fits", lambda book: book.call("Alpha", outcome="error", units=0), "does not name it"),
    ("outcome_fits", lambda book: book.call("Alpha", outcome="error", error="X"), "bills 1 units"),
    ("outcome_fits", lambda book: book.denied("Alpha", collection=STRANGER), "names a collection"),
    ("started_before_end", lambda book: book.call("Alpha", started=book.time + 9000), "ended before"),
    ("started_before_end", lambda book: book.call("Alpha", started=book.time - 600_001), "longer than ten minutes"),
    (
        "started_before_end",  # a customer that goes on for days: its calls pretend to have begun before it was closed
        lambda book: (book.end("Alpha"), book.call("Alpha", started=book.time - 1000, time=book.time + DAY)),
        "longer than ten minutes",
    ),
    ("request_once", lambda book: [book.call("Alpha", request="r") for _ in "12"], "the same request id, r"),
    (
        "request_once",
        lambda book: (book.call("Alpha", request="r"), book.denied("Beta", request="r")),
        "what was decided is said twice",
    ),
    ("time_has_come", lambda book: book.call("Alpha", time=NOW + 300_001, started=NOW + 300_000), "had not come"),
    ("enrolled_once", lambda book: book.call("Alpha", enrolled=[book.tag("a")]), "enrolled twice"),
    ("enrolled_once", lambda book: book.call("Alpha", enrolled=[book.tag("c")] * 2), "enrolled twice"),
    ("erased_once", lambda book: [book.call("Alpha", erased=[book.tag("a")]) for _ in "12"], "erased twice"),
    (
        "erased_once",
        lambda book: [
            book.add({"kind": "erasure/1", "subject": "face", "faces": [book.tag("a")]}),
            book.call("Alpha", erased=[book.tag("a")]),
        ],
        "erased twice",
    ),
    ("opened_once", lambda book: (book.customer("Alpha"), book.map_entry()), "opened a second time"),
    ("opened_once", lambda book: (book.customer("Gamma", event="updated"), book.map_entry()), "never opened"),
    ("opened_once", lambda book: (book.customer("Gamma", identity=STRANGER), book.map_entry()), "under a pseudonym"),
    ("ended_for_good", lambda book: (book.end("Alpha"), book.end("Alpha")), "was closed was closed"),
    ("ended_for_good", lambda book: (book.end("Alpha", "erased"), book.end("Alpha", "updated")), "erased was updated"),
    ("ended_for_good", lambda book: [book.end("Alpha", "erased") for _ in "12"], "erased was erased"),
    ("labels_with_identity", lambda book: book.customer("Gamma", labels=[]), "adds no label"),
    ("labels_with_identity", lambda book: book.end("Alpha", identity=STRANGER), "adds no label"),
    ("no_label_twice", lambda book: book.end("Alpha", labels=[STRANGER, STRANGER]), "adds a label twice"),
    ("key_of_open_customer", lambda book: book.key("Alpha"), "issued twice"),
    ("key_of_open_customer", lambda book: book.key("Alpha", customer=STRANGER, name="x"), "never opened"),
    ("key_of_open_customer", lambda book: (book.end("Alpha"), book.key("Alpha", name="x")), "closed or erased"),
    ("key_of_open_customer", lambda book: book.key("Alpha", "revoked", "x"), "never issued"),
    ("key_of_open_customer", lambda book: book.key("Beta", "revoked", key=alpha_key(book)), "another customer's"),
    ("key_of_open_customer", lambda book: [book.key("Alpha", "revoked") for _ in "12"], "revoked twice"),
    ("calls_of_customer", lambda book: book.statement("Alpha", number=1), "states 1 calls"),
    ("storage_in_order", lambda book: _storage(book, "2026-01-01"), "had been written before that"),
    ("storage_in_order", lambda book: _storage(book, "2027-01-01"), "had been written before that"),
    ("storage_in_order", lambda book: _storage(book, "2025-02-30"), "no day of the calendar"),
    ("storage_in_order", lambda book: [_storage(book, "2025-12-30") for _ in "12"], "was stated before"),
    ("storage_in_order", lambda book: [_storage(book, f"2025-12-{day}") for day in (30, 29)], "was stated before"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "lie", "message"), LIES, ids=[f"{n}-{case[0]}" for n, case in enumerate(LIES)])
def test_a_lie_is_found(rule: str, lie: Callable[[Bookkeeper], object], message: str):
    book = running()
    assert audited(book).findings == ()
    before = len(book.entries)
    lie(book)
    report = audited(book)
    found = [each for each in report.findings if each.rule == rule]
    assert [each for each in found if message in each.message], report.findings
    assert all(each.index is not None and each.index >= before for each in report.findings)


def test_every_rule_is_tried_and_explained():
    rules = {rule for rules in (ALWAYS, *RULES.values()) for rule in rules}
    assert {rule.__name__ for rule in rules} == {rule for rule, _, _ in LIES}
    assert all(rule.__doc__ for rule in rules)


def test_a_log_that_succeeds_another():
    """It may have a customer whose one entry says that it is erased; another log may not, and nobody calls for it."""
    erased = {"kind": "customer/1", "event": "erased", "customer": STRANGER, "category": "other", "status": "erased"}
    book = Bookkeeper()
    book.add(_succeeding(book))
    book.add(erased)
    assert audited(book).findings == ()
    book.add(erased)
    assert [each.rule for each in audited(book).findings] == ["ended_for_good"]
    other = Bookkeeper()
    other.begin()
    other.add(erased)
    assert [each.rule for each in audited(other).findings] == ["opened_once"]


def test_a_log_that_does_not_begin_with_its_first_entry():
    book = Bookkeeper()
    book.start()
    assert [each.rule for each in audited(book).findings] == ["first_entry"]


def test_price_lists_are_not_judged_without_the_key():
    book = running()
    book.prices(SIGNER, valid_from=BEGIN)
    assert audited(book, key=None).findings == ()


def test_without_counters_before_the_first_call_nothing_is_said_of_work():
    book = Bookkeeper()
    book.begin()
    book.open("Alpha")
    book.start()
    book.call("Alpha")
    book.rows[DETECTOR] += 99
    book.state()
    book.stop()
    assert [each.rule for each in audited(book).findings] == ["counters_before_calls"]


def test_a_call_without_a_key_and_without_a_run():
    book = Bookkeeper()
    book.begin()
    book.open("Alpha")
    book.run = 77
    data = read_entry(book.entries[book.call("Alpha", rows=0) if book.rows.setdefault(DETECTOR, 0) == 0 else 0])
    del data["key"]
    book.entries.pop()
    book.add(data)
    book.stop()
    messages = [each.message for each in audited(book).findings]
    assert "it names run 77, and there is none" in messages and "it names no access key" in messages


def test_what_is_no_entry_is_found_and_the_rest_still_judged():
    book = running()
    book.entries[-1] = book.entries[-1].replace(b'"units":1', b'"units":1.0')
    book.call("Alpha")
    report = audited(book)
    assert [each.rule for each in report.findings] == ["documented_entry", "number_without_gap"]
    assert str(report.findings[0]).startswith(f"entry {len(book.entries) - 2}: ")


def test_findings_are_limited_and_counted():
    book = running()
    for _ in range(5):
        book.call("Alpha", key=STRANGER)
    report = audited(book, most_findings=2)
    assert len(report.findings) == 2 and report.more_findings == 3


def test_receipts_are_held_against_the_log():
    book = running()
    true = [Promise(index, sha256(b"\x00" + data).digest()) for index, data in enumerate(book.entries)]
    assert audited(book, receipts=true).findings == () and audited(book, receipts=true).receipts == len(true)
    broken = [*true, Promise(3, bytes(32)), Promise(999, bytes(32))]
    assert [(each.index, each.rule) for each in audited(book, receipts=broken).findings] == [
        (3, "receipt_kept"),
        (999, "receipt_kept"),
    ]


def test_what_cannot_be_judged_yet_is_noted():
    book = running()
    book.customer("Gamma")
    assert [note.split(" ")[0] for note in audited(book).notes] == ["The", "Run"]
    assert "Price lists were not judged" in audited(book, key=None).notes[0]
    assert "more than 1 tags" in audited(book, most_tags=1).notes[0]


def test_entries_that_were_cosigned_before_their_time():
    book = running()
    seen = Limit(book.time - 300_001, "the clock of the witness w")
    (found,) = audited(book, limit=seen).findings
    assert (found.index, found.rule) == (len(book.entries) - 1, "time_has_come")
    assert "by the clock of the witness w it was 2025-12-31T23:5" in found.message
    assert audited(book, limit=Limit(book.time - 300_000, "w")).findings == audited(book, limit=None).findings == ()


def test_request_ids_beyond_the_limit_are_not_remembered():
    book = running()  # with two calls
    book.call("Alpha", request="r")
    book.call("Alpha", request="r")
    assert [each.rule for each in audited(book).findings] == ["request_once"]
    report = audited(book, most_requests=2)
    assert report.findings == ()
    assert "more than 2 calls; whether a request id was used twice" in report.notes[0]
    assert [each.rule for each in audited(book, most_requests=3).findings] == ["request_once"]


def test_a_company_that_is_opened_again_is_noted():
    book = running()
    value = identity("Beta GmbH", "DE")
    for name in ("Second", "Third"):
        book.customers[name] = Known(sha256(name.encode()).digest(), [], [])
        book.open(name, value)
    again = [book.customers[name].indexes[0] for name in ("Second", "Third")]
    report = audited(book)
    assert report.findings == ()
    assert f"opened by the entries {again[0]}, {again[1]} were" in report.notes[0]
    for number in range(12):
        book.open(f"Beta {number}", value)
    assert ", … were" in audited(book).notes[0]


def test_an_owner_of_two_companies_is_no_note():
    book = running()
    owner = {"name": "Owner", "registrations": [], "country": "RU"}
    for name in ("One Ltd", "Other Ltd"):
        book.open(name, identity(name, owners=[owner]))
    assert [note.split(" ")[0] for note in audited(book).notes] == ["Run"]


def test_tags_beyond_the_limit_are_given_up():
    book = running()
    book.call("Alpha", enrolled=[book.tag("a")])
    assert [each.rule for each in audited(book).findings] == ["enrolled_once"]
    assert audited(book, most_tags=1).findings == ()


def test_a_customer_with_many_labels_has_several_entries():
    book = Bookkeeper()
    book.begin()
    many = [encode_bytes(sha256(b"%d" % number).digest()) for number in range(1300)]
    book.customer("Alpha", labels=many)
    known = book.customers["Alpha"]
    facts = {"customer": known.pseudonym, "identity": known.pseudonym, "category": "private", "status": "cleared"}
    book.add({"kind": "customer/1", "event": "updated", "labels": [STRANGER], **facts})
    assert audited(book).findings == () and audited(book).map_labels == 1301


def test_calls_in_progress_account_for_work_that_was_stated_before_them():
    book = running()
    book.rows[DETECTOR] += 8
    book.state()
    book.state()
    book.rows[DETECTOR] -= 8
    book.call("Alpha", rows=8, started=book.time - 5000)
    book.time += 10**7
    book.start()
    assert audited(book).findings == ()


def test_entries_are_fed_in_order():
    with pytest.raises(ValueError, match="is the next one"):
        Audit().feed(1, b"")


# The replayed map


@given(st.lists(st.tuples(st.binary(min_size=1, max_size=2), st.binary(min_size=32, max_size=32)), max_size=60))
def test_the_replayed_map_has_the_root_that_the_plain_way_gives(items: list[tuple[bytes, bytes]]):
    replayed, plain = ReplayedMap(), dict[bytes, bytes]()
    for short, value in items:
        key = short.ljust(32, b"\0")  # keys that share long paths
        replayed.put(key, value)
        plain[key] = value
        if value[0] & 1:
            assert replayed.root() == map_root(plain)
    assert replayed.root() == map_root(plain) and replayed.count == len(plain)
    assert all(replayed.get(key) == value for key, value in plain.items())
    assert replayed.get(b"\xff" * 32) is None


# The quick reading


SAMPLE = honest().entries
SPOILS = [b"", b" ", b"1", b"-", b"null", b"1.5", b"NaN", b'"', b"\\u0041", b"\xc3\xa9", b"9" * 17]
NO_ENTRIES = [b"", b"[]", b"1", b"{}", b"[" * 50_000, b"x" * 70_000]
NO_ENTRIES += [b'{"kind":[]}', b'{"kind":"nothing/1"}', b'{"kind":"log/1"}']


@given(st.sampled_from(SAMPLE), st.data())
def test_the_quick_reading_is_as_strict_as_the_slow_one(entry: bytes, data: st.DataObject):
    at = data.draw(st.integers(0, len(entry) - 1))
    put = data.draw(st.sampled_from(SPOILS))
    changed = entry[:at] + put + entry[at + data.draw(st.integers(0, 1)) :]
    try:
        expected: object = parse_entry(changed)
    except EntryError as error:
        with pytest.raises(EntryError) as caught:
            read_entry(changed)
        assert str(caught.value) == str(error)
    else:
        assert read_entry(changed) == expected


def test_each_entry_is_read_the_same():
    for entry in SAMPLE:
        assert read_entry(entry) == parse_entry(entry)


@pytest.mark.parametrize("data", NO_ENTRIES, ids=range(len(NO_ENTRIES)))
def test_what_is_no_entry_is_refused(data: bytes):
    with pytest.raises(EntryError):
        read_entry(data)


def test_each_rule_is_documented_as_it_says_itself():
    page = (Path(__file__).parents[2] / "docs" / "evidence.md").read_text("utf-8")
    for rules in (ALWAYS, *RULES.values()):
        for rule in rules:
            assert f"| `{rule.__name__}` |" in page and f"| {rule.__doc__} |" in page, rule.__name__
