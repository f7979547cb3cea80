"""Evidence from a log of a million entries: how large it is, and how long it takes. Prints what it measures."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.evidence.bookkeeper import DETECTOR
from tests.evidence.office import Office

from candid.evidence import Sources, export
from candid.ledger import FolderSource, LogReader
from candid_verify.audit import Audit
from candid_verify.canonical import canonical
from candid_verify.claims import Claim
from candid_verify.notes import Key
from candid_verify.verifier import verify

ENTRIES = 1_000_000
CUSTOMERS = 50


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A million calls of fifty customers."""
    found = Office(tmp_path_factory.mktemp("million") / "data")
    names = [f"Customer {number}" for number in range(CUSTOMERS)]
    for name in names:
        found.open(name)
    found.publish()
    found.book.time += 1
    templates = [_template(found, name) for name in names]
    for start in range(0, ENTRIES, 20_000):
        calls = range(start, start + 20_000)
        found.log.append_many([_call(templates, number, found.book.time) for number in calls])
        found.log.publish()
    for name in names:
        found.book.customers[name].calls = ENTRIES // CUSTOMERS
    found.book.calls, found.book.rows[DETECTOR] = ENTRIES, found.book.rows[DETECTOR] + ENTRIES
    yield found
    found.close()


def _template(office: Office, name: str) -> bytes:
    """A customer's call with places for number, request and time; nothing is entered."""
    index = office.book.call(name, number=7_777_777, request="R", started=office.book.time, time=8_888_888)
    entry = json.loads(office.book.entries.pop())
    assert index == len(office.book.entries)
    data = canonical(entry).replace(b"%", b"%%").replace(b"7777777", b"%d").replace(b'"R"', b'"request-%d"')
    office.book.customers[name].calls -= 1
    office.book.calls -= 1
    office.book.rows[DETECTOR] -= 1
    return data.replace(b"8888888", b"%d")


def _call(templates: list[bytes], number: int, now: int) -> bytes:
    return templates[number % CUSTOMERS] % (number // CUSTOMERS + 1, number, now)


def _sources(office: Office, enter: Callable[[], int]) -> Sources:
    """As `Office.sources`, though the calls are not in the bookkeeper's memory."""

    def act(_: object) -> int:
        enter()
        index = office.log.append(office.book.entries[-1]).index
        office.log.publish()
        return index

    return Sources(data=office.folder, signer=office.signer, customers=office.customers, act=act)


def _resident() -> int:
    """Bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.slow
def test_never_served_in_a_million_entries(office: Office, capsys: pytest.CaptureFixture[str]):
    claim = Claim.from_json({"name": "never-served", "subject": "Nobody Ltd", "country": "GB", "registration": "00123"})
    where = _sources(office, office.book.state)
    started = time.perf_counter()
    made = export(claim, where)
    seconds = time.perf_counter() - started
    started = time.perf_counter()
    verdict = verify(made.data, log_key=str(office.signer.verifier))
    verifying = time.perf_counter() - started
    assert verdict.verdict == "established" and verdict.tree_size is not None and verdict.tree_size > ENTRIES
    assert len(made.data) <= 100_000
    with capsys.disabled():
        print(f"\nnever-served: {len(made.data)} bytes, made in {seconds:.3f} s, verified in {verifying * 1000:.1f} ms")


@pytest.mark.slow
def test_usage_of_one_customer_of_fifty(office: Office, capsys: pytest.CaptureFixture[str]):
    claim = Claim.from_json({"name": "usage", "customer": office.book.customers["Customer 7"].pseudonym})
    started = time.perf_counter()
    made = export(claim, _sources(office, lambda: office.book.statement("Customer 7")))
    seconds = time.perf_counter() - started
    assert made.verdict.verdict == "established"
    assert json.loads(made.data)["evidence"]["stated"]["calls"] == ENTRIES // CUSTOMERS
    with capsys.disabled():
        print(f"\nusage of {ENTRIES // CUSTOMERS} calls: {len(made.data)} bytes, made and verified in {seconds:.1f} s")


@pytest.mark.slow
def test_the_audit_of_a_million_entries(office: Office, capsys: pytest.CaptureFixture[str]):
    before = _resident()
    started = time.perf_counter()
    reader = LogReader.open(FolderSource(office.folder / "ledger"), office.signer.verifier)
    audit = Audit(key=Key.parse(str(office.signer.verifier)))
    for index, data in reader.entries():
        audit.feed(index, data)
    report = audit.finish()
    seconds = time.perf_counter() - started
    grown = _resident() - before
    assert report.findings == ()
    assert report.kinds["call/1"] == ENTRIES
    with capsys.disabled():
        print(f"\naudit: {report.entries / seconds:,.0f} entries/s, {grown / 2**20:.1f} MiB more memory at its end")
