"""A customer's calls of a period, and why there can be no more: their numbers follow one another and are closed."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from candid_verify.case import Case, place
from candid_verify.entries import Placed
from candid_verify.errors import ProofError
from candid_verify.times import spoken
from candid_verify.wording import counted


@dataclass(frozen=True, slots=True)
class Stretch:
    """What the file shows of a period.

    Attributes:
        calls: those of the period, in order.
        before: the call that closes the period's beginning, if the file has one.
        end: the call or statement that closes its end, if the file has one.
        open: for each end that is not closed, why; empty where no call of the period can be missing.
        reaches: time of the newest of these entries; 0 where there are none.
    """

    calls: tuple[Placed, ...]
    before: Placed | None
    end: Placed | None
    open: tuple[str, ...]
    reaches: int

    @property
    def closing(self) -> str:
        """Why there can be no more calls, in a sentence. Only where nothing is open."""
        first = "numbering begins with 1" if self.before is None else f"the call before them is {place(self.before)}"
        last = "" if self.end is None else f", and {_what_ends(self.end)}"
        return (
            f"The log numbers each customer's calls. Here {first}{last}; no number between is missing. So no other "
            f"call of the period is in the log, if {self.premises}."
        )

    @property
    def premises(self) -> str:
        """What only a replay of the whole log shows, and the end of the period rests on."""
        once = "each number was used once"
        if self.end is None or self.end.entry["kind"] != "statement/1":
            return once
        return f"{once} and entry {self.end.index} states the truth"


def read_stretch(case: Case) -> Stretch:
    """Take the customer's calls and statement, and see what they close.

    Raises:
        ProofError: one is of another customer, or of no use, or a number is missing among them.
    """
    customer = case.evidence.claim.parameters["customer"]
    begin, end = case.evidence.claim.period
    calls, statement = case.all("call/1"), case.at_most_one("statement/1")
    # 1. All are of the customer.
    for each in (*calls, *([] if statement is None else [statement])):
        if each.entry["customer"] != customer:
            raise ProofError(f"entry {each.index} is of another customer than the claim")
    # 2. No number is missing among the calls.
    for one, next_ in pairwise(calls):
        if next_.entry["number"] != one.entry["number"] + 1:
            raise ProofError(
                f"the calls of entries {one.index} and {next_.index} have the numbers {one.entry['number']} and "
                f"{next_.entry['number']}: calls between them are missing"
            )
    if calls and calls[0].entry["number"] < 1:
        raise ProofError(f"the call of entry {calls[0].index} has the number 0; calls are numbered from 1 on")
    # 3. Beside the period's own there is one call at most at each end.
    before = [each for each in calls if begin is not None and each.entry["time"] < begin]
    after = [each for each in calls if end is not None and each.entry["time"] >= end]
    if len(before) > 1 or len(after) > 1:
        raise ProofError("there are calls in the file that are outside of the period and do not close it")
    # 4. A statement, if it is needed, says the number of the last call.
    if statement is not None:
        _check_statement(statement, calls, after)
    inside = tuple(calls[len(before) : len(calls) - len(after)])
    ending = after[0] if after else statement
    return Stretch(
        calls=inside,
        before=before[0] if before else None,
        end=ending,
        open=tuple(filter(None, (_open_at_beginning(calls, statement, before), _open_at_end(ending, end)))),
        reaches=max((each.entry["time"] for each in (*calls, *([] if statement is None else [statement]))), default=0),
    )


def _check_statement(statement: Placed, calls: list[Placed], after: list[Placed]) -> None:
    if after:
        raise ProofError("the statement in the file is of no use: a later call closes the period already")
    if not calls:
        return
    if statement.index < calls[-1].index or statement.entry["number"] != calls[-1].entry["number"]:
        raise ProofError(
            f"entry {statement.index} states {counted(statement.entry['number'], 'call')}, but the last in the file "
            f"is number {calls[-1].entry['number']}: calls are missing"
        )


def _open_at_beginning(calls: list[Placed], statement: Placed | None, before: list[Placed]) -> str | None:
    if before:
        return None
    if calls:
        number: int = calls[0].entry["number"]
        return None if number == 1 else f"Calls before number {number} are not in the file; they may be of the period."
    if statement is None:
        return "The file has no entry that says how many calls the customer has made."
    count: int = statement.entry["number"]
    return None if count == 0 else f"The customer has made {counted(count, 'call')}, which the file does not have."


def _open_at_end(ending: Placed | None, end: int | None) -> str | None:
    if ending is None:
        return "Nothing in the file shows that the last call in it is the last one of the period."
    if end is not None and ending.entry["time"] < end:
        return f"The file reaches to {place(ending)}; the period ends later, at {spoken(end)}."
    return None


def _what_ends(end: Placed) -> str:
    if end.entry["kind"] == "statement/1":
        return f"{place(end)} states that the customer had made {counted(end.entry['number'], 'call')} in all"
    return f"the call after them is {place(end)}"
