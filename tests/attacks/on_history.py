"""Attacks with the log's key: another history, all of it made to fit and signed as if it had always been so."""

from __future__ import annotations

from collections.abc import Callable

from tests.attacks.attack import (
    AUDIT,
    AUDIT_RECEIPTS,
    EXTENDS,
    EXTENDS_NEWEST,
    GO_EXTENDS,
    INSPECT,
    KEY,
    RECEIPTS,
    SHADE_RECEIPTS,
    VERIFY,
    Attack,
    auditor,
    customer,
    inspector,
)
from tests.attacks.forging import Entry
from tests.attacks.scene import Scene

_MONTH = 30 * 86_400_000


def rewritten(change: Callable[[Scene, list[Entry]], list[Entry] | None]) -> Callable[[Scene], None]:
    """Show the log with something changed long ago, and everything else made to fit."""

    def does(scene: Scene) -> None:
        entries = scene.entries()
        scene.rewrite(change(scene, entries) or entries)

    return does


def alter(scene: Scene, entries: list[Entry]) -> None:
    """A search becomes a detection, which is cheaper."""
    at = next(i for i in scene.calls("acme") if entries[i]["operation"] == "SearchFacesByImage")
    entries[at] |= {"operation": "DetectFaces", "meter": "image-group-2"}


def drop(scene: Scene, entries: list[Entry]) -> None:
    del entries[scene.calls("acme")[9]]


def insert(scene: Scene, entries: list[Entry]) -> None:
    at = scene.calls("acme")[9]
    earlier = {"time": entries[at]["time"] - 200, "started": entries[at]["time"] - 240}
    entries.insert(at, entries[at] | earlier | {"request": "00000000-0000-4000-8000-777777777777"})


def exchange(scene: Scene, entries: list[Entry]) -> None:
    one, other = scene.calls("acme")[9], scene.calls("shade")[9]
    times = [{name: entries[at][name] for name in ("time", "started")} for at in (one, other)]
    entries[one], entries[other] = entries[other] | times[0], entries[one] | times[1]


def backdate(scene: Scene, entries: list[Entry]) -> None:
    for entry in entries[: scene.calls("acme")[9] + 1]:
        entry["time"] -= _MONTH
        if "started" in entry:
            entry["started"] -= _MONTH


def without(name: str) -> Callable[[Scene, list[Entry]], list[Entry]]:
    """All entries but those of one customer."""
    return lambda scene, entries: [each for each in entries if each.get("customer") != scene.names[name]]


def hide_shade(scene: Scene) -> None:
    rewritten(without("shade"))(scene)
    scene.evidence("never.evidence", {"name": "never-served", "subject": "Shade Ltd", "country": "GB"})


def hide_beta_before_anybody_looked(scene: Scene) -> None:
    """As above, with a customer that has no receipts, in a log whose checkpoints nobody kept."""
    rewritten(without("beta"))(scene)
    scene.evidence("never.evidence", {"name": "never-served", "subject": "Beta GmbH", "country": "DE"})
    (scene.outside / "kept.checkpoint").unlink()
    (scene.outside / "newest.checkpoint").unlink()


def roll_back(scene: Scene, *, to: str = "kept.checkpoint") -> list[Entry]:
    """Put the log back to what a checkpoint was signed for; the entries."""
    size = int((scene.outside / to).read_text().split("\n")[1])
    entries = scene.entries()[:size]
    scene.rewrite(entries)
    return entries


def going_on(scene: Scene, entries: list[Entry], number: int = 140) -> list[Entry]:
    """The entries, and others that come instead of what is hidden."""
    call = scene.next_call("beta")
    return [*entries, *({**call, "request": f"other-{each}"} for each in range(number))]


def roll_back_and_go_on(scene: Scene) -> None:
    scene.rewrite(going_on(scene, roll_back(scene)))


def another_history(scene: Scene) -> None:
    """Without Shade, and as long as the other."""
    scene.rewrite(going_on(scene, without("shade")(scene, scene.entries())))


NEVER = f"candid-verify never.evidence {KEY}"
_REWRITTEN = "history was rewritten"
_TAKEN = "entries were taken away"
_MOVED = "the log shows another entry at index"
ATTACKS = (
    Attack(
        "alter an old entry, all signed anew",
        rewritten(alter),
        (
            auditor(VERIFY, 0, "verified"),
            auditor(EXTENDS, 1, _REWRITTEN),
            auditor(GO_EXTENDS, 1, "invalid transparency proof"),
            customer(RECEIPTS, 1, _MOVED),
        ),
    ),
    Attack(
        "drop an old entry, all renumbered and signed anew",
        rewritten(drop),
        (auditor(AUDIT, 0, "audited"), auditor(EXTENDS, 1, _REWRITTEN), customer(RECEIPTS, 1, _MOVED)),
        slow=True,
    ),
    Attack(
        "insert an entry into the past, all renumbered and signed anew",
        rewritten(insert),
        (auditor(EXTENDS, 1, _REWRITTEN), customer(RECEIPTS, 1, _MOVED)),
        slow=True,
    ),
    Attack(
        "exchange two old entries and their times, all signed anew",
        rewritten(exchange),
        (auditor(EXTENDS, 1, _REWRITTEN), customer(RECEIPTS, 1, _MOVED)),
        slow=True,
    ),
    Attack(
        "backdate old entries by a month, all signed anew",
        rewritten(backdate),
        (auditor(AUDIT, 0, "audited"), auditor(EXTENDS, 1, _REWRITTEN), customer(RECEIPTS, 1, _MOVED)),
        slow=True,
    ),
    Attack(
        "hide a customer: its entries and map labels taken out, all signed anew",
        hide_shade,
        (
            auditor(VERIFY, 0, "verified"),
            auditor(AUDIT, 0, "audited"),
            auditor(NEVER, 0, "never-served: established"),
            auditor(EXTENDS, 1, _REWRITTEN),
            customer(SHADE_RECEIPTS, 1, _MOVED),
            auditor(AUDIT_RECEIPTS, 1, "a receipt promises another entry at this place"),
            inspector(INSPECT, 1, "the log does not"),
        ),
        "The evidence file is true of the log that it names. Which log that is, a kept checkpoint, a receipt or a "
        "witness says.",
    ),
    Attack(
        "hide a customer without receipts from everybody, before anybody kept a checkpoint",
        hide_beta_before_anybody_looked,
        (
            auditor(AUDIT, 0, "audited"),
            auditor(NEVER, 0, "never-served: established"),
            inspector(INSPECT, 1, "the log does not"),
        ),
        "On the premises it shows only as long as the customer stands in the books. From outside: one checkpoint kept "
        "by anybody, one receipt, or a witness policy from the beginning on.",
    ),
    Attack(
        "show two auditors two histories, without witnesses",
        another_history,
        (auditor(VERIFY, 0, "verified"), auditor(EXTENDS_NEWEST, 1, _REWRITTEN)),
        "newest.checkpoint is what the other auditor was shown. Each alone finds nothing.",
    ),
    Attack(
        "roll the log back to a copy and go on from there",
        roll_back_and_go_on,
        (auditor(EXTENDS, 0, "verified"), auditor(EXTENDS_NEWEST, 1, _REWRITTEN), customer(RECEIPTS, 1, _MOVED)),
    ),
    Attack(
        "go on showing an old checkpoint",
        roll_back,
        (
            auditor(VERIFY, 0, "verified"),
            auditor(EXTENDS, 0, "verified"),
            auditor(EXTENDS_NEWEST, 1, _TAKEN),
            customer(RECEIPTS, 1, "the log still shows no more than"),
        ),
        "Who has seen nothing newer sees it by the time of the newest entry (`to` of the audit).",
    ),
)
