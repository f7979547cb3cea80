"""All attacks, tried: each in a copy of its own, and looked at by outsiders who are processes of their own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.attacks import (
    honest,
    on_customers,
    on_entries,
    on_evidence,
    on_files,
    on_history,
    on_receipts,
    on_server,
    on_witnesses,
)
from tests.attacks.attack import Attack
from tests.attacks.outsider import Seen, look_at, served
from tests.attacks.premises import Premises
from tests.attacks.scene import Scene

GROUPS: tuple[tuple[str, tuple[Attack, ...]], ...] = (
    ("The files, without the key", on_files.ATTACKS),
    ("Another history, with the key", on_history.ATTACKS),
    ("Another history, with witnesses", on_witnesses.ATTACKS),
    ("False entries", on_entries.ATTACKS),
    ("Customers and the map", on_customers.ATTACKS),
    ("Calls, receipts and bills", on_receipts.ATTACKS),
    ("Evidence files", on_evidence.ATTACKS),
    ("A server that lies", on_server.ATTACKS),
)
ATTACKS: tuple[Attack, ...] = tuple(attack for _, attacks in GROUPS for attack in attacks)
CONTROL = honest.control(ATTACKS)


@dataclass(frozen=True, slots=True)
class Tried:
    """An attack and what each look at it saw, in the order of its looks."""

    attack: Attack
    seen: tuple[Seen, ...]

    @property
    def as_documented(self) -> bool:
        """Whether everybody saw what the table says."""
        return all(seen.as_expected(look) for seen, look in zip(self.seen, self.attack.looks, strict=True))


def attempt(attack: Attack, root: Path, premises: Premises) -> Tried:
    """Try one attack in a new folder."""
    scene = Scene.set(root, premises)
    attack.does(scene)
    with served(scene.log) as url:
        return Tried(attack, tuple(look_at(scene, look, url) for look in attack.looks))
