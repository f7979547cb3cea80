"""Collected replies against logs of honest operators and of others."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.client.conftest import NOW, SIGNER, Operator, call_entry, reply

from candid.client.receipts import BrokenWord, CollectedFileError, Report, check, included, open_receipt
from candid.client.replies import Reply
from candid.ledger import FolderSource, LogReader, SigningKey, open_checkpoint
from candid.ledger.errors import MissingError, ProofError, SourceError, UnknownKeyError
from candid_verify.canonical import encode_bytes

CUSTOMER = encode_bytes(bytes(32))


@pytest.fixture
def checked(tmp_path: Path):
    """Checks replies against the log in a folder, published or not."""

    def run(replies: Sequence[Reply], operator: Operator, *, log: Operator | None = None, **options: Any) -> Report:
        file = tmp_path / "replies"
        file.write_bytes(b"".join(reply.line() for reply in replies))
        shown = log or operator
        shown.log.publish()
        plain: dict[str, Any] = {"log_key": SIGNER.verifier, "source": shown.source, "clock": lambda: NOW}
        return check(file, **plain | options)

    return run


def reasons(report: Report) -> list[tuple[int, str]]:
    return [(finding.line, finding.reason) for finding in report.broken]


def test_what_an_honest_operator_served(operator: Operator, checked) -> None:
    replies = [operator.serve() for _ in range(600)]  # three bundles, in an order of their own
    replies = replies[::-1]
    denial = {"allowed": False, "rule": "customer_is_open", "policy": "candid-rules/1"}
    entry = call_entry(601, outcome="denied", units=0, decision=denial, error="AccessDeniedException")
    replies.append(operator.serve(entry, status=400, error="AccessDeniedException"))
    replies.append(operator.serve(call_entry(602, operation="Later"), operation="Later", asked=None))
    replies.append(reply(700, status=None, request=None))
    replies.append(reply(701, status=400, error="ThrottlingException"))
    report = checked(replies, operator, customer=CUSTOMER)
    assert report.as_json() == {
        "verified": True,
        "replies": 604,
        "checked": 602,
        "pending": 0,
        "undecided": 1,
        "unanswered": 1,
        "missing": [],
        "broken": [],
        "damaged": [],
        "unpriced": ["Later"],
        "unaccounted": 0,
        "customers": [CUSTOMER],
        "origin": "candid.local/test",
        "tree_size": 602,
        "root": report.as_json()["root"],
    }


def test_without_a_log_signatures_are_verified(operator: Operator, checked) -> None:
    replies = [operator.serve(), operator.serve(receipt=None), operator.serve(receipt="nonsense")]
    report = checked(replies, operator, source=None)
    assert (report.checked, len(report.missing), len(report.broken), report.signed) == (1, 1, 1, None)
    assert "origin" not in report.as_json()
    assert report.as_json()["verified"] is False


def test_a_reply_without_a_receipt_is_missing(operator: Operator, checked) -> None:
    replies = [operator.serve(), reply(2), reply(3, status=400, error="AccessDeniedException")]
    report = checked(replies, operator)
    assert [(finding.line, finding.request) for finding in report.missing] == [(2, "request-2"), (3, "request-3")]
    assert report.as_json()["missing"][0]["reason"].startswith("no receipt")


def test_an_entry_that_was_never_written(operator: Operator, operators, checked) -> None:
    """A receipt for an index that the log never reaches, and one for an index where something else stands."""
    log = operators()
    replies = [log.serve(), operator.serve(call_entry(9)), operator.serve(call_entry(2), request="request-2")]
    replies[1] = replace(replies[1], request="request-9")
    replies[0] = replace(replies[0], receipt=None, status=None)
    (young,) = (checked(replies[2:], operator, log=log),)
    assert (young.pending, young.broken) == (1, ())
    late = checked(replies[1:], operator, log=log, clock=lambda: NOW + 3601)
    assert reasons(late) == [
        (1, "the log shows another entry at index 0 than the receipt names"),
        (2, "entry 1 was promised, and the log still shows no more than 1 entries"),
    ]
    assert checked(replies[2:], operator, log=log, max_age=-1).broken


def test_a_split_view(operator: Operator, operators, checked) -> None:
    """The caller's call is in one history and the auditor is shown another, signed with the same key."""
    replies = [operator.serve() for _ in range(3)]
    other = operators()
    for number in (1, 3, 4):  # without the second call
        other.enter(call_entry(number))
    assert checked(replies, operator).broken == ()
    assert [line for line, _ in reasons(checked(replies, operator, log=other))] == [2, 3]


def test_a_history_that_was_rewritten_after_the_last_look(operator: Operator, operators, checked) -> None:
    first = operator.serve()
    seen = checked([first], operator).signed
    other = operators()
    other.enter(call_entry(5))
    other.enter(call_entry(6))
    older = open_checkpoint(bytes(seen), SIGNER.verifier).checkpoint
    assert checked([first], operator, extends=older).checked == 1
    with pytest.raises(ProofError, match="history was rewritten"):
        checked([reply(1, status=None)], operator, log=other, extends=older)


def test_a_receipt_for_two_calls(operator: Operator, checked) -> None:
    first = operator.serve()
    again = replace(first, id="again", request="request-2")
    same = replace(first, id="the same request")
    assert reasons(checked([first, again, same], operator)) == [
        (2, "the receipt is of entry 0, as that in line 1 is: one entry for two calls"),
        (3, "the receipt is of entry 0, as that in line 1 is: one entry for two calls"),
    ]


def test_the_receipt_of_another_request(operator: Operator, checked) -> None:
    stale = operator.enter(call_entry(1))
    replies = [reply(2, receipt=operator.promise(stale))]
    assert "a receipt of another call was given" in reasons(checked(replies, operator))[0][1]


def test_a_receipt_of_another_log(operator: Operator, operators, checked) -> None:
    other = operators(SigningKey.generate("other.example/log"))
    good = operator.serve()
    replies = [good, reply(2, receipt=other.promise(other.enter()))]
    ((line, reason),) = reasons(checked(replies, operator))
    assert line == 2
    assert reason.startswith("not a receipt of this log: not signed by the key given (candid.local/test)")


def test_a_call_that_was_billed_to_another(operator: Operator, checked) -> None:
    other = encode_bytes(bytes([1]) * 32)
    replies = [operator.serve(), operator.serve(call_entry(2, customer=other))]
    assert checked(replies, operator).customers == (CUSTOMER, other)
    assert reasons(checked(replies, operator, customer=CUSTOMER)) == [(2, f"the entry is of another customer, {other}")]


def test_calls_that_are_numbered_and_not_here(operator: Operator, checked) -> None:
    """What another program of the customer called, or what nobody did: 2 to 4, and 7."""
    other = encode_bytes(bytes([1]) * 32)
    numbers = [(1, CUSTOMER), (5, CUSTOMER), (40, other), (6, CUSTOMER), (8, CUSTOMER)]
    replies = [
        operator.serve(call_entry(at, number=number, customer=customer))
        for at, (number, customer) in enumerate(numbers, 1)
    ]
    report = checked(replies, operator)
    assert (report.checked, report.unaccounted) == (5, 4)


def test_units_that_were_not_asked_for(operator: Operator, checked) -> None:
    replies = [operator.serve(), operator.serve(call_entry(2, units=10))]
    assert reasons(checked(replies, operator)) == [(2, "the entry has 10 units, and 1 were asked for and answered")]


@pytest.mark.parametrize("trouble", ["a changed entry", "a bundle withheld", "a bundle cut off"])
def test_a_bundle_that_is_not_the_logs(operator: Operator, checked, tmp_path: Path, trouble: str) -> None:
    replies = [operator.serve() for _ in range(300)]
    operator.log.publish()
    shutil.copytree(operator.folder, tmp_path / "copy")
    bundle = tmp_path / "copy" / "tile" / "entries" / "000"
    data = bundle.read_bytes()
    match trouble:
        case "a changed entry":
            bundle.write_bytes(data.replace(b"request-17", b"request-71"))
        case "a bundle withheld":
            bundle.unlink()
        case _:
            bundle.write_bytes(data[:-1])
    report = checked(replies, operator, source=FolderSource(tmp_path / "copy"))
    assert (report.checked, len(report.broken)) == (44, 256)
    assert report.broken[0].reason.startswith("the log does not prove entry 0: ")
    reader = LogReader.open(FolderSource(tmp_path / "copy"), SIGNER.verifier)
    with pytest.raises(BrokenWord, match="entry 0: "):
        included(reader, open_receipt(replies[0].receipt, SIGNER.verifier))


def test_one_receipt(operator: Operator) -> None:
    receipts = [open_receipt(operator.serve().receipt, SIGNER.verifier) for _ in range(2)]
    operator.log.publish()
    reader = LogReader.open(operator.source, SIGNER.verifier)
    assert included(reader, receipts[0]) == call_entry(1)
    late = open_receipt(operator.serve().receipt, SIGNER.verifier)
    with pytest.raises(BrokenWord, match="entry 2 is not public: the log shows 2 entries"):
        included(reader, late)


def test_a_damaged_line_is_no_reason_to_leave_out_the_others(operator: Operator, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(operator.serve().line() + b"damaged\n" + operator.serve().line())
    operator.log.publish()
    report = check(file, log_key=SIGNER.verifier, source=operator.source, clock=lambda: NOW)
    assert (report.checked, report.damaged, report.as_json()["verified"]) == (2, (2,), False)


def test_what_ends_a_check(operator: Operator, checked, tmp_path: Path) -> None:
    replies = [operator.serve()]
    with pytest.raises(UnknownKeyError):
        checked(replies, operator, log_key=SigningKey.generate(SIGNER.name).verifier)
    with pytest.raises(MissingError):
        checked(replies, operator, source=FolderSource(tmp_path / "nowhere"))
    with pytest.raises(CollectedFileError):
        check(tmp_path / "none", log_key=SIGNER.verifier, source=None)


class _Failing(FolderSource):
    def read(self, path: str, limit: int) -> bytes:
        if "entries" in path:
            raise SourceError("the network is gone")
        return super().read(path, limit)


def test_a_log_that_cannot_be_reached_is_not_a_broken_word(operator: Operator, checked) -> None:
    replies = [operator.serve()]
    with pytest.raises(SourceError, match="network"):
        checked(replies, operator, source=_Failing(operator.folder))
    reader = LogReader.open(_Failing(operator.folder), SIGNER.verifier)
    with pytest.raises(SourceError, match="network"):
        included(reader, open_receipt(replies[0].receipt, SIGNER.verifier))
