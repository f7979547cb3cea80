"""The control: an honest operator, looked at with every command that finds an attack. None may find anything."""

from __future__ import annotations

import shutil

from tests.attacks.attack import Attack, Look
from tests.attacks.on_evidence import make
from tests.attacks.on_witnesses import cosigned
from tests.attacks.premises import send_bill
from tests.attacks.scene import Scene


def honest(scene: Scene) -> None:
    """Go on as a server does, hand out evidence and a bill, and have all of it cosigned."""
    for name in ("usage.evidence", "decision.evidence", "bill.evidence"):
        make(scene, name)
    since = scene.entries()[scene.calls("beta")[-1]]["time"] + 1
    scene.evidence("quiet.evidence", {"name": "not-used", "customer": scene.names["beta"], "from": since})
    face = scene.tag("face-1")
    scene.append(scene.next_call("acme", operation="IndexFaces", meter="image-group-1", enrolled=[face]))
    scene.append({"kind": "erasure/1", "subject": "face", "faces": [face], "removed": {"faces": 1}})
    scene.evidence("erased.evidence", {"name": "erased", "face": "face-1"})
    with cosigned(scene) as watched:
        scene.options = watched.options
        make(scene, "never.evidence")
    shutil.copy(scene.log / "checkpoint", scene.outside / "newest.checkpoint")
    send_bill(scene.root, scene.signer, scene.names["acme"])


def control(attacks: tuple[Attack, ...]) -> Attack:
    """The row for these attacks: all their commands, each once, in their order, and each is to find nothing."""
    looks = {look.command: Look(look.who, look.command, 0, "") for attack in attacks for look in attack.looks}
    return Attack("nothing: an honest operator whose log is cosigned", honest, tuple(looks.values()))
