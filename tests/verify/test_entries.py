"""Schemas of entries."""

from __future__ import annotations

import pytest

from candid_verify.canonical import canonical
from candid_verify.entries import KINDS, MAX_ENTRY, check_entry, parse_entry, write_entry
from candid_verify.errors import EntryError


def test_every_kind_written_is_read_again(world):
    for entry in world.entries:
        assert parse_entry(write_entry(entry)) == entry


def test_the_example_log_has_most_kinds(world):
    missing = set(KINDS) - {entry["kind"] for entry in world.entries}
    assert missing == {"key/1", "resumed/1", "stop/1"}


def variants(entry):
    """The entry with a member more, one less, or one of another form."""
    yield {**entry, "surprise": 1}
    for name in entry:
        yield {**entry, name: None}
        yield {**entry, name: {"x": []}}
        if name not in {"key", "collection", "counts", "enrolled", "erased", "labels", "identity", "error"}:
            yield {key: value for key, value in entry.items() if key != name}


def test_any_other_member_is_refused(world):
    seen = set()
    for entry in world.entries:
        if entry["kind"] in seen or entry["kind"] == "erasure/1":
            continue
        seen.add(entry["kind"])
        for variant in variants(entry):
            with pytest.raises(EntryError):
                check_entry(variant)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"1",
        b"{}",
        b'{"kind":1}',
        b'{"kind":"surprise/1"}',
        b'{"kind":["log/1"]}',
        b"{",
        b'{"kind": "log/1"}',
    ],
)
def test_no_entry(data):
    with pytest.raises(EntryError):
        parse_entry(data)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("day", "2026-13-01"), ("day", "2026-1-1"), ("day", 1), ("day", "2026-11-01\n"), ("faces", -1), ("faces", True),
        ("customer", "AA"), ("time", "1"), ("kind", "call/1"),
    ],
)  # fmt: skip
def test_forms(world, member, value):
    entry = world.entries[world.storage[0]]
    with pytest.raises(EntryError):
        check_entry({**entry, member: value})


def test_outcomes_flags_lists_and_texts(world):
    call = world.entries[world.first]
    for change in (
        {"outcome": "perhaps"},
        {"decision": {**call["decision"], "allowed": 1}},
        {"enrolled": [call["customer"]] * 1001},
        {"enrolled": ["x"]},
        {"counts": []},
        {"stored": {"faces": "1"}},
        {"stored": {"faces": True}},
        {"operation": ""},
        {"operation": "x" * 10_001},
    ):
        with pytest.raises(EntryError):
            check_entry({**call, **change})
    check_entry({**call, "stored": {"faces": -1}})
    with pytest.raises(EntryError, match="is no text"):
        check_entry({"kind": "prices/1", "time": 1, "note": ""})


def test_too_long(world):
    entry = {"kind": "prices/1", "time": 1, "note": "x" * MAX_ENTRY}
    with pytest.raises(EntryError, match="65535 fit"):
        write_entry(entry)
    assert len(canonical(entry)) > MAX_ENTRY
