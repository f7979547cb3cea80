"""Usage tables, CloudTrail records and Parquet: what security and analysis tools get to read."""

import builtins
import json
import re

import duckdb
import pytest
from tests.billing.logs import DAY, NOVEMBER, call, storage, who

from candid.billing.cloudtrail import as_file, as_lines, records
from candid.billing.errors import MissingPackage
from candid.billing.parquet import write_parquet
from candid.billing.usage import OperationDay, StoredDay, count_usage
from candid.client.expectations import ASKED

A, B = who("a"), who("b")
DENIED = call(
    B,
    NOVEMBER + DAY,
    number=2,
    outcome="denied",
    units=0,
    error="AccessDeniedException",
    key=who("key"),
)
ENTRIES = list(
    enumerate(
        [
            call(A, NOVEMBER, number=1, counts={"matches": 2}, collection=who("c"), started=NOVEMBER - 3),
            call(A, NOVEMBER + 1, number=2, outcome="error", units=0, error="ImageTooLargeException"),
            {"kind": "prices/1", "time": NOVEMBER + 2, "note": "…"},
            call(B, NOVEMBER + 3, number=1, meter="image-group-2", operation="DetectFaces", units=3),
            storage(A, NOVEMBER + DAY, "2026-11-01", faces=5, users=1),
            DENIED,
            call(B, NOVEMBER + DAY + 1, number=3, outcome="denied", units=0, operation="IndexFaces"),
            storage(A, NOVEMBER + 2 * DAY, "2026-11-02", faces=6),
        ],
        start=10,
    )
)


def test_usage_by_day_and_operation():
    calls, stored = count_usage(ENTRIES, NOVEMBER, NOVEMBER + DAY)
    assert calls == [
        OperationDay("2026-11-01", *each)
        for each in sorted(
            [
                (A, "SearchFacesByImage", "image-group-1", 2, 0, 1, 1),
                (B, "DetectFaces", "image-group-2", 1, 0, 0, 3),
            ]
        )
    ]
    assert stored == [StoredDay("2026-11-01", A, 5, 1)]
    calls, stored = count_usage(ENTRIES, NOVEMBER + DAY, NOVEMBER + 2 * DAY, customer=B)
    assert [(each.operation, each.calls, each.denied) for each in calls] == [
        ("IndexFaces", 1, 1),
        ("SearchFacesByImage", 1, 1),
    ]
    assert stored == []
    assert calls[0].as_json()["day"] == "2026-11-02"
    assert StoredDay("2026-11-01", A, 5, 1).as_json() == {"day": "2026-11-01", "customer": A, "faces": 5, "users": 1}


def made():
    return list(records(ENTRIES, origin="candid.local/x", region="eu-west-1"))


def test_a_record():
    assert made()[0] == {
        "eventVersion": "1.11",
        "userIdentity": {"type": "AWSAccount", "principalId": A, "accountId": A},
        "eventTime": "2026-11-01T00:00:00Z",
        "eventSource": "rekognition.amazonaws.com",
        "eventName": "SearchFacesByImage",
        "awsRegion": "eu-west-1",
        "requestParameters": None,
        "responseElements": None,
        "additionalEventData": {
            "logOrigin": "candid.local/x",
            "logIndex": 10,
            "decision": {"allowed": True, "rule": "customer-open", "policy": "1"},
            "number": 1,
            "meter": "image-group-1",
            "units": 1,
            "started": NOVEMBER - 3,
            "time": NOVEMBER,
            "run": 0,
            "collection": who("c"),
            "counts": {"matches": 2},
        },
        "requestID": "00000000-0000-4000-8000-000000000001",
        "eventID": "00000000-0000-4000-8000-000000000001",
        "readOnly": True,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "eventCategory": "Management",
    }


def test_no_region_is_made_up():
    found = list(records(ENTRIES, origin="candid.local/x"))
    assert found == [{name: value for name, value in each.items() if name != "awsRegion"} for each in made()]


@pytest.mark.parametrize("name", sorted(ASKED))
def test_what_only_reads(name):
    """Rekognition's own operations: those that change nothing begin with one of five words."""
    (record,) = records([(0, call(A, NOVEMBER, operation=name))], origin="candid.local/x")
    assert record["readOnly"] is bool(re.match(r"(Compare|Describe|Detect|List|Search)[A-Z]", name))


def test_how_a_call_ended():
    found = made()
    assert [each.get("errorCode") for each in found] == [
        None,
        "ImageTooLargeException",
        None,
        "AccessDeniedException",
        "AccessDeniedException",
    ]
    assert found[3]["userIdentity"]["accessKeyId"] == who("key")
    assert found[4]["errorMessage"] == "denied by the rule customer-closed"
    assert [each["readOnly"] for each in found] == [True, True, True, True, False]


def test_both_kinds_of_files():
    whole = "".join(as_file(made()))
    assert json.loads(whole) == {"Records": made()}
    assert json.loads("".join(as_file([]))) == {"Records": []}
    assert [json.loads(line) for line in "".join(as_lines(made())).splitlines()] == made()


def test_parquet(tmp_path):
    path = tmp_path / "it's calls.parquet"
    assert write_parquet(ENTRIES, path) == 5
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    found = duckdb.read_parquet(str(path))
    assert found.count("*").fetchall() == [(5,)]
    columns = (
        "log_index, epoch_ms(time), epoch_ms(started), operation, customer, outcome, error, allowed, units, collection"
    )
    rows = found.project(columns).fetchall()
    operation = "SearchFacesByImage"
    assert rows[:2] == [
        (10, NOVEMBER, NOVEMBER - 3, operation, A, "ok", None, True, 1, who("c")),
        (11, NOVEMBER + 1, NOVEMBER + 1, operation, A, "error", "ImageTooLargeException", True, 0, None),
    ]
    assert [row[7] for row in rows] == [True, True, True, False, False]


def test_parquet_of_nothing(tmp_path):
    assert write_parquet([], tmp_path / "none.parquet") == 0
    assert duckdb.read_parquet(str(tmp_path / "none.parquet")).fetchall() == []


def test_parquet_without_its_package(tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *more, **others):
        if name == "duckdb":
            raise ImportError(name)
        return real(name, *more, **others)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingPackage, match=r"pip install 'candid\[parquet\]'"):
        write_parquet(ENTRIES, tmp_path / "x.parquet")
