"""Attacks on evidence files, each changed by the operator and signed anew with the log's key."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.attacks.attack import AUDIT, AUDITOR, KEY, Attack, auditor, customer, shown
from tests.attacks.on_entries import BILL as OWN_BILL
from tests.attacks.premises import price_list, send_bill
from tests.attacks.scene import Scene

from candid.billing.pricelist import prices_act
from candid.billing.reading import note_opener
from candid.ledger import SigningKey
from candid.ledger.tree import hash_leaf, root_of
from candid.recording import vrf_key
from candid_verify import verify
from candid_verify.canonical import canonical, encode_bytes
from candid_verify.commitments import Opening
from candid_verify.entries import Placed, write_entry
from candid_verify.figures import figures

JANUARY, FEBRUARY = 1_767_225_600_000, 1_769_904_000_000  # 2026, UTC
FLIPS = (0xFF, 0x01, 0x20)  # all bits, the lowest, and the one between capitals and small letters


def resealed(name: str, change: Callable[[Scene, dict[str, Any]], object]) -> Callable[[Scene], None]:
    """Make a file honestly, change what is signed, sign it anew."""

    def does(scene: Scene) -> None:
        make(scene, name)
        evidence = scene.opened(name)
        change(scene, evidence)
        scene.seal(name, evidence)

    return does


def make(scene: Scene, name: str) -> None:
    """An honest file."""
    match name:
        case "bill.evidence":  # of a whole month, as a bill is
            scene.append({"kind": "state/1", "time": FEBRUARY})
            period = {"from": JANUARY, "to": FEBRUARY}
            scene.evidence(name, {"name": "usage", "customer": scene.names["acme"], **period})
        case "usage.evidence":
            scene.evidence(name, {"name": "usage", "customer": scene.names["acme"]})
        case "decision.evidence":
            call = scene.entries()[scene.calls("acme")[0]]
            scene.evidence(name, {"name": "decision", "request": call["request"]}, anonymous=True)
        case _:
            scene.evidence(name, {"name": "never-served", "subject": "Nobody Ltd"})


def other_figures(_: Scene, evidence: dict[str, Any]) -> None:
    evidence["stated"]["calls"] -= 1


def other_units(_: Scene, evidence: dict[str, Any]) -> None:
    line = evidence["stated"]["bills"][0]["lines"][0]
    line["amount"] += 1000


def without_call(scene: Scene, evidence: dict[str, Any]) -> None:
    """A call is left out, with a proof that is right for the rest."""
    calls = [each for each in evidence["entries"] if '"kind":"call/1"' in each["entry"]]
    evidence["entries"].remove(calls[9])
    evidence["tree"] = tree(scene, [each["index"] for each in evidence["entries"]])


def swapped_opening(_: Scene, evidence: dict[str, Any]) -> None:
    (opening,) = evidence["openings"]
    opening["value"] = opening["value"] | {"name": "Harmless Bakery"}


def swapped_with_commitment(_: Scene, evidence: dict[str, Any]) -> None:
    """The opening is of another identity, and says so."""
    (opening,) = evidence["openings"]
    value = opening["value"] | {"name": "Harmless Bakery"}
    other = Opening(bytes(32), value)
    evidence["openings"] = [{"for": other.commitment, **other.as_json()}]


def other_subject(_: Scene, evidence: dict[str, Any]) -> None:
    """Proofs of nobody's labels, for a company that was served."""
    evidence["claim"]["subject"] = "Shade Ltd"


def other_entry(_: Scene, evidence: dict[str, Any]) -> None:
    entry = json.loads(evidence["entries"][-1]["entry"])
    evidence["entries"][-1]["entry"] = canonical(entry | {"time": entry["time"] + 1}).decode()


def empty_map(_: Scene, evidence: dict[str, Any]) -> None:
    """The state entry says that the map is empty, as it was before the first customer."""
    state = next(each for each in evidence["entries"] if '"kind":"state/1"' in each["entry"])
    entry = json.loads(state["entry"])
    entry["map"] = {"version": 0, "count": 0, "root": encode_bytes(bytes(32))}
    state["entry"] = canonical(entry).decode()


def tree(scene: Scene, indexes: list[int]) -> list[str]:
    """The hashes beside entries, by the rule of docs/evidence-format.md."""
    leaves = [hash_leaf(write_entry(entry)) for entry in scene.entries()]

    def beside(low: int, high: int) -> list[str]:
        if not any(low <= index < high for index in indexes):
            return [encode_bytes(root_of(leaves[low:high]))]
        if high - low == 1:
            return []
        middle = low + max(1 << bit for bit in range(40) if 1 << bit < high - low)
        return beside(low, middle) + beside(middle, high)

    return beside(0, len(leaves))


def signed_by_another(scene: Scene) -> None:
    make(scene, "usage.evidence")
    other = SigningKey.generate(scene.signer.name)
    scene.seal("usage.evidence", scene.opened("usage.evidence"), signer=other)


def of_another_log(scene: Scene) -> None:
    """All is right in it, but it is of a log that the operator made for this purpose, with a key of its own."""
    first, start, state, *_ = scene.entries()
    secrets = replace(scene.premises.secrets, log=SigningKey.generate("candid.local/999999999999"))
    scene.premises = replace(scene.premises, secrets=secrets)
    vrf = encode_bytes(vrf_key(secrets.log).public.encoded)
    scene.rewrite([first | {"origin": secrets.log.name, "vrf": vrf}, start, state])
    scene.evidence("never.evidence", {"name": "never-served", "subject": "Shade Ltd"})


def left_out(scene: Scene, evidence: dict[str, Any], index: int) -> None:
    """Leave an entry out of evidence of usage, and make proof and figures fit what is left."""
    evidence["entries"] = [each for each in evidence["entries"] if each["index"] != index]
    evidence["tree"] = tree(scene, [each["index"] for each in evidence["entries"]])
    placed = [Placed(each["index"], json.loads(each["entry"])) for each in evidence["entries"]]
    calls = [each for each in placed if each.entry["kind"] == "call/1"]
    newest = max(each.entry["time"] for each in placed if each.entry["kind"] in ("call/1", "statement/1"))
    evidence["stated"] = figures(
        calls,
        customer=scene.names["acme"],
        stored=[],
        prices=[each for each in placed if each.entry["kind"] == "prices/1"],
        begin=evidence["claim"].get("from"),
        end=evidence["claim"].get("to", newest),
        opener=note_opener(scene.signer.verifier),
    )


def dearer_list_alone(scene: Scene) -> None:
    """Of two price lists only the dearer one is in the evidence, and the bill that is sent is of it too."""
    index = scene.append(prices_act(price_list(scene.entries()[-1]["time"] + 3000, price=10), scene.signer))
    for number in range(9):
        scene.append(scene.next_call("acme", request=f"cheap-{number}"))
    make(scene, "bill.evidence")
    evidence = scene.opened("bill.evidence")
    left_out(scene, evidence, index)
    scene.seal("bill.evidence", evidence)
    send_bill(scene.root, scene.signer, scene.names["acme"])
    bill = json.loads((scene.outside / "bill.json").read_text())
    bill["lines"] = evidence["stated"]["bills"][0]["lines"]
    (scene.outside / "bill.json").write_text(json.dumps(bill, indent=2) + "\n")


def number_used_twice(scene: Scene) -> None:
    """Two calls have one number, so that one of them can be left out and none seems to be missing."""
    first = scene.append(scene.next_call("acme", request="kept"))
    number = scene.entries()[first]["number"]
    hidden = scene.append(scene.next_call("acme", request="hidden"), number=number)
    scene.append(scene.next_call("acme", request="next"))
    scene.unverified_usage("usage.evidence", scene.names["acme"])
    evidence = scene.opened("usage.evidence")
    left_out(scene, evidence, hidden)
    scene.seal("usage.evidence", evidence)


def anothers_silence(scene: Scene) -> None:
    """Acme is said to have been quiet; the file, which opens nothing, is of Beta."""
    since = scene.entries()[scene.calls("beta")[-1]]["time"] + 1
    claim = {"name": "not-used", "customer": scene.names["beta"], "from": since}
    scene.evidence("quiet.evidence", claim, anonymous=True)


def every_byte(scene: Scene) -> None:
    """Each byte of a small file, three ways; in this process, as there are thousands. One of them is left outside."""
    make(scene, "decision.evidence")
    data, key = (scene.outside / "decision.evidence").read_bytes(), str(scene.signer.verifier)
    assert verify(data, log_key=key).verdict == "established"
    for place in range(len(data)):
        for bits in FLIPS:
            changed = bytearray(data)
            changed[place] ^= bits
            verdict = verify(bytes(changed), log_key=key)
            assert verdict.verdict == "invalid", (place, bits, verdict)
    middle = len(data) // 2
    (scene.outside / "decision.evidence").write_bytes(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])


def truncate(scene: Scene) -> None:
    make(scene, "decision.evidence")
    path = scene.outside / "decision.evidence"
    path.write_bytes(path.read_bytes()[:-100])


USAGE = f"candid-verify usage.evidence {KEY}"
BILL = f"candid-verify bill.evidence {KEY}"
NEVER = f"candid-verify never.evidence {KEY}"
DECISION = f"candid-verify decision.evidence {KEY}"
_SWAPPED, _KEY = "an opening does not fit its commitment", "is not signed by the key given"
_PROOF = "do not give the root of the checkpoint"


def found(name: str, does: Callable[[Scene], object], command: str, sentence: str) -> Attack:
    """An attack that whoever has the file finds, offline."""
    return Attack(name, does, (auditor(command, 2, sentence),))


ATTACKS = (
    Attack(
        "flip any single byte of an evidence file",
        every_byte,
        (auditor(DECISION, 2, "invalid"),),
        "Every byte of some 2,100, three ways each; all but one of these files are verified without a process of their "
        "own.",
    ),
    found("hand out an evidence file that is cut off", truncate, DECISION, "is cut off"),
    found("state fewer calls than were made", resealed("usage.evidence", other_figures), USAGE, "the figures stated"),
    found("state another amount on a bill", resealed("bill.evidence", other_units), BILL, "the figures stated"),
    found("leave a call out of evidence of usage", resealed("usage.evidence", without_call), USAGE, "are missing"),
    found("swap what a commitment is opened to", resealed("usage.evidence", swapped_opening), USAGE, _SWAPPED),
    found(
        "swap an opening and its commitment", resealed("usage.evidence", swapped_with_commitment), USAGE, "has no use"
    ),
    found(
        "show proofs of absence of another name",
        resealed("never.evidence", other_subject),
        NEVER,
        "looks up other labels",
    ),
    found("state in a file that the map was empty", resealed("never.evidence", empty_map), NEVER, _PROOF),
    found("change an entry in an evidence file", resealed("never.evidence", other_entry), NEVER, _PROOF),
    found("sign an evidence file with another key", signed_by_another, USAGE, _KEY),
    found("hand out the evidence file of another log", of_another_log, NEVER, _KEY),
    Attack(
        "hide a call behind a number that is used twice",
        number_used_twice,
        (auditor(USAGE, 0, "usage: established"), auditor(AUDIT, 1, "this number had been given")),
        "The file says under its condition: “if each number was used once”.",
    ),
    Attack(
        "pass another customer's silence off as that of one who was served",
        anothers_silence,
        (shown(AUDITOR, f"candid-verify quiet.evidence {KEY}", "Who the customer is: the file does not open"),),
        "An anonymous file is of a pseudonym. Demand one that opens it; a customer knows its own by its receipts.",
    ),
    Attack(
        "leave a cheaper price list out of evidence of usage",
        dearer_list_alone,
        (
            auditor(BILL, 0, "usage: established"),
            customer(OWN_BILL, 0, ""),
            customer("diff bill.json own.json", 1, '"amount"'),
        ),
        "The file says under `not_established` that other price lists are not excluded; the audit counts `prices/1`.",
        slow=True,
    ),
)
