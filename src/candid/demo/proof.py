"""What outsiders ask of the demo's server: its log, receipts and evidence, by the commands that they would type."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STRANGER = "Volkov Trading B.V."


class ProofFailed(Exception):
    """A command of the demo did not establish what it should; the message holds what it said."""


@dataclass(frozen=True, slots=True)
class Step:
    """One command and what it found.

    Attributes:
        who: whose question it is.
        command: as it is typed.
        found: the answer, in one line.
    """

    who: str
    command: str
    found: str


def prove(folder: Path, ready: Mapping[str, Any]) -> list[Step]:
    """Check receipts, audit the log, bill, and prove that a stranger never was a customer.

    Args:
        folder: where the server's data, keys and the client's receipts lie.
        ready: of the running server.

    Raises:
        ProofFailed: a command says no.
    """
    data, key, log = str(folder / "data"), str(ready["log_public_key"]), f"{ready['url']}/log"
    never = str(folder / "never-served.json")
    receipts = _ask(folder, "receipt", "check", str(folder / "receipts.jsonl"), "--log-key", key, "--url", log)
    audit = _ask(folder, "evidence", "audit", "--url", log, "--log-key", key)
    month = str(audit["to"])[:7]
    claim = ("--claim", "never-served", "--subject", STRANGER, "--country", "NL")
    _ask(folder, "evidence", "export", *claim, "--data", data, "-o", never)
    verdict = _ask(folder, "evidence", "verify", never, "--log-key", key)
    bill = _ask(folder, "bill", str(ready["account"]), "--month", month, "--data", data)
    amount = sum(line["amount"] for line in bill["lines"])
    return [
        Step("the developer", "candid receipt check", f"{receipts['checked']} receipts are kept by the log"),
        Step("anybody", "candid evidence audit", f"{audit['entries']} entries, {len(audit['findings'])} findings"),
        Step("the customer", f"candid bill --month {month}", f"{bill['calls']} calls, {amount:,} micro-dollars"),
        Step("an auditor", "candid evidence verify", f"{STRANGER}, NL, never was a customer: {verdict['verdict']}"),
    ]


def _ask(folder: Path, *words: str) -> dict[str, Any]:
    """Run a command as its user would; its JSON."""
    environment = {**os.environ, "XDG_CONFIG_HOME": str(folder / "config")}
    command: Sequence[str] = (sys.executable, "-m", "candid", *words, "--json")
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)  # noqa: S603 - ours
    if done.returncode:
        raise ProofFailed(f"candid {' '.join(words[:2])} ended with {done.returncode}: {done.stderr.strip()}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found
