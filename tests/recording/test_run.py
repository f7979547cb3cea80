"""What a server says of itself when it starts."""

from __future__ import annotations

from candid.recording import LoadedModel, Software
from candid.recording.run import start_entry
from candid_verify.canonical import encode_bytes
from candid_verify.entries import parse_entry, write_entry


def test_the_entry_of_a_start():
    models = [LoadedModel("scrfd", "1.0", b"s" * 32), LoadedModel("arc", "2", b"a" * 32, "arc/2/1")]
    entry = start_entry(software=Software("candid", "1"), models=models, policy="p", rules=["r"], previous="none")
    found = parse_entry(write_entry(entry | {"time": 1}))
    assert found["models"] == [
        {"name": "scrfd", "version": "1.0", "sha256": encode_bytes(b"s" * 32)},
        {"name": "arc", "version": "2", "sha256": encode_bytes(b"a" * 32), "contract": "arc/2/1"},
    ]
    assert found["software"] == {"name": "candid", "version": "1"}
    assert found["policy"] == {"version": "p", "rules": ["r"]}
