"""What an attack is: data. What the operator does, and what each outsider who has only so much then sees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.attacks.scene import Scene

AUDITOR, CUSTOMER, INSPECTOR = "auditor", "customer", "inspector"
"""Who looks: somebody with the log's key; a customer with its receipts; somebody on the operator's premises."""


@dataclass(frozen=True, slots=True)
class Look:
    """One command of one outsider.

    Attributes:
        who: has what, see above.
        command: as typed in a folder that holds only what this person has. `{url}` is where the log is served, other
            names in braces stand for pseudonyms.
        code: the exit code that is expected; 0 means that this look finds nothing.
        says: a piece of what is printed.
        shown: whether that piece tells of the attack although the exit code is 0.
    """

    who: str
    command: str
    code: int
    says: str
    shown: bool = False

    @property
    def finds(self) -> bool:
        """Whether the attack shows in this look."""
        return self.code != 0 or self.shown


@dataclass(frozen=True, slots=True)
class Attack:
    """One row of the table.

    Attributes:
        name: what the operator tries.
        does: does it, to the files and keys of a scene.
        looks: what outsiders then see; those that find nothing stand there too.
        note: where nobody finds it, or only some do: what would find it.
        slow: whether only `make attacks` and `make slow` try it, as what is special in it has quicker tests too.
    """

    name: str
    does: Callable[[Scene], object]
    looks: tuple[Look, ...]
    note: str = ""
    slow: bool = False

    @property
    def finders(self) -> tuple[Look, ...]:
        """The looks in which it shows."""
        return tuple(look for look in self.looks if look.finds)

    @property
    def detected(self) -> bool:
        """Whether an outsider finds it, who has nothing of the operator's but what is public or was handed out."""
        return any(look.who != INSPECTOR and look.code != 0 for look in self.looks)


def auditor(command: str, code: int, says: str) -> Look:
    """A look of somebody with the log's key, and perhaps a file or a checkpoint."""
    return Look(AUDITOR, command, code, says)


def customer(command: str, code: int, says: str) -> Look:
    """A look of a customer, who has receipts."""
    return Look(CUSTOMER, command, code, says)


def shown(who: str, command: str, says: str) -> Look:
    """A look in which the attack shows, to whoever reads what is printed: the exit code is 0."""
    return Look(who, command, 0, says, shown=True)


def inspector(command: str, code: int, says: str) -> Look:
    """A look of somebody whom the operator must let into its data folder."""
    return Look(INSPECTOR, command, code, says)


KEY = "--log-key log.key"
LOG = f"--url {{url}} {KEY}"
VERIFY = f"candid ledger verify {LOG}"
EXTENDS = f"{VERIFY} --extends kept.checkpoint"
AUDIT = f"candid evidence audit {LOG}"
RECEIPTS = f"candid receipt check acme.jsonl {LOG} --wait 0"
SHADE_RECEIPTS = f"candid receipt check shade.jsonl {LOG} --wait 0"
INSPECT = f"candid evidence audit --data {{data}} {KEY} --openings"
EXTENDS_NEWEST = f"{VERIFY} --extends newest.checkpoint"
AUDIT_RECEIPTS = f"{AUDIT} --receipts shade.jsonl"
POLICY = f"{VERIFY} --witness-policy policy"
GO_EXTENDS = "candid-verify-go -key log.key -log {url} -old kept.checkpoint"
GO = "candid-verify-go -key log.key -log {url}"
"""Commands that many attacks are looked at with."""
