"""Attacks on a log with three real witnesses, of which two must cosign, by an operator who wants two histories."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tests.attacks.attack import EXTENDS_NEWEST, KEY, POLICY, VERIFY, Attack, auditor
from tests.attacks.forging import OPTIONS, books_of
from tests.attacks.on_history import going_on, without
from tests.attacks.scene import Scene

from candid.ledger import Log, LogOptions, Policy, SigningKey, Witnesses, open_checkpoint, sign_note
from candid.ledger.errors import LogForked, LogRolledBack
from candid.ledger.keyfile import read_key
from candid.ledger.keys import Algorithm
from candid.ledger.notes import Note
from candid_verify.entries import write_entry

_NAMES = ("w1", "w2", "w3")


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A log whose newest checkpoint two of three witnesses and more have cosigned.

    Attributes:
        options: to open the log as its server does, with guard and witnesses.
        folders: of the witnesses, by name.
    """

    options: LogOptions
    folders: dict[str, Path]

    def refuse(self, scene: Scene) -> None:
        """Show that no witness takes what lies in the folder now for the same log, and that the log does not open."""
        try:
            Log.open(scene.log, scene.signer, self.options).close()
        except (LogRolledBack, LogForked) as error:
            assert "witness" in str(error), error
            return
        raise AssertionError("the witnesses went along")


@contextmanager
def cosigned(scene: Scene) -> Iterator[Cosigned]:
    """Three witness processes, which have cosigned the log as it is; auditors have their policy and the checkpoint."""
    folders = {name: scene.root / name for name in _NAMES}
    processes = [_witness(scene, name, folder) for name, folder in folders.items()]
    try:
        ready = {name: _ready(folder / "ready.json") for name, folder in folders.items()}
        lines = [f"witness {name} {each['witness_key']} {each['url']}" for name, each in ready.items()]
        policy = "\n".join([*lines, f"group most 2 {' '.join(_NAMES)}", "quorum most", ""])
        (scene.outside / "policy").write_text(policy)
        witnesses = Witnesses(Policy.parse(policy.encode()))
        options = replace(OPTIONS, guard=scene.root / "guard", witnesses=witnesses)
        with Log.open(scene.log, scene.signer, options) as log:
            log.append(write_entry(books_of(scene.entries()).completed({"kind": "state/1"})))
            log.publish()
        shutil.copy(scene.log / "checkpoint", scene.outside / "newest.checkpoint")
        yield Cosigned(options, folders)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=20)


def _witness(scene: Scene, name: str, folder: Path) -> subprocess.Popen[bytes]:
    command = [
        *(sys.executable, "-m", "candid", "ledger", "witness", "--data", folder, "--name", f"{name}.example"),
        *("--log-key", str(scene.signer.verifier), "--port", "0", "--ready-file", folder / "ready.json"),
    ]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL, env={**os.environ})


def _ready(file: Path) -> dict[str, str]:
    deadline = time.monotonic() + 60
    while not file.exists():
        if time.monotonic() > deadline:
            raise AssertionError(f"no witness came up that writes {file}")
        time.sleep(0.01)
    found: dict[str, str] = json.loads(file.read_text())
    return found


def with_witnesses(does: Callable[[Scene, Cosigned], object]) -> Callable[[Scene], None]:
    """Do something to a log that witnesses watch."""

    def done(scene: Scene) -> None:
        with cosigned(scene) as watched:
            does(scene, watched)

    return done


def split(scene: Scene, watched: Cosigned) -> None:
    """Shade is left out; the guard, which lies with the operator, is taken away first."""
    (scene.root / "guard").unlink()
    scene.rewrite(going_on(scene, without("shade")(scene, scene.entries())))
    watched.refuse(scene)


def roll_back(scene: Scene, watched: Cosigned) -> None:
    """A backup is restored, of log and guard, and the log goes on from there."""
    size = int((scene.outside / "kept.checkpoint").read_text().split("\n")[1])
    scene.rewrite(scene.entries()[:size])
    shutil.copy(scene.log / "checkpoint", scene.root / "guard")
    watched.refuse(scene)
    scene.append(scene.next_call("beta"))
    watched.refuse(scene)


def strip(scene: Scene, _: Cosigned) -> None:
    """Two of the cosignatures are taken from the checkpoint."""
    path = scene.log / "checkpoint"
    note = Note.parse(path.read_bytes())
    path.write_bytes(bytes(Note(note.text, note.signatures[:2])))  # the log's own, and that of one witness


def forge(scene: Scene, watched: Cosigned) -> None:
    """Another history, cosigned by keys that the operator made under the witnesses' names."""
    split(scene, watched)
    _cosign(scene, [SigningKey.generate(f"{name}.example", Algorithm.COSIGNATURE) for name in _NAMES])


def collude(scene: Scene, watched: Cosigned) -> None:
    """Another history, cosigned by two witnesses that the operator has the keys of."""
    split(scene, watched)
    _cosign(scene, [read_key(watched.folders[name] / "witness.key") for name in _NAMES[:2]])


def strip_evidence(scene: Scene, watched: Cosigned) -> None:
    """An evidence file about a history that no witness has seen."""
    split(scene, watched)
    scene.evidence("never.evidence", {"name": "never-served", "subject": "Shade Ltd"})


def _cosign(scene: Scene, keys: list[SigningKey]) -> None:
    path = scene.log / "checkpoint"
    text = open_checkpoint(path.read_bytes(), scene.signer.verifier).checkpoint.text
    path.write_bytes(bytes(sign_note(text, [scene.signer, *keys], time=int(time.time()))))


NEVER = f"candid-verify never.evidence {KEY}"
_FEW = "too few witnesses cosigned this checkpoint"
ATTACKS = (
    Attack(
        "show two auditors two histories, with 2 of 3 witnesses",
        with_witnesses(split),
        (auditor(VERIFY, 0, "verified"), auditor(POLICY, 1, _FEW)),
        "The witnesses refuse: the second history has no cosignature.",
    ),
    Attack(
        "roll back log and guard and go on, with witnesses",
        with_witnesses(roll_back),
        (auditor(VERIFY, 0, "verified"), auditor(POLICY, 1, _FEW)),
        "The log does not even open: the witnesses have seen more of it.",
    ),
    Attack("strip cosignatures from a checkpoint", with_witnesses(strip), (auditor(POLICY, 1, _FEW),), slow=True),
    Attack(
        "forge cosignatures under the names of witnesses", with_witnesses(forge), (auditor(POLICY, 1, _FEW),), slow=True
    ),
    Attack(
        "make evidence from a history that no witness saw",
        with_witnesses(strip_evidence),
        (
            auditor(NEVER, 0, "never-served: established"),
            auditor(f"{NEVER} --witness-policy policy", 1, "never-served: not-established"),
        ),
        slow=True,
    ),
    Attack(
        "have two of three witnesses cosign two histories",
        with_witnesses(collude),
        (auditor(POLICY, 0, "verified"), auditor(EXTENDS_NEWEST, 1, "history was rewritten")),
        "A quorum of witnesses that lie together is believed. Who compares checkpoints still finds it, and the two "
        "cosigned checkpoints prove it against the witnesses too. Choose witnesses that do not belong together.",
    ),
)
