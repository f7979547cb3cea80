"""Attacks on the map and on the names of customers: they are served, and are not to be found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tests.attacks.attack import AUDIT, AUDITOR, INSPECT, KEY, VERIFY, Attack, auditor, inspector, shown
from tests.attacks.premises import SHADE_OWNER
from tests.attacks.scene import Scene

from candid.governance import open_acts, open_customers
from candid_verify.labels import Party, labels_of

Labels = Callable[[Sequence[bytes]], Sequence[bytes]]


def welcome(scene: Scene, name: str, company: str, *, labels: Labels = lambda found: found, **facts: Any) -> None:
    """Open a customer in the books, and enter it with such labels as are wanted."""
    customers = open_customers(scene.data / "governance.db", key=scene.premises.secrets.master)
    acts = open_acts(scene.data / "governance.db")
    try:
        opened = customers.open_customer(name=company, **{"country": "GB", **facts})
        customers.issue(opened.id)
        scene.names[name] = opened.pseudonym
        for act in acts.waiting():
            wanted = None if act.labels is None else labels(act.labels)
            acts.entered(act, _enter(scene, dict(act.body), wanted))
    finally:
        acts.close()
        customers.close()


def _enter(scene: Scene, body: dict[str, Any], labels: Sequence[bytes] | None) -> int:
    if not labels:
        return scene.append(body)
    index = scene.append({**body, "labels": scene.map_keys(labels)})
    scene.append({"kind": "map/1"})
    return index


def served(scene: Scene, name: str) -> None:
    """A few calls of a customer that has just been opened."""
    key = scene.entries()[scene.newest("key/1", customer=scene.names[name])]["key"]
    call = scene.next_call("beta", customer=scene.names[name], key=key)
    for number in range(3):
        scene.append({**call, "request": f"{name}-{number}"})


def without_labels(scene: Scene) -> None:
    welcome(scene, "gamma", "Gamma Trading", labels=lambda _: ())
    served(scene, "gamma")
    scene.evidence("never.evidence", {"name": "never-served", "subject": "Gamma Trading", "country": "GB"})


def with_others_labels(scene: Scene) -> None:
    """The labels in the entry are those of a company that nobody will ask for."""
    welcome(scene, "gamma", "Gamma Trading", labels=lambda _: labels_of(Party("Harmless Bakery", "GB")))
    served(scene, "gamma")
    scene.evidence("never.evidence", {"name": "never-served", "subject": "Gamma Trading", "country": "GB"})
    scene.unverified_usage("usage.evidence", scene.names["gamma"])


def under_a_false_name(scene: Scene) -> None:
    """Books and log agree: Gamma stands in both as somebody else."""
    welcome(scene, "gamma", "Harmless Bakery")
    served(scene, "gamma")
    scene.evidence("never.evidence", {"name": "never-served", "subject": "Gamma Trading", "country": "GB"})


def defamed(scene: Scene) -> None:
    """Into the entry of a new customer go the labels of a company that was never one, beside its own."""
    innocent = labels_of(Party("Innocent Instruments", "GB"))
    welcome(scene, "gamma", "Gamma Trading", labels=lambda own: [*own, *(each for each in innocent if each not in own)])


def opened_again(scene: Scene) -> None:
    """Shade goes on under a second pseudonym; evidence of usage is handed out for the first alone."""
    scene.evidence("usage.evidence", {"name": "usage", "customer": scene.names["shade"]})
    welcome(scene, "second", "Shade Ltd", owners=[SHADE_OWNER])
    served(scene, "second")


def older_map(scene: Scene) -> None:
    """An evidence file from before the customer came is handed out when it is there."""
    scene.evidence("never.evidence", {"name": "never-served", "subject": "Gamma Trading", "country": "GB"})
    welcome(scene, "gamma", "Gamma Trading")
    served(scene, "gamma")


def older_map_for_later(scene: Scene) -> None:
    """The same, although a map of a later time was demanded."""
    older_map(scene)
    evidence = scene.opened("never.evidence")
    evidence["claim"]["to"] = scene.entries()[-1]["time"]
    scene.seal("never.evidence", evidence)


NEVER = f"candid-verify never.evidence {KEY}"
_FALSE = "never-served: established"
ATTACKS = (
    Attack(
        "enter a customer without any labels",
        without_labels,
        (
            auditor(VERIFY, 0, "verified"),
            auditor(NEVER, 0, _FALSE),
            auditor(AUDIT, 1, "adds no label"),
            inspector(INSPECT, 1, "labels are not in its entries"),
        ),
    ),
    Attack(
        "enter a customer with another company's labels",
        with_others_labels,
        (
            auditor(AUDIT, 0, "audited"),
            auditor(NEVER, 0, _FALSE),
            auditor(f"candid-verify usage.evidence {KEY}", 2, "it was left out of the map"),
            inspector(INSPECT, 1, "labels are not in its entries"),
        ),
        "Found as soon as the customer is opened to anybody, in evidence of its usage or of one call. As long as it is "
        "opened to nobody, only an inspection on the premises finds it, or the customer itself.",
    ),
    Attack(
        "enter a customer under a false name, in books and log alike",
        under_a_false_name,
        (auditor(AUDIT, 0, "audited"), auditor(NEVER, 0, _FALSE), inspector(INSPECT, 0, "audited")),
        "No log can know what a company is called. The customer's contract, its payments and its receipts do: each of "
        "its receipts names an entry, and that the pseudonym in force, whose opening says another name.",
        slow=True,
    ),
    Attack(
        "make a company that was never served look as if it had been",
        defamed,
        (
            auditor(AUDIT, 0, "audited"),
            inspector(INSPECT, 1, "labels that are of none of its identities"),
        ),
        "From outside that company seems to have been served. The proofs in its evidence of never-served give its map "
        "keys; the `customer/1` entry that lists them says of which pseudonym, and evidence of that usage whose it is.",
    ),
    Attack(
        "open a customer a second time under another pseudonym",
        opened_again,
        (
            shown(AUDITOR, AUDIT, "perhaps the same company under a second pseudonym"),
            auditor(f"candid-verify usage.evidence {KEY}", 0, "usage: established"),
        ),
        "The name stays found in the map. Evidence of usage is of one pseudonym: ask for each that the note names.",
    ),
    Attack(
        "hand out an old map's proof of absence",
        older_map,
        (auditor(NEVER, 0, "Customers opened after"), auditor(f"{NEVER} --json", 0, '"as_of": "2026-01-05T')),
        "True of its day and of no later one: `as_of` says which. Ask for a file whose claim has `to`.",
    ),
    Attack(
        "hand out an old map's proof although a later one was demanded",
        older_map_for_later,
        (auditor(NEVER, 1, "before the end of the period claimed"),),
        slow=True,
    ),
)
