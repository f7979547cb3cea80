"""The evidence file, `candid-evidence/1`: its two halves taken apart and checked for their form.

`docs/evidence-format.md` describes it. What is read here is signed by the log's key and well-formed; that it is true
is not known yet.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from candid_verify.canonical import canonical, decode_bytes, parse
from candid_verify.claims import Claim
from candid_verify.commitments import Opening
from candid_verify.entries import Form, Placed, document, hash32, list_of, members, number, parse_entry, text
from candid_verify.errors import FormatError, ProofError
from candid_verify.notes import Key, open_note
from candid_verify.times import LATEST

FORMAT = "candid-evidence/1"
MAX_FILE = 256 << 20
_BEGINNING = b'{"evidence":{'
_MANY = 10_000_000


def _anything(value: Any) -> None:  # noqa: ANN401 - JSON
    """Any value."""


_PROVED = members(label=text, proof=text)
_STATED = members(calls=number, operations=_anything, meters=_anything, bills=list_of(_anything, most=_MANY))
_EVIDENCE: Form = members(
    {"stated": _STATED},
    format=text,
    claim=_anything,
    made=number,
    checkpoint=document,
    entries=list_of(members(index=number, entry=document), most=_MANY),
    tree=list_of(hash32, most=_MANY),
    labels=list_of(_PROVED),
    keys=list_of(_PROVED),
    openings=list_of(members({"for": hash32}, salt=hash32, value=_anything)),
)


@dataclass(frozen=True, slots=True)
class Proved:
    """A label with a proof that nobody has checked yet."""

    label: bytes
    proof: bytes


@dataclass(frozen=True, slots=True)
class Evidence:
    """What stands in an evidence file.

    Attributes:
        claim: what it shall establish.
        made: when it was made, by the operator's clock; milliseconds since the epoch.
        checkpoint: the log's signed note.
        entries: by rising index; the first is `log/1` at 0; their times do not run backwards.
        texts: the entries' own bytes, by index.
        tree: the hashes beside the entries.
        labels: labels with VRF and map proofs.
        keys: labels with VRF proofs.
        openings: by the commitment that they open, which was checked.
        stated: the operator's figures; None where there are none.
    """

    claim: Claim
    made: int
    checkpoint: str
    entries: tuple[Placed, ...]
    texts: Mapping[int, bytes]
    tree: tuple[bytes, ...]
    labels: tuple[Proved, ...]
    keys: tuple[Proved, ...]
    openings: Mapping[str, Opening]
    stated: Mapping[str, Any] | None


def note_text(origin: str, evidence: Mapping[str, Any]) -> str:
    """The text that the log's key signs for a file.

    Raises:
        FormatError: the evidence has no canonical spelling.
    """
    digest = b64encode(sha256(canonical(evidence)).digest()).decode()
    return f"{FORMAT}\n{origin}\n{digest}\n"


def read_evidence(data: bytes, key: Key) -> Evidence:
    """Read a file and check that the log's key vouches for each of its bytes.

    Raises:
        FormatError: it is no evidence file, or cut off, or not in its one spelling.
        ProofError, WrongKeyError: it is not signed by this key, or was changed.
    """
    # 1. It is canonical JSON of two members and a line feed.
    whole = _read_json(data)
    # 2. The log's key, and nobody else, signed the digest of the evidence.
    note = open_note(whole["note"], key, "the evidence file")
    if len(note.signatures) != 1:
        raise FormatError("the evidence file has other signatures than the log's")
    if note.text != note_text(key.name, whole["evidence"]):
        raise ProofError("the evidence file was changed after it was signed")
    # 3. The evidence has the documented members.
    return _read_members(whole["evidence"])


def _read_json(data: bytes) -> dict[str, Any]:
    if len(data) > MAX_FILE:
        raise FormatError(f"an evidence file has at most {MAX_FILE >> 20} MiB")
    if not data.startswith(_BEGINNING):
        raise FormatError("this is no evidence file of Candid, or its beginning was changed")
    if not data.endswith(b"\n"):
        raise FormatError("the evidence file is cut off: was it downloaded in full?")
    try:
        whole = parse(data[:-1])
        members(evidence=_anything, note=document)(whole)
    except FormatError as error:
        raise FormatError(f"the evidence file is damaged: {error}") from error
    found: dict[str, Any] = whole
    return found


def _read_members(found: dict[str, Any]) -> Evidence:
    if found.get("format") != FORMAT:
        raise FormatError(f"the evidence file is of another format than {FORMAT}, which this version reads")
    try:
        _EVIDENCE(found)
    except FormatError as error:
        raise FormatError(f"the evidence {error}") from error
    texts = {each["index"]: each["entry"].encode() for each in found["entries"]}
    return Evidence(
        claim=Claim.from_json(found["claim"]),
        made=found["made"],
        checkpoint=found["checkpoint"],
        entries=_read_entries([each["index"] for each in found["entries"]], texts),
        texts=texts,
        tree=tuple(decode_bytes(each, 32) for each in found["tree"]),
        labels=_read_proved(found["labels"]),
        keys=_read_proved(found["keys"]),
        openings=_read_openings(found["openings"]),
        stated=found.get("stated"),
    )


def _read_entries(indexes: list[int], texts: Mapping[int, bytes]) -> tuple[Placed, ...]:
    # 1. By rising index, each once, the log's first among them.
    if indexes != sorted(texts):
        raise FormatError("the entries in the file are not by rising index, each once")
    entries = tuple(Placed(index, parse_entry(texts[index])) for index in indexes)
    if not entries or entries[0].index != 0 or entries[0].entry["kind"] != "log/1":
        raise FormatError("the first entry of the log, which names it and its VRF key, is not in the file")
    # 2. No time is impossible, and none is earlier than that of an entry before.
    latest = 0
    for each in entries:
        if not latest <= each.entry["time"] < LATEST:
            raise ProofError(f"the time of entry {each.index} is earlier than one before it, or impossible")
        latest = each.entry["time"]
    return entries


def _read_proved(found: list[dict[str, str]]) -> tuple[Proved, ...]:
    return tuple(Proved(each["label"].encode(), decode_bytes(each["proof"])) for each in found)


def _read_openings(found: list[dict[str, Any]]) -> dict[str, Opening]:
    openings: dict[str, Opening] = {}
    for each in found:
        # 1. Each commitment has one opening, and they are sorted.
        commitment = each.get("for")
        if commitment is None or (openings and commitment <= next(reversed(openings))):
            raise FormatError("the openings in the file are not by the rising commitments that they are for")
        # 2. It opens the commitment that it is for.
        opening = Opening.from_json({"salt": each["salt"], "value": each["value"]})
        opening.check(commitment)
        openings[commitment] = opening
    return openings
