"""Attacks on a customer who keeps its receipts: its calls are billed, entered or answered otherwise than it saw."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.attacks.attack import AUDIT, CUSTOMER, LOG, RECEIPTS, Attack, auditor, customer, shown
from tests.attacks.forging import Entry, books_of
from tests.attacks.on_entries import BILL
from tests.attacks.scene import Scene

from candid.client.expectations import ASKED
from candid.client.replies import Reply
from candid.ledger import SigningKey, hash_leaf
from candid.ledger.receipt import Receipt
from candid.ledger.sequencer import Sequenced
from candid_verify.entries import write_entry

_OPERATION = "DetectFaces"
_DENIED = {"outcome": "denied", "units": 0, "decision": {"allowed": False, "rule": "closed", "policy": "p"}}


def promise(scene: Scene, index: int, entry: Entry, *, signer: SigningKey | None = None) -> str:
    """A receipt, as a reply carries it."""
    signer = signer or scene.signer
    placed = Sequenced(index, hash_leaf(write_entry(entry)), entry["time"])
    return urlsafe_b64encode(bytes(Receipt(signer.name, placed).sign(signer))).rstrip(b"=").decode()


def answered(scene: Scene, entry: Entry, receipt: str | None, **changes: Any) -> None:
    """Acme gets the answer that it asked for, and keeps what came with it."""
    reply = Reply(
        id=f"reply-{entry['time']}", time=entry["time"], operation=_OPERATION,
        request="00000000-0000-4000-8000-999999999999", status=200, receipt=receipt, asked=ASKED[_OPERATION],
    )  # fmt: skip
    scene.collected([*scene.replies(), replace(reply, **changes)])


def entered_as(**lies: Any) -> Callable[[Scene], None]:
    """Answer a call of Acme, and enter it as something else, with a receipt for that."""

    def does(scene: Scene) -> None:
        index = scene.append(scene.next_call("acme"), **lies)
        entry = scene.entries()[index]
        answered(scene, entry, promise(scene, index, entry))

    return does


def under_another(scene: Scene) -> None:
    """The call stands under Beta's name, with Beta's next number and key."""
    index = scene.append(scene.next_call("beta"))
    entry = scene.entries()[index]
    answered(scene, entry, promise(scene, index, entry))


def replay(scene: Scene) -> None:
    """A call is answered with the receipt of an earlier one, and not entered."""
    earlier = scene.replies()[-2]
    answered(scene, scene.entries()[-1], earlier.receipt)


def replay_anothers(scene: Scene) -> None:
    """A call is answered with the receipt of another customer's call."""
    answered(scene, scene.entries()[-1], scene.replies("shade")[-1].receipt)


def no_receipt(scene: Scene) -> None:
    answered(scene, scene.entries()[-1], None)


def never_entered(scene: Scene) -> None:
    """A receipt is signed for the next entry, which then is none."""
    entries = scene.entries()
    entry = books_of(entries).completed(scene.next_call("acme"))
    answered(scene, entry, promise(scene, len(entries), entry))


def of_another_log(scene: Scene) -> None:
    """A receipt of a second log, which the operator keeps under the same name."""
    index = scene.append(scene.next_call("acme"))
    entry = scene.entries()[index]
    answered(scene, entry, promise(scene, index, entry, signer=SigningKey.generate(scene.signer.name)))


def denied_unseen(scene: Scene) -> None:
    """A call is denied, and the denial is not entered."""
    answered(scene, scene.entries()[-1], None, status=400, error="AccessDeniedException")


def refused_unseen(scene: Scene) -> None:
    """A call is denied under the name of an error that may come before any decision."""
    answered(scene, scene.entries()[-1], None, status=400, error="ThrottlingException")


def slow_clock(scene: Scene) -> None:
    """The server's clock is a month behind that of its caller: the call falls into the month before."""
    index = scene.append(scene.next_call("acme"))
    entry = scene.entries()[index]
    answered(scene, entry, promise(scene, index, entry), time=entry["time"] + 30 * 86_400_000)


def invented(scene: Scene) -> None:
    """A call is entered that nobody made, between two that were made."""
    scene.append(scene.next_call("acme"), request="00000000-0000-4000-8000-888888888888")
    entered_as()(scene)


def dearer_bill(scene: Scene) -> None:
    """The bill that is sent has one more unit than the log has calls."""
    path = scene.outside / "bill.json"
    bill = json.loads(path.read_text())
    line = bill["lines"][0]
    line["units"] += 1
    path.write_text(json.dumps(bill, indent=2) + "\n")


def found(name: str, does: Callable[[Scene], object], sentence: str) -> Attack:
    """An attack that the receipts of the customer find, with `candid receipt check`."""
    return Attack(name, does, (customer(RECEIPTS, 1, sentence),), slow=True)


ATTACKS = (
    Attack(
        "serve a call without an entry and without a receipt",
        no_receipt,
        (auditor(AUDIT, 0, "audited"), customer(RECEIPTS, 1, "it may have been served without an entry in the log")),
    ),
    Attack(
        "sign a receipt for an entry that never comes",
        never_entered,
        (
            customer(RECEIPTS, 1, "the log still shows no more than"),
            auditor(f"candid evidence audit {LOG} --receipts acme.jsonl", 1, "a receipt promises this entry"),
        ),
    ),
    found("answer two calls with one receipt", replay, "one entry for two calls"),
    found("answer with the receipt of another customer's call", replay_anothers, "a receipt of another call was given"),
    found("sign a receipt with another key", of_another_log, "not a receipt of this log"),
    found("enter a call that costs as free", entered_as(meter="free"), "metered as free"),
    found("enter an answered call with 0 units", entered_as(units=0), "the entry has 0 units, and 1 were asked for"),
    found("bill 5 units for one image", entered_as(units=5), "the entry has 5 units, and 1 were asked for"),
    found(
        "enter an answered call as failed",
        entered_as(outcome="error", units=0, error="InternalServerError"),
        "the entry has the outcome error, and the caller got an answer",
    ),
    found(
        "enter an answered call as denied",
        entered_as(**_DENIED),
        "has the outcome denied, and the caller got an answer",
    ),
    found("enter another operation than was called", entered_as(operation="ListFaces"), "ListFaces was called, not"),
    found("deny a call without entering it", denied_unseen, "it may have been served without an entry in the log"),
    Attack(
        "deny a call under the name of an error that comes before a decision",
        refused_unseen,
        (auditor(AUDIT, 0, "audited"), shown(CUSTOMER, f"{RECEIPTS} --json", '"undecided": 1')),
        "A request can really be invalid, or one too many. A caller that knows better sees it in `undecided`.",
    ),
    found("run the server's clock a month behind", slow_clock, "and the reply came at"),
    Attack(
        "enter a call under another customer",
        under_another,
        (
            customer(RECEIPTS, 0, "verified"),
            customer(f"{RECEIPTS} --customer={{acme}}", 1, "the entry is of another customer"),
        ),
    ),
    Attack(
        "enter a call that nobody made, and bill it",
        invented,
        (auditor(AUDIT, 0, "audited"), shown(CUSTOMER, f"{RECEIPTS} --json", '"unaccounted": 1')),
        "A customer that keeps one file of receipts for all that it does sees the number `unaccounted` and can hold it "
        "against its own records; nothing proves the call false, as nothing can prove that somebody did not call.",
    ),
    Attack(
        "send a bill that the log does not give",
        dearer_bill,
        (customer(BILL, 0, ""), customer("diff bill.json own.json", 1, '"units"')),
    ),
)
