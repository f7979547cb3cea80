"""The file: what was collected, proved, put into canonical JSON and signed by the log's key."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from candid.evidence.errors import EvidenceError
from candid.evidence.view import View
from candid.ledger import SigningKey, sign_note
from candid_verify.canonical import canonical, encode_bytes
from candid_verify.claims import Claim
from candid_verify.commitments import Opening
from candid_verify.evidence import FORMAT, MAX_FILE, note_text


@dataclass(slots=True)
class Collected:
    """What goes into a file, beside what every file has.

    Attributes:
        view: the log as of the checkpoint that the file will have.
        indexes: of the entries; 0 is always among them.
        labels: labels with proofs that the map has them, or has them not.
        keys: labels with proofs of the VRF.
        openings: of commitments in the entries.
        stated: the figures that the operator states; None where the claim has none.
    """

    view: View
    indexes: set[int] = field(default_factory=lambda: {0})
    labels: list[tuple[bytes, bytes]] = field(default_factory=list)
    keys: list[tuple[bytes, bytes]] = field(default_factory=list)
    openings: list[Opening] = field(default_factory=list)
    stated: dict[str, Any] | None = None


def write(claim: Claim, collected: Collected, *, made: int, signer: SigningKey, most: int = MAX_FILE) -> bytes:
    """The bytes of the file.

    Args:
        claim: what it is to establish.
        collected: what establishes it.
        made: milliseconds since the epoch.
        signer: the log's key.
        most: how many bytes the file may have.

    Raises:
        EvidenceError: it would be larger than a file may be.
        LedgerError: the log cannot be read.
    """
    view, indexes = collected.view, sorted(collected.indexes)
    opened = {opening.commitment: opening for opening in collected.openings}
    evidence: dict[str, Any] = {
        "format": FORMAT,
        "claim": claim.as_json(),
        "made": made,
        "checkpoint": view.checkpoint.decode(),
        "entries": [{"index": index, "entry": view.data(index).decode()} for index in indexes],
        "tree": [encode_bytes(each) for each in view.prove(indexes)],
        "labels": _proofs(collected.labels),
        "keys": _proofs(collected.keys),
        "openings": [{"for": name, **opening.as_json()} for name, opening in sorted(opened.items())],
    }
    if collected.stated is not None:
        evidence["stated"] = collected.stated
    note = sign_note(note_text(signer.name, evidence).encode(), [signer])
    data = canonical({"evidence": evidence, "note": bytes(note).decode()}) + b"\n"
    if len(data) > most:
        raise EvidenceError(f"the file would have {len(data)} bytes and may have {most}: name a shorter period")
    return data


def _proofs(found: Iterable[tuple[bytes, bytes]]) -> list[dict[str, str]]:
    return [{"label": label.decode(), "proof": encode_bytes(proof)} for label, proof in found]
