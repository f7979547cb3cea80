"""Calls in the shape of AWS CloudTrail records (eventVersion 1.11), which security tools read.

A file that CloudTrail delivers is one JSON object with `Records`; tools that follow files line by line want a record
a line. Both are written. What the log does not have is left out and not made up: `sourceIPAddress`, `userAgent`,
names and account numbers. Identities are the log's pseudonyms, and `additionalEventData` leads back to the entry.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from candid_verify.times import iso_seconds

EVENT_VERSION = "1.11"

# How the names of operations begin that change nothing.
_READING = ("Compare", "Describe", "Detect", "Get", "List", "Recognize", "Search")
_DETAILS = ("number", "meter", "units", "started", "time", "run", "collection", "counts", "stored")


def records(
    entries: Iterable[tuple[int, Mapping[str, Any]]], *, origin: str, region: str | None = None
) -> Iterator[dict[str, Any]]:
    """A record for each `call/1` entry; other kinds are passed over.

    Args:
        entries: with their indexes.
        origin: of the log.
        region: the server's, such as `us-east-1`; None: the records name none, as the log does not.
    """
    for index, entry in entries:
        if entry["kind"] == "call/1":
            yield _record(index, entry, origin, region)


def as_file(found: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The text of one file as CloudTrail delivers them, piece by piece."""
    yield '{"Records":['
    between = ""
    for record in found:
        yield between + _spelled(record)
        between = ",\n"
    yield "]}\n"


def as_lines(found: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A line of JSON for each record."""
    for record in found:
        yield _spelled(record) + "\n"


def _record(index: int, entry: Mapping[str, Any], origin: str, region: str | None) -> dict[str, Any]:
    key = {"accessKeyId": entry["key"]} if "key" in entry else {}
    decision = entry["decision"]
    return {
        "eventVersion": EVENT_VERSION,
        "userIdentity": {
            "type": "AWSAccount",
            "principalId": entry["customer"],
            "accountId": entry["customer"],
            **key,
        },
        "eventTime": iso_seconds(entry["time"]),
        "eventSource": "rekognition.amazonaws.com",
        "eventName": entry["operation"],
        **({} if region is None else {"awsRegion": region}),
        **_error(entry),
        "requestParameters": None,
        "responseElements": None,
        "additionalEventData": {
            "logOrigin": origin,
            "logIndex": index,
            "decision": {"allowed": decision["allowed"], "rule": decision["rule"], "policy": decision["policy"]},
            **{name: entry[name] for name in _DETAILS if name in entry},
        },
        "requestID": entry["request"],
        "eventID": entry["request"],
        "readOnly": entry["operation"].startswith(_READING),
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "eventCategory": "Management",
    }


def _error(entry: Mapping[str, Any]) -> dict[str, str]:
    if entry["outcome"] == "ok":
        return {}
    if entry["outcome"] == "denied":
        code = entry.get("error", "AccessDeniedException")
        return {"errorCode": code, "errorMessage": f"denied by the rule {entry['decision']['rule']}"}
    return {"errorCode": entry.get("error", "InternalServerError")}


def _spelled(record: Mapping[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"))
