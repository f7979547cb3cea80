"""The kinds of entries of a Candid log: their members, and of what form. `docs/entries.md` says what they mean.

An entry is one JSON object in canonical spelling. `kind` names its schema and the schema's version: a member is
never given another meaning, a kind that changes gets another number. Members marked optional are absent where
there is nothing to say; a member that is not listed makes the entry invalid.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from candid_verify.canonical import canonical, decode_bytes, parse
from candid_verify.errors import EntryError, FormatError

Entry = Mapping[str, Any]
Form = Callable[[Any], None]
"""Raises FormatError where a value is not of the form."""

_DAY = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", re.ASCII)

MAX_ENTRY = 65_535  # C2SP tlog-tiles: a bundle gives each entry's length in two bytes


def number(value: Any) -> None:  # noqa: ANN401 - JSON, here and below
    """An integer from 0 on."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise FormatError("is no number from 0 on")


def integer(value: Any) -> None:  # noqa: ANN401
    """Any integer."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise FormatError("is no integer")


def flag(value: Any) -> None:  # noqa: ANN401
    """True or false."""
    if not isinstance(value, bool):
        raise FormatError("is neither true nor false")


def text(value: Any) -> None:  # noqa: ANN401
    """A text of 1–10,000 characters."""
    if not isinstance(value, str) or not 0 < len(value) <= 10_000:
        raise FormatError("is no text of 1–10,000 characters")


def document(value: Any) -> None:  # noqa: ANN401
    """A longer text, such as a signed note."""
    if not isinstance(value, str) or not value:
        raise FormatError("is no text")


def hash32(value: Any) -> None:  # noqa: ANN401
    """32 bytes in base64url: a commitment, pseudonym, root, key of the map or tag."""
    decode_bytes(value, 32)


def day(value: Any) -> None:  # noqa: ANN401
    """A UTC day, `2026-11-24`."""
    if not isinstance(value, str) or _DAY.fullmatch(value) is None:
        raise FormatError("is no day such as 2026-11-24")


def one_of(*names: str) -> Form:
    """One of these texts."""

    def check(value: Any) -> None:  # noqa: ANN401
        if value not in names or not isinstance(value, str):
            raise FormatError(f"is none of {', '.join(names)}")

    return check


def list_of(form: Form, *, most: int = 4096) -> Form:
    """A list."""

    def check(value: Any) -> None:  # noqa: ANN401
        if not isinstance(value, list) or len(value) > most:
            raise FormatError(f"is no list of at most {most}")
        for item in value:
            form(item)

    return check


def table_of(form: Form) -> Form:
    """An object of any members, all of one form."""

    def check(value: Any) -> None:  # noqa: ANN401
        if not isinstance(value, dict):
            raise FormatError("is no object")
        for item in value.values():
            form(item)

    return check


def members(optional: Mapping[str, Form] | None = None, **required: Form) -> Form:
    """An object of these members and no others."""
    known = {**required, **(optional or {})}

    def check(value: Any) -> None:  # noqa: ANN401
        if not isinstance(value, dict):
            raise FormatError("is no object")
        for name in required:
            if name not in value:
                raise FormatError(f"lacks {name}")
        for name, item in value.items():
            if name not in known:
                raise FormatError(f"has {name}, which this kind does not know")
            try:
                known[name](item)
            except FormatError as error:
                raise FormatError(f"{name} {error}") from error

    return check


_SOFTWARE = members(name=text, version=text)
_COUNTS = members({"passes": number}, rows=number)
_MAP = members({"entry": number}, version=number, root=hash32, count=number)
_ENGINE = table_of(_COUNTS)
_PREVIOUS = members(origin=text, key=text, size=number, root=hash32)
_PUBLIC = members(size=number, root=hash32, witnesses=list_of(members(name=text, time=number), most=64))

CATEGORIES = ("private", "public-body", "police", "intelligence", "military", "border", "research", "other")

KINDS: dict[str, Form] = {
    "log/1": members(
        {"previous": _PREVIOUS}, kind=text, time=number, origin=text, vrf=hash32, labels=text, software=_SOFTWARE
    ),
    "start/1": members(
        kind=text,
        time=number,
        software=_SOFTWARE,
        models=list_of(members({"contract": text}, name=text, version=text, sha256=hash32)),
        policy=members(version=text, rules=list_of(text)),
        previous=one_of("none", "clean", "unclean"),
    ),
    "call/1": members(
        {
            "error": text,
            "key": hash32,
            "collection": hash32,
            "counts": table_of(number),
            "stored": table_of(integer),
            "enrolled": list_of(hash32, most=1000),
            "erased": list_of(hash32, most=1000),
            "engine": table_of(number),
        },
        kind=text,
        time=number,
        started=number,
        run=number,
        request=text,
        operation=text,
        customer=hash32,
        number=number,
        decision=members(allowed=flag, rule=text, policy=text),
        outcome=one_of("ok", "denied", "error"),
        meter=text,
        units=number,
    ),
    "customer/1": members(
        {"identity": hash32, "labels": list_of(hash32, most=1300)},
        kind=text,
        time=number,
        event=one_of("opened", "updated", "closed", "erased"),
        customer=hash32,
        category=one_of(*CATEGORIES),
        status=text,
    ),
    "key/1": members(kind=text, time=number, event=one_of("issued", "revoked"), customer=hash32, key=hash32),
    "map/1": members(kind=text, time=number, version=number, root=hash32, count=number),
    "state/1": members(
        {"public": _PUBLIC, "run": number, "calls": number, "engine": _ENGINE},
        kind=text,
        time=number,
        map=_MAP,
        customers=number,
    ),
    "statement/1": members(kind=text, time=number, customer=hash32, number=number),
    "storage/1": members(kind=text, time=number, customer=hash32, day=day, faces=number, users=number),
    "prices/1": members(kind=text, time=number, note=document),
    "erasure/1": members(
        {"request": text, "faces": list_of(hash32, most=1000), "customer": hash32, "removed": table_of(number)},
        kind=text,
        time=number,
        subject=one_of("face", "customer"),
    ),
    "resumed/1": members(kind=text, time=number, refused=number, since=number),
    "stop/1": members(kind=text, time=number, run=number, calls=number, engine=_ENGINE),
}
"""Each kind's form."""


def parse_entry(data: bytes) -> dict[str, Any]:
    """Read an entry.

    Raises:
        EntryError: it is not canonical JSON, of no known kind, or has not the members of its kind.
    """
    try:
        value = parse(data)
    except FormatError as error:
        raise EntryError(f"an entry is not as entries are written: {error}") from error
    check_entry(value)
    found: dict[str, Any] = value
    return found


def write_entry(entry: Entry) -> bytes:
    """The bytes of an entry, after the check that whoever reads it will make.

    Raises:
        EntryError: it is of no known kind, has not the members of its kind, or is too long.
    """
    check_entry(entry)
    data = canonical(entry)
    if len(data) > MAX_ENTRY:
        raise EntryError(f"an entry has {len(data)} bytes; {MAX_ENTRY} fit")
    return data


def check_entry(value: Any) -> None:  # noqa: ANN401
    """Check kind and members.

    Raises:
        EntryError: they are not as documented.
    """
    kind = value.get("kind") if isinstance(value, dict) else None
    form = KINDS.get(kind) if isinstance(kind, str) else None
    if form is None:
        raise EntryError(f"{kind!r} is no kind of entry that this version knows" if kind else "an entry has no kind")
    try:
        form(value)
    except FormatError as error:
        raise EntryError(f"an entry {kind}: {error}") from error


@dataclass(frozen=True, slots=True)
class Placed:
    """An entry with its place in the log."""

    index: int
    entry: Entry
