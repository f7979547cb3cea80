"""Attacks that go on with the log, signed and in order, and write into it what is not true."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.attacks.attack import AUDIT, LOG, VERIFY, Attack, auditor, customer
from tests.attacks.forging import digest
from tests.attacks.premises import BEGIN, MONTH, price_list
from tests.attacks.scene import Scene

from candid.billing.pricelist import prices_act
from candid_verify.labels import Party, labels_of

BILL = f"candid bill {LOG} --month {MONTH} --json -o own.json -- {{acme}}"
STOP = {"kind": "stop/1"}
START: dict[str, Any] = {
    "kind": "start/1",
    "software": {"name": "candid", "version": "0.0"},
    "models": [],
    "policy": {"version": "p", "rules": []},
}


def appends(*bodies: dict[str, Any], **lies: Any) -> Callable[[Scene], None]:
    """Append entries, the last of them with lies."""

    def does(scene: Scene) -> None:
        for body in bodies[:-1]:
            scene.append(body)
        scene.append(bodies[-1], **lies)

    return does


def calls(**lies: Any) -> Callable[[Scene], object]:
    """Append a call of Acme with lies."""
    return lambda scene: scene.append(scene.next_call("acme"), **lies)


def drop_without_renumbering(scene: Scene) -> None:
    entries = scene.entries()
    del entries[scene.calls("acme")[-2]]
    scene.rewrite(entries, repair=False)


def map_of_fewer(scene: Scene) -> None:
    """A customer is entered, and its labels are kept out of the map that the log states."""
    before = scene.entries()[scene.newest("map/1")]
    pseudonym = digest("gamma")
    scene.append(
        {
            "kind": "customer/1", "event": "opened", "customer": pseudonym, "identity": pseudonym,
            "category": "private", "status": "unscreened", "labels": scene.map_keys(labels_of(Party("Gamma"))[:1]),
        }
    )  # fmt: skip
    scene.append({"kind": "map/1"}, root=before["root"], count=before["count"])


def state_of_another_map(scene: Scene) -> None:
    stated = scene.entries()[scene.newest("state/1")]["map"]
    scene.append({"kind": "state/1"}, map=stated | {"root": digest("another map")})


def state_of_older_map(scene: Scene) -> None:
    older = scene.entries()[scene.newest("map/1", version=2)]
    stated = {"entry": scene.newest("map/1", version=2), **{each: older[each] for each in ("version", "root", "count")}}
    scene.append({"kind": "state/1"}, map=stated)


def lower_statement(scene: Scene) -> None:
    scene.append({"kind": "statement/1", "customer": scene.names["acme"]}, number=3)


def fewer_calls(scene: Scene) -> None:
    scene.append(STOP, calls=7)


def work_without_calls(scene: Scene) -> None:
    """The engine worked for somebody whose calls were not entered, and the counters say so."""
    entry = scene.entries()[scene.newest("state/1")]
    engine = {name: {"passes": count["rows"] + 5, "rows": count["rows"] + 5} for name, count in entry["engine"].items()}
    scene.append(STOP, engine=engine)


def prices_backwards(scene: Scene) -> None:
    scene.append(prices_act(price_list(BEGIN, price=5000), scene.signer))


def false_checkpoint(scene: Scene) -> None:
    scene.append({"kind": "state/1"}, public={"size": 100, "root": digest("another history"), "witnesses": []})


def found(name: str, does: Callable[[Scene], object], sentence: str) -> Attack:
    """An attack that a rule of the audit finds, and the proof of the log does not."""
    return Attack(name, does, (auditor(AUDIT, 1, sentence),), slow=True)


ATTACKS = (
    found("drop an entry without renumbering", drop_without_renumbering, "1 calls are missing before it"),
    found("backdate an entry that is written now", calls(time=BEGIN, started=BEGIN - 40), "time went backwards"),
    found("give two calls one number", calls(number=30), "this number had been given"),
    found("begin a customer's numbers anew", calls(number=1), "this number had been given"),
    found("call a killed run ended in order", appends(START, previous="clean"), "by the log it is unclean"),
    found("call a later run the first one", appends(STOP, START, previous="none"), "by the log it is clean"),
    Attack(
        "state a map without a customer that the log has",
        map_of_fewer,
        (auditor(VERIFY, 0, "verified"), auditor(AUDIT, 1, "it states a map of 40 labels, and the customers have 41")),
    ),
    found("state another root of the map", state_of_another_map, "root of its map is"),
    found("state an older map as the newest", state_of_older_map, "entry of its map is 8"),
    found(
        "state fewer calls of a customer than it made",
        lower_statement,
        "it states 3 calls of a customer, and the log has 129",
    ),
    found("state fewer calls of a run than it had", fewer_calls, "it states 7 calls of run 1"),
    found(
        "let the engine work for calls that are not entered", work_without_calls, "did work for which there is no call"
    ),
    found("name a public checkpoint that never was", false_checkpoint, "another root than these entries have"),
    Attack(
        "change prices backwards",
        prices_backwards,
        (
            auditor(AUDIT, 1, "prices were changed backwards"),
            customer(BILL, 3, "prices were changed backwards"),
        ),
    ),
)
