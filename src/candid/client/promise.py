"""Whether the entry that a log shows is what its receipt and the reply promised."""

from __future__ import annotations

from typing import Any

from candid.client.errors import BrokenWord
from candid.client.expectations import DENIED
from candid.client.replies import Reply
from candid.ledger.receipt import Receipt
from candid.ledger.tree import hash_leaf
from candid_verify.entries import parse_entry
from candid_verify.errors import EntryError
from candid_verify.times import iso_seconds

# How far the clocks of entry, receipt and caller may lie apart. Signature Version 4 takes calls within five minutes
# of the server's clock; a call itself may take some more.
NEAR_MS = 10 * 60 * 1000


def check_promise(data: bytes, receipt: Receipt, reply: Reply | None, *, customer: str | None = None) -> dict[str, Any]:
    """Compare an entry, which the caller proved to stand in the log, with what was promised of it.

    Args:
        data: the entry's bytes.
        receipt: whose signature was verified.
        reply: what it came with; None where nobody kept that.
        customer: the pseudonym that the entry must be of; None takes any.

    Returns:
        The entry.

    Raises:
        BrokenWord: it is another entry, or says something else.
    """
    # 1. It is the entry whose hash was signed.
    if hash_leaf(data) != receipt.entry.leaf_hash:
        raise BrokenWord(f"the log shows another entry at index {receipt.entry.index} than the receipt names")
    # 2. It is a decided call, whose time is that of the receipt and which began not long before.
    try:
        entry = parse_entry(data)
    except EntryError as error:
        raise BrokenWord(f"entry {receipt.entry.index} cannot be read: {error}") from error
    if entry["kind"] != "call/1":
        raise BrokenWord(f"entry {receipt.entry.index} is no call but {entry['kind']}")
    _near(entry["time"], receipt.entry.time, "the receipt is of")
    _check_started(entry)
    # 3. It is of this customer.
    if customer is not None and entry["customer"] != customer:
        raise BrokenWord(f"the entry is of another customer, {entry['customer']}")
    if reply is not None:
        _check_reply(entry, reply)
    return entry


def _check_reply(entry: dict[str, Any], reply: Reply) -> None:
    # 4. It is this call.
    if entry["request"] != reply.request:
        raise BrokenWord(f"the entry is of request {entry['request']}: a receipt of another call was given")
    if entry["operation"] != reply.operation:
        raise BrokenWord(f"the entry says that {entry['operation']} was called, not {reply.operation}")
    # 5. It ended as its caller saw.
    _check_outcome(entry, reply)
    # 6. It is billed as what was asked for, and not at all where nothing was answered.
    units = 0
    if reply.asked is not None and entry["outcome"] == "ok":
        units = reply.asked.units
        if entry["meter"] != reply.asked.meter:
            raise BrokenWord(f"the entry is metered as {entry['meter']}, and the call was {reply.asked.meter}")
    if entry["units"] != units and (reply.asked is not None or entry["outcome"] != "ok"):
        raise BrokenWord(f"the entry has {entry['units']} units, and {units} were asked for and answered")
    # 7. It was entered then.
    _near(entry["time"], reply.time, "the reply came at")


def _check_outcome(entry: dict[str, Any], reply: Reply) -> None:
    outcome, allowed = entry["outcome"], entry["decision"]["allowed"]
    if allowed != (outcome != "denied"):
        raise BrokenWord(f"the entry contradicts itself: outcome {outcome}, allowed {str(allowed).lower()}")
    answered = reply.status is not None and reply.status < 300
    if answered != (outcome == "ok"):
        seen = "an answer" if answered else f"the error {reply.error}"
        raise BrokenWord(f"the entry has the outcome {outcome}, and the caller got {seen}")
    if reply.error == DENIED and outcome != "denied":
        raise BrokenWord("the caller was denied, and the entry has no denial")
    if not answered and entry.get("error", reply.error) != reply.error:
        raise BrokenWord(f"the entry has the error {entry['error']}, and the caller got {reply.error}")


def _check_started(entry: dict[str, Any]) -> None:
    """A call begins before it ends, and not long before: what a customer did is entered as of when it was done."""
    started, ended = entry["started"], entry["time"]
    begin, end = iso_seconds(started), iso_seconds(ended)
    if started > ended:
        raise BrokenWord(f"the entry says that the call began at {begin}, after it ended at {end}")
    if ended - started > NEAR_MS:
        raise BrokenWord(f"the entry says that the call took from {begin} to {end}: too long for any")


def _near(entered: int, other: int, what: str) -> None:
    if abs(entered - other) > NEAR_MS:
        raise BrokenWord(f"the entry says {iso_seconds(entered)}, and {what} {iso_seconds(other)}")
